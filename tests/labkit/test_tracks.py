"""Tracks: what is taken from a submission is the submission's own, whichever way a link may lead elsewhere."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.labkit import toy
from tests.labkit.conftest import Lab as Command

from labkit.course.catalog import load_catalog
from labkit.course.lab import Lab
from labkit.course.tracks import Collected, TrackError, collect, resolve_track


@pytest.fixture
def one(course: Path) -> Lab:
    return load_catalog(course).lab(1)


@pytest.fixture
def ben(course: Path) -> Path:
    """The submission that others would like to hand in."""
    return toy.write(course / "people" / "ben" / "labs" / "lab1_toy" / "answer.py", toy.answer()).parents[2]


def take(course: Path, folder: Path, lab: Lab) -> Collected:
    return collect(resolve_track(course, str(folder), lab), lab)


def link_start(anna: Path, target: Path) -> Path:
    """The submission's folder is a link."""
    anna.symlink_to(target)
    return anna


def link_start_deep(anna: Path, target: Path) -> Path:
    """The same, and the lab's folder is what was typed."""
    anna.symlink_to(target)
    return anna / "labs" / "lab1_toy"


def link_labs(anna: Path, target: Path) -> Path:
    anna.mkdir()
    (anna / "labs").symlink_to(target / "labs")
    return anna


def link_labs_deep(anna: Path, target: Path) -> Path:
    return link_labs(anna, target) / "labs" / "lab1_toy"


def link_package(anna: Path, target: Path) -> Path:
    (anna / "labs").mkdir(parents=True)
    (anna / "labs" / "lab1_toy").symlink_to(target / "labs" / "lab1_toy")
    return anna


def link_package_deep(anna: Path, target: Path) -> Path:
    return link_package(anna, target) / "labs" / "lab1_toy"


def link_package_alone(anna: Path, target: Path) -> Path:
    anna.mkdir()
    (anna / "lab1_toy").symlink_to(target / "labs" / "lab1_toy")
    return anna


def link_nested(anna: Path, target: Path) -> Path:
    """A folder of the same names inside itself does not move the place where the walk begins."""
    shutil.copytree(target / "labs", target / "copy")
    (target / "copy").rename(target / "labs" / "lab1_toy" / "labs")
    return link_labs(anna, target) / "labs" / "lab1_toy"


def link_file(anna: Path, target: Path) -> Path:
    anna.mkdir()
    (anna / "answer.py").symlink_to(target / "labs" / "lab1_toy" / "answer.py")
    return anna


LINKS = [
    link_start, link_start_deep, link_labs, link_labs_deep, link_package, link_package_deep, link_package_alone,
    link_nested, link_file,
]  # fmt: skip


@pytest.mark.parametrize("link", LINKS, ids=lambda link: link.__name__)
def test_no_link_leads_to_a_neighbour(course: Path, one: Lab, ben: Path, link: Callable[[Path, Path], Path]) -> None:
    taken = take(course, link(ben.with_name("anna"), ben), one)
    assert taken.texts == {}
    assert "is a symbolic link" in taken.problems["answer.py"]
    assert "anna" in taken.problems["answer.py"], "the link itself is named"


@pytest.mark.parametrize("name", ["solutions", "solutions/lab1_toy"])
def test_no_link_leads_to_the_solutions(course: Path, one: Lab, tmp_path: Path, name: str) -> None:
    anna = tmp_path / "anna"
    anna.symlink_to(course / name)
    taken = take(course, anna, one)
    assert taken.texts == {}
    assert "is a symbolic link" in taken.problems["answer.py"]


def test_a_link_above_the_submission_does_not_hide_the_solutions(course: Path, one: Lab, tmp_path: Path) -> None:
    (course / "solutions" / "lab1_toy").rename(course / "solutions" / "work")
    (course / "solutions" / "lab1_toy").symlink_to("work")  # so that the folder bears another name
    (tmp_path / "here").symlink_to(course / "solutions")
    with pytest.raises(TrackError, match="leads to the solutions"):
        resolve_track(course, str(tmp_path / "here" / "work"), one)


@pytest.mark.parametrize("name", ["solutions", "./solutions", "solutions/lab1_toy"])
def test_the_solutions_are_checked_where_they_are_asked_for(
    course: Path, one: Lab, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(course)
    assert set(collect(resolve_track(course, name, one), one).texts) == {"answer.py"}


def test_the_place_of_the_submissions_may_be_reached_by_a_link(course: Path, one: Lab, ben: Path) -> None:
    (course / "handed-in").symlink_to("people")
    assert set(take(course, course / "handed-in" / "ben", one).texts) == {"answer.py"}


def test_the_working_directory_is_a_submission(
    course: Path, one: Lab, ben: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ben)
    assert set(take(course, Path("."), one).texts) == {"answer.py"}


def test_a_hard_link_is_refused_and_a_copy_taken(course: Path, one: Lab, ben: Path) -> None:
    mine = course / "people" / "anna" / "answer.py"
    mine.parent.mkdir()
    os.link(ben / "labs" / "lab1_toy" / "answer.py", mine)
    taken = take(course, mine.parent, one)
    assert taken.texts == {}
    assert "has a second name on this disk" in taken.problems["answer.py"]
    shutil.copy(mine, mine.with_name("new"))
    mine.with_name("new").replace(mine)
    assert set(take(course, mine.parent, one).texts) == {"answer.py"}


@pytest.mark.parametrize("below", ["", "labs/lab1_toy"])
def test_grade_refuses_a_folder_that_is_a_link(lab: Command, ben: Path, below: str) -> None:
    for name in ("anna", "carl"):
        (ben.parent / name).symlink_to(ben)
    names = [f"people/{name}/{below}".rstrip("/") for name in ("anna", "ben", "carl")]
    done = lab("grade", "1", "--no-walls", *names)
    assert done.returncode == 2
    assert done.stderr.startswith(f"`{names[0]}`, `{names[2]}`: a link, or behind one"), done.stderr


def test_grade_of_a_lone_link_judges_nothing_of_it(lab: Command, ben: Path) -> None:
    """What all folders have in common is taken for the caller's own, and lies behind a link here."""
    (ben.parent / "anna").symlink_to(ben)
    done = lab("grade", "1", "--no-walls", "people/anna/labs/lab1_toy")
    assert done.returncode == 1
    assert "  0 of 2 exercises" in done.stdout
