"""The course proved whole: what `lab dev check` finds, one gap at a time."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.labkit import toy

from labkit.course.catalog import load_catalog
from labkit.course.check_functions import read_checks
from labkit.course.proof import course_problems


def problems(root: Path, *, look_at_labs: bool = True) -> str:
    return "\n".join(course_problems(load_catalog(root), look_at_labs=look_at_labs))


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_a_whole_course_has_no_problem(course: Path) -> None:
    assert problems(course) == ""


def test_the_repository_has_no_problem_but_in_labs() -> None:
    root = Path(__file__).resolve().parents[2]
    assert problems(root, look_at_labs=False) == ""


def test_labs_out_of_step_are_shown_as_a_short_diff(course: Path) -> None:
    change(course / "labs/lab1_toy/answer.py", "raise NotImplementedError", "return 2 * x")
    found = problems(course)
    assert "labs/lab1_toy/answer.py: differs from what `lab dev sync` would write" in found
    assert "-    return 2 * x\n    +    raise NotImplementedError" in found
    assert problems(course, look_at_labs=False) == ""


@pytest.mark.parametrize(
    ("file", "old", "new", "wanted"),
    [
        ("weeks/week1_toy/lab.toml", 'hints = ["`len` counts."]', "", "exercise 1.2 has no hint"),
        ("tests/labs/test_lab1_toy.py", '@exercise("1.2")', '@exercise("1.1")', "no check for exercise 1.2"),
        (
            "tests/labs/test_lab1_toy.py",
            '@exercise("1.2")',
            '@exercise("1.7")',
            "exercise 1.7, which lab.toml does not",
        ),
        ("tests/labs/test_lab1_toy.py", '    """`double` returns twice its argument."""\n', "", "has no docstring"),
        ("tests/labs/test_lab1_toy.py", "def test_doubles", "def test_double", "Did you mean `test_double`?"),
        ("tests/labs/test_lab1_toy.py", "from labkit.checks import exercise", "from labkit import (", "invalid syntax"),
        ("solutions/lab1_toy/answer.py", "    # solution 1.2\n", "", "answer.py:14: `end solution` without"),
        (
            "solutions/lab1_toy/answer.py",
            "return len(frame)",
            "# TODO 1.2: x",
            ":14: the solution still holds `TODO 1.2`",
        ),
        ("tests/mutants/lab1_toy/1.1_zero.py", "def double(x)", "def twice(x)", "1.1_zero.py: replaces nothing"),
        ("tests/mutants/lab1_toy/1.1_zero.py", "# file: answer.py\n", "", "`# file: …` is missing"),
    ],
)
def test_each_gap_is_named(course: Path, file: str, old: str, new: str, wanted: str) -> None:
    change(course / file, old, new)
    assert wanted in problems(course)


@pytest.mark.parametrize(
    ("file", "wanted"),
    [
        ("tests/mutants/lab1_toy/1.2_zero.py", "tests/mutants/lab1_toy/: no mutant for exercise 1.2"),
        ("labs/lab1_toy/answer.py", "labs/lab1_toy/answer.py: missing; `lab dev sync` writes it"),
        (
            "solutions/lab1_toy/answer.py",
            "solutions/lab1_toy/answer.py: named in weeks/week1_toy/lab.toml, but not there",
        ),
        ("weeks/week1_toy/README.md", "the guide is missing"),
        ("tests/labs/test_lab1_toy.py", "tests/labs/test_lab1_toy.py: [Errno 2] No such file or directory"),
    ],
)
def test_a_missing_file_is_named(course: Path, file: str, wanted: str) -> None:
    (course / file).unlink()
    assert wanted in problems(course)


def test_an_exercise_without_a_mark_has_no_todo(course: Path) -> None:
    change(
        course / "solutions/lab1_toy/answer.py",
        "    # solution 1.2\n    return len(frame)\n    # end solution\n",
        "    return 1\n",
    )
    assert "answer.py: no `solution 1.2` mark, so no TODO" in problems(course)


def test_stray_files_and_folders_are_named(course: Path) -> None:
    toy.write(course / "labs" / "lab1_toy" / "notes.txt", "x")
    toy.write(course / "labs" / "lab9_old" / "a.py", "x")
    toy.write(course / "solutions" / "scratch.py", "x")
    found = problems(course)
    assert "labs/lab1_toy/notes.txt: stray file" in found
    assert "labs/lab9_old: stray, no lab.toml stands for it" in found
    assert "solutions/scratch.py: stray" in found


def test_checks_are_read_without_being_run(course: Path) -> None:
    path = course / "tests" / "labs" / "test_lab1_toy.py"
    path.write_text("raise SystemExit\n" + path.read_text())
    checks = read_checks(course, load_catalog(course).lab(1))
    assert [(check.name, check.exercise) for check in checks] == [("test_doubles", "1.1"), ("test_counts", "1.2")]
    assert checks[0].docstring == "`double` returns twice its argument."


def test_a_service_that_is_not_declared_is_found(course: Path) -> None:
    toml = course / "weeks" / "week1_toy" / "lab.toml"
    toml.write_text(toml.read_text().replace('title = "Double"', 'title = "Double"\nservices = ["mlflw"]'))
    text = (course / "pyproject.toml").read_text()
    (course / "pyproject.toml").write_text(f"{text}[tool.labkit]\nservices = 'mlops_lab.services'\n")
    problems = course_problems(load_catalog(course))
    wanted = "weeks/week1_toy/lab.toml: `services`: there is no service `mlflw`. Did you mean `mlflow`?"
    assert wanted in problems
    (course / "pyproject.toml").write_text(f"{text}[tool.labkit]\nservices = 'mlops_lab.nowhere'\n")
    assert any("`mlops_lab.nowhere` cannot be used" in problem for problem in course_problems(load_catalog(course)))
