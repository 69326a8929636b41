"""The rules of 6.2 at work: Prometheus' own `promtool` plays drawn series to them and says what they make of it."""

from __future__ import annotations

import contextlib
import json
import re
import resource
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from labkit.checks import CheckFailed, fail
from labkit.tools import find

Phase = tuple[int, float | None]
"""Minutes, and how much a series rises in each of them; None: it is not there."""
LONGEST = 60
"""Seconds that promtool may take."""


@dataclass
class Play:
    """Series of one story, with a sample every so many seconds, and what is asked of the rules in it."""

    name: str
    every: int = 60
    series: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, int]] = field(default_factory=list)

    def counter(self, name: str, *phases: Phase, **labels: str) -> None:
        """Add a counter that rises in phases."""
        values, now = ["0"], 0.0
        for minutes, step in phases:
            for _ in range(minutes * 60 // self.every):
                now += (step or 0.0) * self.every / 60
                values.append("_" if step is None else f"{now:.12g}")
        self.series[selector(name, labels)] = " ".join(values)

    def gauge(self, name: str, *phases: Phase, **labels: str) -> None:
        """Add a series that has a value in each phase."""
        shown = [(minutes * 60 // self.every, "_" if value is None else f"{value:.15g}") for minutes, value in phases]
        values = [text for times, text in shown for _ in range(times)]
        self.series[selector(name, labels)] = " ".join(values)

    def risen(self, phases: Sequence[Phase], window: int, minute: int) -> float:
        """What `increase` says of a counter in the minutes before: Prometheus stretches what its samples span.

        Since version 3 a window leaves out its left end, and so the rise from the sample that stands there.
        """
        seen = window - self.every / 60 * leaves_out_the_left_end()
        return (_total(phases, minute) - _total(phases, minute - seen)) * window / seen

    def requests(self, route: str, status: str, *phases: Phase, instance: str = "a", method: str = "POST") -> None:
        """Add requests to a route of the service, so many in each minute."""
        labels = {"instance": instance, "method": method, "route": route, "status": status}
        self.counter("http_requests_total", *phases, job="predictions", **labels)

    def document(self, groups: Sequence[str]) -> dict[str, object]:
        """The story as promtool takes it: each question expects what cannot be, so that the answer is printed.

        Args:
            groups: the groups of rules in the order in which they are evaluated; promtool has none of its own.
        """
        impossible = [{"labels": '{never="so"}', "value": 1}]
        return {
            "rule_files": ["rules.yml"],
            "evaluation_interval": f"{max(60, self.every)}s",
            "group_eval_order": list(groups),
            "tests": [
                {
                    "interval": f"{self.every}s",
                    "input_series": [{"series": name, "values": values} for name, values in self.series.items()],
                    "promql_expr_test": [
                        {"expr": query, "eval_time": f"{minute}m", "exp_samples": impossible}
                        for query, minute in self.asked
                    ],
                }
            ],
        }


def _total(phases: Sequence[Phase], minute: float) -> float:
    """What a counter has counted until a minute."""
    total, left = 0.0, minute
    for minutes, step in phases:
        total, left = total + min(max(left, 0.0), minutes) * (step or 0.0), left - minutes
    return total


@cache
def leaves_out_the_left_end() -> bool:
    """Whether the range of a selector leaves out its left end, as it does since Prometheus 3."""
    program = find("promtool")
    assert program is not None
    printed = subprocess.run([str(program), "--version"], capture_output=True, text=True, check=False)
    version = re.search(r"version (\d+)\.", printed.stdout + printed.stderr)
    return version is not None and int(version[1]) >= 3


def selector(name: str, labels: dict[str, str]) -> str:
    """`name{a="b"}`."""
    return name + "{" + ",".join(f'{key}="{value}"' for key, value in labels.items()) + "}"


def firing(alert: str) -> str:
    """A query: how many alerts of this name ring; nothing where none does."""
    return f'count(ALERTS{{alertname="{alert}",alertstate="firing"}})'


@dataclass(frozen=True)
class Replay:
    """What the rules made of the stories: story, query, minute → the value, None where there was no answer."""

    answers: dict[tuple[str, str, int], float | None]

    def value(self, play: Play, query: str, minute: int) -> float | None:
        """The answer to a query that was asked."""
        return self.answers[play.name, query, minute]


_ANSWER = re.compile(
    r'^ +expr: (?P<query>".*?"), time: (?P<time>\S+?),\s*\n +exp:.*?\n +got: *(?P<got>.*?)$', re.MULTILINE
)
_GROUP = re.compile(r"""^[ ]*+(?:-[ ]++)?+name:[ ]*+["']?+([\w .:/-]*\w)""", re.MULTILINE)
_SAMPLE = re.compile(r"\} (?P<value>[-+\w.]+)$")


def replay(rules: str, plays: Sequence[Play]) -> Replay:
    """Play all stories to the rules, in one call of promtool."""
    program = find("promtool")
    assert program is not None
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "rules.yml").write_text(rules, encoding="utf-8")
        groups = dict.fromkeys(_GROUP.findall(rules))
        names = {f"story{number}.yml": play for number, play in enumerate(plays)}
        for file, play in names.items():
            Path(folder, file).write_text(json.dumps(play.document([*groups])), encoding="utf-8")
        try:
            done = subprocess.run(
                [str(program), "test", "rules", *names],
                cwd=folder, env={"HOME": folder, "GOMAXPROCS": "2"}, preexec_fn=_bounded, stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", timeout=LONGEST,
                check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            fail(expected=f"promtool plays the rules within {LONGEST} s", found="it did not come to an end")
    answers: dict[tuple[str, str, int], float | None] = {}
    printed = done.stdout
    # One verdict for each file, in their order. Only version 2 says which file it is about to look at.
    verdicts = re.split(r"^  (?:FAILED:|SUCCESS)", printed, flags=re.MULTILINE)[1:]
    for play, part in zip(plays, verdicts, strict=False):
        for match in _ANSWER.finditer(part):
            sample = _SAMPLE.search(match["got"])
            with contextlib.suppress(ValueError):
                key = (play.name, str(json.loads(match["query"])), minutes(match["time"]))
                answers[key] = float(sample["value"]) if sample else None
    for play in plays:
        for query, minute in play.asked:
            if (play.name, query, minute) not in answers:
                _refused(printed)
    return Replay(answers)


def _bounded() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (LONGEST, LONGEST))
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**28, 2**28))


def _refused(printed: str) -> None:
    lines = [line.strip() for line in printed.splitlines() if re.search(r"err|FAILED:|panic", line)]
    raise CheckFailed("Prometheus can evaluate the rules", " / ".join(lines[:3])[:400] or "it gives no answer")


def minutes(text: str) -> int:
    """`1h50m` or `1h50m0s` as minutes."""
    parts = re.findall(r"(\d+)([hms])", text)
    return sum(int(number) * {"h": 60, "m": 1, "s": 0}[unit] for number, unit in parts)
