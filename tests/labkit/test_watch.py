"""`lab watch` through the real command: a verdict at each save, however the editor saves, and a clean end."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.labkit import toy
from tests.labkit.background import Background

from labkit.course.lab import Exercise
from labkit.learner.progress import Standing, State
from labkit.learner.watch import check_order
from labkit.records import Outcome

ANSWER = Path("labs", "lab1_toy", "answer.py")
WRONG = toy.answer(double="return 3 * x")


class Watched(Background):
    """A running `lab watch 1`, and the file that it watches."""

    def __init__(self, root: Path) -> None:
        super().__init__(root, "watch", "1")
        self.file = root / ANSWER

    def save(self, text: str) -> None:
        self.file.write_text(text, encoding="utf-8")


@pytest.fixture
def watched(course: Path) -> Iterator[Watched]:
    """A watch that waits for its first save."""
    watch = Watched(course)
    watch.wait_for("for a verdict at each save")
    yield watch
    watch.end()


def test_each_save_gets_its_verdict(watched: Watched) -> None:
    watched.save(WRONG)
    text = watched.wait_for("for a verdict at each save")
    assert "answer.py saved at" in text
    assert "✗  1.1  Double" in text
    assert "✓  1.2  Count rows" in text
    assert "✗ ✓   1 of 2" in text
    started = time.monotonic()
    watched.save(toy.answer())
    text = watched.wait_for("verdict in")
    # A tenth of this on a quiet machine; here other tests run beside it.
    assert time.monotonic() - started < 5
    assert "✓  1.1  Double" in text, "the first unfinished exercise is checked first"
    assert "Lab 1 is done." in watched.wait_for("Lab 1 is done.")


def test_a_file_replaced_by_rename_or_deleted_is_followed(watched: Watched) -> None:
    beside = watched.file.with_name(".answer.py.swp")
    for text, sign in ((toy.answer(), "✓  1.1"), (WRONG, "✗  1.1")):
        beside.write_text(text, encoding="utf-8")
        beside.replace(watched.file)
        assert sign in watched.wait_for("  1.1  ")
        watched.wait_for("of 2\n")
    watched.file.unlink()
    watched.wait_for("answer.py is gone")
    watched.save(toy.answer())
    watched.wait_for("Lab 1 is done.")


def test_the_lab_folder_replaced_as_a_whole_is_followed(watched: Watched) -> None:
    folder = watched.file.parent
    folder.rename(folder.with_name("away"))
    folder.mkdir()
    time.sleep(0.5)
    watched.save(toy.answer())
    watched.wait_for("✓  1.1")


def test_a_syntax_error_is_a_verdict_with_its_line(watched: Watched) -> None:
    watched.save("def double(x:\n    return 2\n")
    text = watched.wait_for("verdict in")
    assert "SyntaxError" in text
    assert "labs/lab1_toy/answer.py:1" in text
    watched.save(toy.answer())
    watched.wait_for("Lab 1 is done.")


def test_it_begins_with_what_is_begun(course: Path) -> None:
    (course / ANSWER).write_text(WRONG)
    watch = Watched(course)
    try:
        text = watch.wait_for("verdict in")
        assert "✗  1.1  Double" in text
    finally:
        watch.end()


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("while_checking", [False, True], ids=["waiting", "checking"])
def test_ctrl_c_leaves_no_process_and_no_traceback(watched: Watched, while_checking: bool) -> None:
    if while_checking:
        watched.save(toy.answer(double="import time\ntime.sleep(60)"))
        time.sleep(0.4)
    assert len(watched.group()) > 1, "there is no engine to end"
    rest = watched.end()
    assert watched.process.returncode == 130
    assert "stopped." in rest
    assert "Traceback" not in rest
    end = time.monotonic() + 5
    while watched.group() and time.monotonic() < end:
        time.sleep(0.05)
    assert watched.group() == []


def test_the_order_of_checks() -> None:
    def standing(id: str, state: State, last: Outcome | None = None) -> Standing:
        return Standing(Exercise(id, "", "a.py", 1), state, last=last)

    def order(*standings: Standing) -> list[str]:
        return [standing.exercise.id for standing in check_order(standings)]

    todo, passed = standing("1.1", "todo"), standing("1.2", "passed")
    edited, failed = standing("1.3", "changed", "passed"), standing("1.4", "changed", "failed")
    new = standing("1.5", "unchecked")
    assert order(todo, passed, edited, failed, new) == ["1.4", "1.5", "1.2", "1.3"]
    assert order(todo, standing("1.6", "todo")) == ["1.1"]
    assert order() == []
