"""Records and text: exit codes, the outcome that stands for several, text that is safe to show."""

from __future__ import annotations

import json
import time

import pytest

from labkit.records import Outcome, Report, Result, worst
from labkit.text import clean, clip_lines, plural


def report_of(*outcomes: Outcome) -> Report:
    return Report(1, "labs", tuple(Result("1.1", f"test_{n}", outcome, "", 0.25) for n, outcome in enumerate(outcomes)))


@pytest.mark.parametrize(
    ("outcomes", "code", "stands_for"),
    [
        (["passed", "skipped"], 0, "passed"),
        (["skipped"], 0, "skipped"),
        (["passed", "todo"], 1, "todo"),
        (["todo", "failed"], 1, "failed"),
        (["failed", "error", "passed"], 3, "error"),
        ([], 3, "error"),
    ],
)
def test_exit_codes(outcomes: list[Outcome], code: int, stands_for: Outcome) -> None:
    assert report_of(*outcomes).exit_code == code
    assert worst(outcomes) == stands_for


def test_json_has_the_five_fields_of_a_result() -> None:
    report = Report(1, "labs", (Result("1.1", "test_a", "failed", "m", 0.123456, "title", "output"),), ("note",))
    assert json.loads(json.dumps(report.to_json())) == {
        "lab": 1,
        "track": "labs",
        "results": [{"exercise": "1.1", "check": "test_a", "outcome": "failed", "message": "m", "seconds": 0.1235}],
        "notes": ["note"],
    }


def test_a_report_counts_and_sums() -> None:
    report = report_of("passed", "passed", "todo")
    assert report.counts() == {"passed": 2, "failed": 0, "todo": 1, "skipped": 0, "error": 0}
    assert report.seconds == 0.75
    assert list(report.by_exercise()) == ["1.1"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07after", "after"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x9b31mred", "red"),
        ("a\x00b\x08c\x7fd", "abcd"),
        ("one\r\ntwo\rthree", "one\ntwo\nthree"),
        ("\u202eevil\u202c", "evil"),
        ("집값 — ✓ 👩‍🔬", "집값 — ✓ 👩‍🔬"),
        ("\ud800x", "x"),
        ("\x1b", ""),
        ("\x1b[", ""),
        ("tab\there", "tab\there"),
    ],
)
def test_clean_leaves_only_text(text: str, shown: str) -> None:
    assert clean(text) == shown


def test_clean_cuts_and_says_so() -> None:
    assert clean("x" * 5000, 100) == "x" * 100 + "\n… (4,900 more characters)"
    started = time.perf_counter()
    assert clean("\x1b[1m" * 5_000_000, 100).endswith("more characters)")
    assert time.perf_counter() - started < 1


def test_small_words() -> None:
    assert clip_lines("a\nb\nc", 2) == "a\nb\n… (1 more lines)"
    assert (plural(1, "check"), plural(2, "check")) == ("1 check", "2 checks")
