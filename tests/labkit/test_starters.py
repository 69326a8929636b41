"""labs/ is written from solutions/; what a learner wrote is never lost."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.labkit import toy

from labkit.course.catalog import load_catalog
from labkit.course.marks import MarkError, open_todos
from labkit.course.starters import render_starters, starters, stray_files, sync, write_solved

ANSWER = Path("labs", "lab1_toy", "answer.py")


def test_sync_writes_once(course: Path) -> None:
    (course / ANSWER).unlink()
    first = sync(course)
    assert first.written == [ANSWER.as_posix()]
    assert first.kept is None
    second = sync(course)
    assert second.written == []
    assert len(second.unchanged) == 2
    assert open_todos((course / ANSWER).read_text()) == {"1.1": 6, "1.2": 12}


def test_what_sync_replaces_is_kept(course: Path) -> None:
    toy.write(course / ANSWER, "mine = 1\n")
    toy.write(course / "labs" / "lab1_toy" / "notes.txt", "my notes\n")
    report = sync(course)
    assert report.stray == ["labs/lab1_toy/notes.txt"]
    assert (course / "labs" / "lab1_toy" / "notes.txt").read_text() == "my notes\n"
    assert report.kept is not None
    assert report.kept.parent == course / ".lab" / "kept"
    assert (report.kept / "lab1_toy" / "answer.py").read_text() == "mine = 1\n"
    toy.write(course / ANSWER, "mine = 2\n")
    again = sync(course)
    assert again.kept not in (None, report.kept)


def test_a_link_is_replaced_and_its_target_left_alone(course: Path, tmp_path: Path) -> None:
    target = toy.write(tmp_path / "elsewhere.py", "precious = 1\n")
    (course / ANSWER).unlink()
    (course / ANSWER).symlink_to(target)
    sync(course)
    assert target.read_text() == "precious = 1\n"
    assert not (course / ANSWER).is_symlink()
    assert "TODO 1.1" in (course / ANSWER).read_text()


def test_other_files_come_along_as_they_are(course: Path) -> None:
    folder = course / "solutions" / "lab1_toy"
    (folder / "picture.png").write_bytes(b"\x89PNG\xff\x00")
    script = toy.write(folder / "tools" / "run.sh", "echo hello\n")
    script.chmod(0o755)
    toy.write(folder / "__pycache__" / "answer.pyc", "x")
    sync(course)
    made = course / "labs" / "lab1_toy"
    assert (made / "picture.png").read_bytes() == b"\x89PNG\xff\x00"
    assert os.access(made / "tools" / "run.sh", os.X_OK)
    assert not (made / "__pycache__").exists()
    assert stray_files(course, load_catalog(course).lab(1)) == []


def test_a_starter_that_would_not_compile_is_an_error(course: Path) -> None:
    solution = course / "solutions" / "lab1_toy" / "answer.py"
    solution.write_text(solution.read_text() + "\n\ndef f():\n# solution 1.1\n    return 1\n# end solution\n")
    with pytest.raises(MarkError, match=r"labs/lab1_toy/answer\.py:\d+: the starter would not compile"):
        sync(course)


def test_a_mark_of_an_exercise_of_another_file_is_an_error(course: Path) -> None:
    toy.write(course / "solutions" / "lab1_toy" / "other.py", "# solution 1.1\nx = 1\n# end solution\n")
    with pytest.raises(MarkError, match=r"solutions/lab1_toy/other\.py:1: no exercise `1\.1` is written in this file"):
        starters(course, load_catalog(course).lab(1))


def test_starters_can_be_written_elsewhere(course: Path, tmp_path: Path) -> None:
    toy.write(course / ANSWER, toy.answer())
    render_starters(course, tmp_path / "out")
    assert "TODO 1.1" in (tmp_path / "out" / "lab1_toy" / "answer.py").read_text()
    assert (course / ANSWER).read_text() == toy.answer().lstrip("\n")


def test_a_lab_can_be_written_with_some_exercises_solved(course: Path, tmp_path: Path) -> None:
    toy.write(course / ANSWER, toy.answer())
    lab = load_catalog(course).lab("lab1_toy")
    folder = write_solved(course, lab, ["1.1"], tmp_path / lab.package)
    text = (folder / "answer.py").read_text()
    assert "TODO 1.1" not in text and "solution 1.1" not in text and text != toy.answer()
