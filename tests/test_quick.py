"""`make test ARGS=--quick`: what changed comes first, of each lab something, and it ends in time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests import quick

ROOT = Path(__file__).resolve().parents[1]
TEXTS = {
    "tests/labkit/test_marks.py": "from labkit.course.marks import parse",
    "tests/labkit/test_wire.py": "from labkit.sandbox import wire\nimport labkit.sandbox.wire",
    "tests/test_repo.py": "scripts = ROOT / 'scripts'; '.ci/run'; 'pyproject.toml'",
    "tests/bench/test_common.py": "from bench.common import timed",
}


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ("tests/test_repo.py", {"tests/test_repo.py": 0}),
        ("shared/labkit/course/marks.py", {"tests/labkit/test_marks.py": 1}),
        ("shared/labkit/sandbox/wire.py", {"tests/labkit/test_wire.py": 1}),
        ("bench/common.py", {"tests/bench/test_common.py": 1}),
        (".ci/run", {"tests/test_repo.py": 1}),
        ("pyproject.toml", {"tests/test_repo.py": 1}),
        ("shared/labkit/checks.py", {}),
    ],
)
def test_the_tests_of_what_changed_are_found(changed: str, found: dict[str, int]) -> None:
    assert quick.ranks([changed], TEXTS) == found


def test_a_lab_is_touched_by_its_solution_its_judges_and_its_answers() -> None:
    labs = ["lab1_models", "lab2_service"]
    assert quick.touched_labs(["solutions/lab1_models/iris.py"], labs) == {"lab1_models"}
    assert quick.touched_labs(["tests/labs/lab2_judges/inputs.py"], labs) == {"lab2_service"}
    assert quick.touched_labs(["tests/mutants/lab2_service/2.8_root.edit"], labs) == {"lab2_service"}
    assert quick.touched_labs(["README.md"], labs) == set()


def test_another_commit_draws_another_exercise() -> None:
    names = [f"1.{number}]" for number in range(1, 10)]
    assert quick.draw(names, "one") == quick.draw(reversed(names), "one")
    assert len({quick.draw(names, str(key)) for key in range(40)}) > 5


def git(folder: Path, *arguments: str) -> None:
    who = ["-c", "user.name=x", "-c", "user.email=x@localhost"]
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)


def test_what_changed_is_told_on_a_branch_and_on_main(tmp_path: Path) -> None:
    git(tmp_path, "init", "-b", "main")
    for name in ("a", "b"):
        (tmp_path / name).write_text(name)
        git(tmp_path, "add", name)
        git(tmp_path, "commit", "-m", name)
    assert quick.changed_files(tmp_path) == ["b"]
    git(tmp_path, "checkout", "-b", "mine")
    (tmp_path / "a").write_text("changed")
    git(tmp_path, "commit", "-am", "changed")
    (tmp_path / "new").write_text("not committed")
    assert quick.changed_files(tmp_path) == ["a", "new"]


def test_without_git_nothing_has_changed(tmp_path: Path) -> None:
    assert quick.changed_files(tmp_path) == []


def test_quick_takes_a_part_and_of_each_lab_one_exercise_or_more() -> None:
    command = [sys.executable, "-m", "pytest", "--quick", "--collect-only", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    names = [line for line in done.stdout.splitlines() if "::" in line]
    assert "deselected" in done.stdout
    for lab in ("1", "2"):
        assert any(f"test_every_wrong_answer_is_caught_and_named[{lab}." in name for name in names)
