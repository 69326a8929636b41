"""Twenty submissions, five of them hostile: the other fifteen get the verdicts that they get alone."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
from tests.labkit import toy
from tests.labkit.hostile import ENDS

HOSTILE = ("fork bomb", "10 GB", "1 GB to stdout", "kills everybody", "1 GB to a file")
HONEST = {
    "right": toy.answer(),
    "wrong": toy.answer("return 7"),
    "raises": toy.answer("raise ValueError('no')"),
    "slow": toy.answer("while True: pass"),
    "no Python": "def double(:\n",
}


@pytest.fixture
def verdicts(lab: Callable[..., CompletedProcess[str]], course: Path) -> Callable[..., dict[str, list[Any]]]:
    """Grade folders; return what was said of each: exercise, check, outcome and message."""

    def grade(*folders: Path) -> dict[str, list[Any]]:
        done = lab("grade", "1", *map(str, folders), "--jobs", "2", "--json", "grades.json")
        assert done.returncode in (0, 1), done.stdout + done.stderr
        table = json.loads((course / "grades.json").read_text(encoding="utf-8"))
        return {Path(one["track"]).name: [said(result) for result in one["results"]] for one in table["submissions"]}

    return grade


def said(result: dict[str, Any]) -> tuple[str, ...]:
    """Without what differs from run to run: numbers that are drawn, and the folder of the submission."""
    message = re.sub(r"\S*/(\w+)\.py", r"\1.py", re.sub(r"\d[\d,]*", "N", result["message"]))
    return result["exercise"], result["check"], result["outcome"], message


def test_hostile_submissions_cost_no_other_its_verdict(
    verdicts: Callable[..., dict[str, list[Any]]], tmp_path: Path
) -> None:
    texts = {f"hostile{place}": toy.answer(ENDS[name][0]) for place, name in enumerate(HOSTILE)}
    names = [f"{kind.replace(' ', '_')}{place}" for place in range(3) for kind in HONEST]
    texts |= {name: HONEST[name[:-1].replace("_", " ")] for name in names}
    assert len(texts) == 20
    ordered = [*names[:2], "hostile0", *names[2:5], "hostile1", "hostile2", *names[5:9], "hostile3", *names[9:12]]
    ordered += ["hostile4", *names[12:]]
    for name in ordered:
        toy.write(tmp_path / name / "answer.py", texts[name])
    together = verdicts(*(tmp_path / name for name in ordered))
    alone = {kind: verdicts(tmp_path / f"{kind.replace(' ', '_')}0") for kind in HONEST}
    for name in names:
        kind = name[:-1].replace("_", " ")
        assert together[name] == next(iter(alone[kind].values())), name
    outcomes = {name: {result[2] for result in together[name]} for name in together}
    assert outcomes["right0"] == {"passed"}
    for name in ordered:
        if name.startswith("hostile"):
            assert "failed" in outcomes[name] and "error" not in outcomes[name], (name, together[name])
