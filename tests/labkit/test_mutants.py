"""Mutants and alternatives: read, put into the solution, written as a submission."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.labkit import toy

from labkit.course.catalog import load_catalog
from labkit.course.lab import Lab
from labkit.course.mutants import MutantError, apply_mutant, load_alternatives, load_mutants, write_submission
from labkit.course.splice import SpliceError, splice
from labkit.records import Outcome, Report, Result

BEFORE = '''\
"""Sums."""

from __future__ import annotations

import math

LIMIT = 3


@decorated
def add(a, b):
    # a comment
    return a + b


class Counter:
    total = 0


def last():
    return LIMIT


if __name__ == "__main__":
    print(add(1, 2))
'''


@pytest.fixture
def toy_lab(course: Path) -> Lab:
    return load_catalog(course).lab(1)


def mutant_file(course: Path, name: str, text: str) -> None:
    toy.write(course / "tests" / "mutants" / "lab1_toy" / name, text)


def test_a_definition_takes_the_place_of_its_namesake() -> None:
    text = splice(BEFORE, "import random\nimport math\n\n\ndef add(a, b):\n    return random.random()\n")
    assert text == BEFORE.replace("import math\n", "import math\nimport random\n").replace(
        "@decorated\ndef add(a, b):\n    # a comment\n    return a + b", "def add(a, b):\n    return random.random()"
    )


def test_assignments_and_classes_are_replaced_too() -> None:
    text = splice(BEFORE, "LIMIT = 4\n\n\nclass Counter:\n    total = 1\n")
    assert text == BEFORE.replace("LIMIT = 3", "LIMIT = 4").replace("total = 0", "total = 1")


def test_new_names_come_before_what_needs_them() -> None:
    text = splice(
        BEFORE, "def helper():\n    return 1\n\n\n@helper\ndef last():\n    return tail()\n\n\ndef tail():\n    pass\n"
    )
    places = [
        text.index(part) for part in ("class Counter", "def helper", "@helper\ndef last", "def tail", "if __name__")
    ]
    assert places == sorted(places)
    assert "\n\n\nif __name__" in text


def test_the_last_of_two_namesakes_is_replaced() -> None:
    assert splice("x = 1\nx = 2\n", "x = 3\n") == "x = 1\nx = 3\n"


@pytest.mark.parametrize(
    ("replacement", "why"),
    [
        ("def other(): pass\n", "replaces nothing"),
        ("import os\n", "replaces nothing"),
        ("LIMIT = 1\nprint(1)\n", "line 2: only imports"),
        ("LIMIT = 1\nif True:\n    x = 1\n", "line 2: only imports"),
    ],
)
def test_what_cannot_be_put_in_is_an_error(replacement: str, why: str) -> None:
    with pytest.raises(SpliceError, match=why):
        splice(BEFORE, replacement)


def test_mutants_are_read_with_their_headers(course: Path, toy_lab: Lab) -> None:
    mutant, other = load_mutants(course, toy_lab)
    assert (mutant.name, mutant.exercise, mutant.file) == ("1.1_zero", "1.1", "answer.py")
    assert mutant.caught_by == ("test_doubles",)
    assert mutant.misconception == "always 0"
    assert other.exercise == "1.2"
    changed = apply_mutant((course / "solutions/lab1_toy/answer.py").read_text(), mutant)
    assert "def double(x):\n    return 0\n" in changed
    assert "return len(frame)" in changed
    assert "solution" not in changed


def test_several_checks_must_each_fail(course: Path, toy_lab: Lab) -> None:
    text = "# exercise: 1.1\n# file: answer.py\n# caught by: test_a, test_b\n# misconception: m\ndouble = None\n"
    mutant_file(course, "1.1_both.py", text)
    mutant = next(mutant for mutant in load_mutants(course, toy_lab) if mutant.name == "1.1_both")

    def report(a: Outcome, b: Outcome) -> Report:
        return Report(1, "x", (Result("1.1", "test_a[1]", a, "", 0), Result("1.1", "test_b", b, "", 0)))

    assert mutant.not_caught_by(report("failed", "failed")) == ()
    assert mutant.not_caught_by(report("failed", "passed")) == ("test_b",)
    assert mutant.not_caught_by(report("error", "todo")) == ("test_a", "test_b")


def test_a_submission_is_the_whole_solution_with_one_change(course: Path, toy_lab: Lab, tmp_path: Path) -> None:
    (course / "solutions" / "lab1_toy" / "picture.png").write_bytes(b"\xff\x00")
    folder = write_submission(load_mutants(course, toy_lab)[0], tmp_path / "out")
    assert sorted(path.name for path in folder.iterdir()) == ["__init__.py", "answer.py", "picture.png"]
    assert "return 0" in (folder / "answer.py").read_text()


def test_another_kind_of_file_is_replaced_whole(course: Path, toy_lab: Lab, tmp_path: Path) -> None:
    path = course / "weeks" / "week1_toy" / "lab.toml"
    path.write_text(path.read_text().replace("minutes = 10", 'minutes = 10\nextra_files = ["Dockerfile"]'))
    toy.write(course / "solutions" / "lab1_toy" / "Dockerfile", "FROM a\n")
    header = "# exercise: 1.1\n# file: Dockerfile\n# caught by: test_doubles\n# misconception: root\n"
    mutant_file(course, "1.1_root.Dockerfile", header + "FROM b\nUSER root\n")
    mutants = load_mutants(course, load_catalog(course).lab(1))
    mutant = next(mutant for mutant in mutants if mutant.name == "1.1_root.Dockerfile")
    assert (write_submission(mutant, tmp_path / "out") / "Dockerfile").read_text() == "FROM b\nUSER root\n"


def test_alternatives_are_accepted_answers(course: Path, toy_lab: Lab) -> None:
    text = "# exercise: 1.1\n# file: answer.py\n# accepted: adds it to itself\ndef double(x):\n    return x + x\n"
    toy.write(course / "tests" / "alternatives" / "lab1_toy" / "1.1_sum.py", text)
    (alternative,) = load_alternatives(course, toy_lab)
    assert (alternative.accepted, alternative.caught_by) == ("adds it to itself", ())


HEADER = "# exercise: 1.1\n# file: answer.py\n# caught by: test_doubles\n# misconception: m\n"


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("1.1_a.py", HEADER.replace("# misconception: m\n", "") + "double = 1\n", "`# misconception: …` is missing"),
        ("1.1_a.py", HEADER + "# accepted: yes\ndouble = 1\n", "unexpected header `accepted`"),
        ("1.1_a.py", HEADER + "# file: b.py\ndouble = 1\n", r"1\.1_a\.py:5: `file` comes twice"),
        ("1.1_a.py", HEADER, "nothing follows the header"),
        ("1.1_a.py", HEADER.replace("1.1", "1.7") + "double = 1\n", r"no exercise `1\.7`"),
        ("1.1_a.py", HEADER.replace("answer.py", "anser.py") + "double = 1\n", r"Did you mean `answer\.py`\?"),
        ("1.2_a.py", HEADER + "double = 1\n", r"the file name must begin with `1\.1_`"),
    ],
)
def test_a_wrong_mutant_names_its_file(course: Path, toy_lab: Lab, name: str, text: str, why: str) -> None:
    mutant_file(course, name, text)
    with pytest.raises(MutantError, match=why) as caught:
        load_mutants(course, toy_lab)
    assert str(caught.value).startswith("tests/mutants/lab1_toy/1.")


EDIT = """
# exercise: 1.1
# file: answer.py
# caught by: test_doubles
# misconception: three is a crowd

