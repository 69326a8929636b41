"""`lab check --live`: what a lab's own module says of what is really there becomes a report like any other."""

from __future__ import annotations

from pathlib import Path

import pytest

from labkit.commands.common import UsageFault
from labkit.commands.live import judge_live
from labkit.course.lab import Exercise, Lab
from labkit.records import Report

LINE = '{"exercise": "9.1", "check": "c", "title": "It runs.", "outcome": "failed", "message": "m", "seconds": 1.5}'


def lab(live: str | None = "judge") -> Lab:
    return Lab(9, "toy", "Toy", 5, (), (Exercise("9.1", "Run", "a.py", 5),), live=live)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "labs/lab9_toy").mkdir(parents=True)
    return tmp_path


def judged(root: Path, code: str, track: str = "labs", context: str = "mine") -> Report:
    (root / "judge.py").write_text(f"import sys\n{code}\n", encoding="utf-8")
    return judge_live(root, lab(), lab().exercises[0], track, context, lambda result: None)


def test_each_line_is_a_result_and_the_module_is_told_which_code_and_which_context(root: Path) -> None:
    report = judged(root, f"print({LINE!r})\nassert sys.argv[2:] == ['--context', 'mine', '--exercise', '9.1']")
    (result,) = report.results
    assert (result.exercise, result.outcome, result.title.raw, result.seconds) == ("9.1", "failed", "It runs.", 1.5)
    assert report.exit_code == 1
    assert "mine" in report.notes[0].raw


def test_what_the_module_refuses_is_wrong_usage(root: Path) -> None:
    with pytest.raises(UsageFault, match="say `--context other`"):
        judged(root, "print('say `--context other`', file=sys.stderr)\nsys.exit(2)")


def test_a_module_that_breaks_is_an_error_and_what_it_has_said_stays(root: Path) -> None:
    report = judged(root, f"print({LINE!r}, flush=True)\nraise OSError('the cluster is gone')")
    assert [result.outcome for result in report.results] == ["failed", "error"]
    assert "the cluster is gone" in report.results[1].message.raw
    assert report.exit_code == 3


def test_a_lab_without_live_checks_and_a_folder_of_another_name_are_refused(root: Path) -> None:
    with pytest.raises(UsageFault, match="no live checks"):
        judge_live(root, lab(live=None), None, "labs", "mine", lambda result: None)
    (root / "other").mkdir()
    with pytest.raises(UsageFault, match="lab9_toy"):
        judged(root, "", track=str(root / "other"))
