"""The benchmark of the engine at its smallest: its copy of the course, one save, two submissions."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.common import ROOT
from bench.labkit.__main__ import show
from bench.labkit.course import copy_of_course, plain_pytest, run, with_one_solved
from bench.labkit.grading import submissions
from bench.labkit.watch import save_to_verdict, wait_for
from labkit.course.catalog import load_catalog
from labkit.course.lab import Lab
from labkit.course.marks import open_todos


@pytest.fixture(scope="module")
def root() -> Iterator[Path]:
    with copy_of_course() as folder:
        yield folder


@pytest.fixture(scope="module")
def lab(root: Path) -> Lab:
    return load_catalog(root).lab(1)


def test_the_copy_is_a_course_of_its_own(root: Path, lab: Lab) -> None:
    assert not root.is_relative_to(ROOT)
    assert [other.package for other in load_catalog(root)] == [other.package for other in load_catalog(ROOT)]


def test_a_solved_exercise_leaves_the_others_to_do(root: Path, lab: Lab) -> None:
    first, *others = lab.exercises
    open_ones = set(open_todos(with_one_solved(root, lab, lab.exercises[0])))
    assert open_ones == {exercise.id for exercise in others if exercise.file == first.file}


def test_one_save_is_timed(root: Path, lab: Lab) -> None:
    labs = ROOT / lab.labs_dir
    before = {path: path.stat().st_mtime_ns for path in labs.iterdir()}
    assert 0 < save_to_verdict(root, lab, 1) < 60
    assert {path: path.stat().st_mtime_ns for path in labs.iterdir()} == before


def test_a_watching_process_that_ends_is_told() -> None:
    wait_for("ready", ["warming", "ready to go"])
    with pytest.raises(SystemExit, match="has ended"):
        wait_for("ready", ["warming"])


def test_plain_pytest_fails_a_wrong_submission_and_that_ends_the_benchmark(root: Path, lab: Lab) -> None:
    one, other = submissions(root, lab, 2)
    assert (one / "house_price.py").read_bytes() != (other / "house_price.py").read_bytes()
    command = plain_pytest(lab, str(one), "--exercise", lab.exercises[0].id)
    with pytest.raises(SystemExit, match="exit 1\n") as caught:
        run(command, root)
    assert " failed" in str(caught.value)


def test_an_exit_code_that_is_expected_ends_nothing(root: Path) -> None:
    run([sys.executable, "-c", "raise SystemExit(1)"], root, codes=(1,))


def test_the_table_says_ratios(capsys: pytest.CaptureFixture[str]) -> None:
    show([("plain", 3.0, 3.0), ("lab", 1.5, 3.0)])
    assert [line.split()[-3:] for line in capsys.readouterr().out.splitlines()[1:]] == [
        ["3.000", "1.00", "1.0×"],
        ["1.500", "0.50", "2.0×"],
    ]