<<<<<<<
    return 2 * x
=======
    return 3 * x
>>>>>>>
"""


def test_an_edit_changes_lines_of_any_file(course: Path, toy_lab: Lab) -> None:
    mutant_file(course, "1.1_three.edit", EDIT)
    (mutant,) = [one for one in load_mutants(course, toy_lab) if one.name == "1.1_three"]
    solution = (course / "solutions" / "lab1_toy" / "answer.py").read_text()
    changed = apply_mutant(solution, mutant)
    assert "return 3 * x" in changed and "return 2 * x" not in changed and "return len(frame)" in changed


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("    return 2 * x\n", "    return 2 * y\n", "edit 1: its old lines are not exactly once in the solution"),
        ("    return 2 * x\n", "", "edit 1: its old lines are not exactly once in the solution"),
        (">>>>>>>", ">>>>>>>\nmore", "nothing but blocks"),
        ("<<<<<<<", "", "nothing but blocks"),
    ],
)
def test_an_edit_that_does_not_fit_is_refused(course: Path, toy_lab: Lab, old: str, new: str, why: str) -> None:
    mutant_file(course, "1.1_three.edit", EDIT.replace(old, new))
    (mutant,) = [one for one in load_mutants(course, toy_lab) if one.name == "1.1_three"]
    solution = (course / "solutions" / "lab1_toy" / "answer.py").read_text()
    with pytest.raises(MutantError, match=rf"1\.1_three\.edit: {why}"):
        apply_mutant(solution, mutant)
