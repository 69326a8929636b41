"""Progress: what a learner has done, and a file that may be broken, edited or missing."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.labkit import toy

from labkit.course.catalog import load_catalog
from labkit.learner.progress import Standing, file_digests, first_unfinished, lab_in_hand, load_progress, standings
from labkit.records import Outcome, Report, Result


def report_of(**outcomes: Outcome) -> Report:
    results = (Result(id.replace("_", ".")[1:], "test_x", outcome, "", 0.1) for id, outcome in outcomes.items())
    return Report(1, "labs", tuple(results))


def states(root: Path) -> list[str]:
    return [standing.state for standing in standings(root, load_catalog(root).lab(1), load_progress(root))]


def record(root: Path, report: Report) -> None:
    progress = load_progress(root)
    progress.record(root, load_catalog(root).lab(1), report)
    progress.save()


def test_states_follow_the_file_and_the_verdicts(course: Path) -> None:
    assert states(course) == ["todo", "todo"]
    path = toy.write(course / "labs" / "lab1_toy" / "answer.py", toy.answer())
    assert states(course) == ["unchecked", "unchecked"]
    record(course, report_of(_1_1="passed", _1_2="failed"))
    assert states(course) == ["passed", "failed"]
    path.write_text(path.read_text() + "\n# an edit\n")
    assert states(course) == ["changed", "changed"]
    path.unlink()
    assert states(course) == ["missing", "missing"]


@pytest.mark.parametrize(
    ("outcome", "state"), [("passed", "passed"), ("skipped", "skipped"), ("error", "unchecked"), ("failed", "failed")]
)
def test_each_outcome_has_its_state(course: Path, outcome: Outcome, state: str) -> None:
    toy.write(course / "labs" / "lab1_toy" / "answer.py", toy.answer())
    record(course, report_of(_1_1=outcome))
    assert states(course)[0] == state


def test_a_todo_mark_that_came_back_counts_more_than_a_verdict(course: Path) -> None:
    record(course, report_of(_1_1="passed"))
    assert states(course) == ["todo", "todo"]


def test_an_edit_during_a_run_counts_as_an_edit(course: Path) -> None:
    lab = load_catalog(course).lab(1)
    path = toy.write(course / "labs" / "lab1_toy" / "answer.py", toy.answer())
    before = file_digests(course, lab)
    path.write_text(path.read_text() + "# saved while the checks ran\n")
    progress = load_progress(course)
    progress.record(course, lab, report_of(_1_1="passed"), before)
    progress.save()
    assert states(course)[0] == "changed"


def test_what_passed_before_an_edit_waits_behind_what_never_did(course: Path) -> None:
    lab = load_catalog(course).lab(1)
    one, two = lab.exercises
    unfinished = first_unfinished([Standing(one, "changed", last="passed"), Standing(two, "todo", 3)])
    assert unfinished is not None
    assert unfinished.exercise.id == "1.2"
    assert first_unfinished([Standing(one, "passed"), Standing(two, "skipped")]) is None


def test_the_lab_in_hand_is_the_first_unfinished_else_the_last(course: Path) -> None:
    toy.write(
        course / "weeks" / "week2_zoo" / "lab.toml",
        toy.LAB_TOML.replace('"toy"', '"zoo"').replace("1.", "2.").replace("number = 1", "number = 2"),
    )
    catalog = load_catalog(course)
    assert lab_in_hand(course, catalog, load_progress(course)).number == 1
    toy.write(course / "labs" / "lab1_toy" / "answer.py", toy.answer())
    record(course, report_of(_1_1="passed", _1_2="passed"))
    assert lab_in_hand(course, catalog, load_progress(course)).number == 2


def test_hints_are_counted_and_kept(course: Path) -> None:
    exercise = load_catalog(course).exercise("1.1")[1]
    progress = load_progress(course)
    assert [progress.next_hint(exercise) for _ in range(3)] == [1, 2, 2]
    progress.save()
    assert load_progress(course).hints == {"1.1": 2}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b'{"verdicts": [], "hints": {}}',
        b'{"verdicts": {"1.1": {"outcome": "great", "sha256": "x"}}, "hints": {}}',
        b'{"verdicts": {"1.1": {}}, "hints": {}}',
        b'{"verdicts": {}, "hints": {"1.1": "many"}}',
        b"[" * 100_000,
    ],
)
def test_a_broken_file_is_kept_aside(course: Path, content: bytes) -> None:
    path = course / ".lab" / "progress.json"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    progress = load_progress(course)
    assert progress.verdicts == {}
    assert "could not be read" in progress.warning
    kept = list(path.parent.glob("progress.broken-*.json"))
    assert [file.read_bytes() for file in kept] == [content]
    assert kept[0].name in progress.warning
    progress.save()
    assert load_progress(course).warning == ""


def test_a_folder_in_its_place_is_no_end(course: Path) -> None:
    (course / ".lab" / "progress.json").mkdir(parents=True)
    assert "could not be read" in load_progress(course).warning


def test_an_exercise_of_two_files_is_judged_by_both(course: Path) -> None:
    toml = course / "weeks" / "week1_toy" / "lab.toml"
    toml.write_text(toml.read_text().replace('id = "1.2"', 'id = "1.2"\nalso = [".ignore"]', 1))
    toy.write(course / "labs" / "lab1_toy" / "answer.py", toy.answer())
    assert states(course)[1] == "missing"
    ignore = toy.write(course / "labs" / "lab1_toy" / ".ignore", "# TODO 1.2: Count rows\n")
    lab = load_catalog(course).lab(1)
    standing = standings(course, lab, load_progress(course))[1]
    assert (standing.state, standing.file, standing.line) == ("todo", ".ignore", 1)
    ignore.write_text("*\n")
    record(course, report_of(_1_1="passed", _1_2="passed"))
    assert states(course)[1] == "passed"
    ignore.write_text("*.txt\n")
    assert states(course) == ["passed", "changed"]
