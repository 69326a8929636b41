"""CONTRIBUTING.md is followed to the letter in a copy of the repository."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
STEP = re.compile(
    r"(?P<verb>Append to|Write) `(?P<path>[^`]+)`:\n\n```\w+\n(?P<text>.*?)^```$|Run:\n\n```sh\n(?P<run>.*?)^```$",
    re.M | re.S,
)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of what the course is made of."""
    for name in ("weeks", "solutions", "labs", "tests/labs", "tests/mutants", "tests/alternatives", "tests/sentences"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def lab(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "labkit", *arguments], cwd=root, capture_output=True, text=True, check=False
    )


def test_an_exercise_can_be_added(copy: Path) -> None:
    steps = list(STEP.finditer((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")))
    assert len(steps) == 8, "the steps have another form than this test knows"
    for step in steps:
        if step["run"]:
            for line in step["run"].splitlines():
                done = lab(copy, *line.split()[1:])
                assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
        else:
            path = copy / step["path"]
            before = path.read_text(encoding="utf-8") if step["verb"] == "Append to" else ""
            assert step["verb"] == "Append to" or not path.exists()
            path.write_text(before + step["text"], encoding="utf-8")
    starter = (copy / "labs" / "lab1_models" / "customers.py").read_text(encoding="utf-8")
    assert "# TODO 1.10: A month without sales" in starter
    assert lab(copy, "check", "1.10").returncode == 1
    mutant_fails_and_alternative_passes(copy)


def mutant_fails_and_alternative_passes(root: Path) -> None:
    from labkit.course.catalog import load_catalog
    from labkit.course.mutants import load_alternatives, load_mutants, write_submission
    from labkit.course.tracks import resolve_track
    from labkit.engine.client import Engine

    course = load_catalog(root).lab(1)
    answers = [
        answer for answer in load_mutants(root, course) + load_alternatives(root, course) if answer.exercise == "1.10"
    ]
    assert [bool(answer.accepted) for answer in answers] == [False, True]
    with Engine(root) as engine:
        for number, answer in enumerate(answers):
            folder = write_submission(answer, root / "submissions" / str(number))
            report = engine.run(course, ["1.10"], resolve_track(root, str(folder), course))
            assert report.exit_code == (0 if answer.accepted else 1), report
