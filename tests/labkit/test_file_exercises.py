"""Exercises that are files: their starters and mutants, and the commands of authors and learners on them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.labkit import toy, toy_files

from labkit.course.catalog import load_catalog
from labkit.course.proof import course_problems
from labkit.course.starters import starters
from labkit.documents.readers import kind_of, read


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The course, for tests that leave it as it is."""
    return toy_files.make_course(tmp_path_factory.mktemp("course") / "course")


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """The course, for tests that change it."""
    return toy_files.make_course(tmp_path / "course")


# The course


def test_the_course_has_no_problem(shared: Path) -> None:
    assert course_problems(load_catalog(shared)) == []


def test_every_starter_can_be_read(shared: Path) -> None:
    lab = load_catalog(shared).lab(1)
    texts = {starter.file: starter.content.decode() for starter in starters(shared, lab)}
    assert texts["Dockerfile"] == "FROM python:3.11-slim\n# TODO 1.4: No root\n"
    assert "spec:\n  # TODO 1.1: Two replicas\n  replicas: 0\n  template:" in texts["base/deployment.yaml"]
    assert 'provider "aws" {\n  // TODO 1.2: A region\n}' in texts["main.tf"]
    assert [file for file in texts if kind_of(file) and not read(file, texts[file])] == []
    for file, text in texts.items():
        assert "solution" not in text, file


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))


@pytest.mark.parametrize(
    ("file", "old", "new", "problem"),
    [
        (
            "solutions/lab1_files/base/deployment.yaml",
            "#~ replicas: 0",
            "#~ template: 0",
            "labs/lab1_files/base/deployment.yaml:9: the starter could not be read: the key `template` stands twice",
        ),
        (
            "solutions/lab1_files/main.tf",
            "  region = var.region\n  // end solution\n}",
            "  region = var.region\n}\n  // end solution",
            "labs/lab1_files/main.tf:2: the starter could not be read: the `{` that begins here is not closed",
        ),
        (
            "solutions/lab1_files/config.toml",
            "# solution 1.3",
            "// solution 1.3",
            "solutions/lab1_files/config.toml:4: `//` begins no comment in this kind of file",
        ),
        (
            "tests/mutants/lab1_files/1.1_no_version.yaml",
            "kind: Deployment",
            "kind: {",
            "tests/mutants/lab1_files/1.1_no_version.yaml: `base/deployment.yaml` could not be read: line ",
        ),
        (
            "tests/mutants/lab1_files/1.3_low_port.edit",
            "port = 80\n",
            "port = \n",
            "tests/mutants/lab1_files/1.3_low_port.edit: `config.toml` could not be read: line 4, column 8: invalid",
        ),
        (
            "tests/mutants/lab1_files/1.5_other_port.edit",
            "- port: 80\n",
            "- port: 82\n",
            "1.5_other_port.edit: edit 1: its old lines are not exactly once in the solution",
        ),
        (
            "labs/lab1_files/main.tf",
            "// TODO 1.2: A region",
            "region = 1",
            "labs/lab1_files/main.tf: differs from what",
        ),
    ],
)
def test_each_gap_is_named(course: Path, file: str, old: str, new: str, problem: str) -> None:
    change(course / file, old, new)
    assert problem in "\n".join(course_problems(load_catalog(course)))


def test_a_json_file_cannot_be_an_exercise(course: Path) -> None:
    toml = course / "weeks" / "week1_files" / "lab.toml"
    toml.write_text(toml.read_text().replace('file = "config.toml"', 'file = "config.json"'))
    toy.write(course / "solutions" / "lab1_files" / "config.json", '{"port": 8080}\n')
    change(course / "solutions/lab1_files/config.toml", "# solution 1.3\n", "")
    change(course / "solutions/lab1_files/config.toml", "# end solution\n", "")
    problems = course_problems(load_catalog(course), look_at_labs=False)
    wanted = (
        "solutions/lab1_files/config.json: JSON has no comments, so no `solution 1.3` mark; take YAML or TOML instead"
    )
    assert wanted in problems


def test_a_file_that_is_all_to_be_written_is_a_good_starter(course: Path) -> None:
    solution = toy_files.SOLUTIONS["config.toml"]
    for text in ("# solution 1.3\n[server]\nport = 8080\n# end solution\n", solution):
        toy.write(course / "solutions" / "lab1_files" / "config.toml", text)
        assert course_problems(load_catalog(course), look_at_labs=False) == []


# The commands


@pytest.fixture
def lab(course: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the real `lab` in the course."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(Path(sys.executable).with_name("lab")), *arguments]
        return subprocess.run(command, cwd=course, capture_output=True, text=True, check=False, timeout=60)

    return run


def test_the_commands_of_an_author(lab: Callable[..., subprocess.CompletedProcess[str]], course: Path) -> None:
    mine = toy.write(course / "labs" / "lab1_files" / "main.tf", "mine = 1\n")
    assert "main.tf: differs" in lab("dev", "check").stdout
    assert lab("dev", "sync").returncode == 0
    assert "// TODO 1.2: A region" in mine.read_text()
    done = lab("dev", "check")
    assert (done.returncode, done.stdout) == (
        0,
        "1 lab, 5 exercises: each has a TODO, a check, a hint and a mutant. labs/ is in step.\n",
    )


def test_the_commands_of_a_learner(lab: Callable[..., subprocess.CompletedProcess[str]], course: Path) -> None:
    assert "`replicas: 2`" not in lab("hint", "1.1").stdout
    assert "replicas: 2" in lab("hint", "1.1").stdout
    diff = lab("solution", "1.1", "--yes").stdout
    assert "--- labs/lab1_files/base/deployment.yaml (yours)" in diff
    assert "-  # TODO 1.1: Two replicas\n-  replicas: 0\n+  replicas: 2\n" in diff
    assert "+          image: registry.example/house-price:1.0\n" in diff
    diff = lab("solution", "1.2", "--yes").stdout
    assert "-  // TODO 1.2: A region\n+  region = var.region\n" in diff
    assert "+  port = 8080" not in diff
    two = lab("solution", "1.5", "--yes").stdout
    assert "answer.py (yours)" in two and "+    - port: 80\n" in two
    assert "labs/lab1_files/base/deployment.yaml:7" in lab("start", "1").stdout
    assert lab("check", "1", "--track", "solutions").returncode == 0
    toy.write(course / "labs" / "lab1_files" / "main.tf", 'provider "aws" {\n  region = var.region\n')
    done = lab("check", "1.2")
    assert done.returncode == 1
    for part in ("`main.tf` can be read.", "not closed", 'provider "aws" {\n', "where     labs/lab1_files/main.tf:1"):
        assert part in done.stdout
