"""A toy course that is whole: guide, starters, mutants. And `lab` as a learner runs it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.labkit import toy

from labkit.course.starters import sync

Lab = Callable[..., subprocess.CompletedProcess[str]]

MUTANT = """
# exercise: {exercise}
# file: answer.py
# caught by: {check}
# misconception: {misconception}

def {function}:
    return 0
"""


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """The root of a toy course with untouched starters."""
    root = toy.make_light_course(tmp_path / "course")
    toy.write(root / "weeks" / "week1_toy" / "README.md", "# A toy\n")
    mutants = root / "tests" / "mutants" / "lab1_toy"
    double = MUTANT.format(exercise="1.1", check="test_doubles", misconception="always 0", function="double(x)")
    count = MUTANT.format(exercise="1.2", check="test_counts", misconception="none", function="count_rows(frame)")
    toy.write(mutants / "1.1_zero.py", double)
    toy.write(mutants / "1.2_zero.py", count)
    sync(root)
    return root


@pytest.fixture
def lab(course: Path) -> Lab:
    """Run the real `lab` in the course: `lab("check", "1.1", input="y\\n")`."""
    command = Path(sys.executable).with_name("lab")
    assert command.exists(), "the package is not installed: `make lab-1` does it"

    def run(*arguments: str, input: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [command, *arguments],
            cwd=course,
            env={**os.environ, "COLUMNS": "100", **environment},
            input=input,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    return run


@pytest.fixture(autouse=True)
def lab_on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """`lab` can be typed, as after `. .venv/bin/activate`; elsewhere it is shown as a make target."""
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
