"""What a learner is told, and the checks that hold it: the table must be complete, and say nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.labkit import toy

from labkit.course.catalog import load_catalog
from labkit.course.proof import course_problems
from labkit.course.sentences import read_sentences, sentences, table_of
from labkit.course.starters import starters

WHOLE = """
["answer.py"]
"Two small functions." = "topic"

["answer.py: double"]
"Return twice x." = ["test_doubles"]

["answer.py: count_rows"]
"Return the number of rows." = ["test_counts"]
"""


def test_a_text_is_cut_into_sentences() -> None:
    text = """Return 1.5 times x, e.g. 3
    for 2. `x` is not changed.

    - an item
    - another one. (It has two.)
    Raises ValueError where x is odd!
    """
    assert sentences(text) == [
        "Return 1.5 times x, e.g. 3 for 2.",
        "`x` is not changed.",
        "- an item",
        "- another one.",
        "(It has two.)",
        "Raises ValueError where x is odd!",
    ]


def test_docstrings_comments_and_musts_are_read(course: Path) -> None:
    toml = (course / "weeks/week1_toy/lab.toml").read_text()
    toy.write(course / "weeks/week1_toy/lab.toml", toml.replace("minutes = 5", 'also = ["Dockerfile"]\nminutes = 5', 1))
    toy.write(course / "solutions/lab1_toy/Dockerfile", "# One user.\n#\nUSER 1\nRUN x # y\n# TODO 1.1: x\n")
    toy.write(course / "solutions/lab1_toy/given.py", '"""Nobody writes in here."""\n')
    answer = (course / "solutions/lab1_toy/answer.py").read_text()
    more = '\n\nclass A:\n    def f(self):\n        """Do it. Once."""\n'
    toy.write(course / "solutions/lab1_toy/answer.py", answer + more)
    toy.write(course / "weeks/week1_toy/README.md", "It must be. It may be.\n\n```text\nIt must fail.\n```\n")
    lab = load_catalog(course).lab(1)
    assert read_sentences(course, lab, starters(course, lab)) == {
        "Dockerfile": ["One user."],
        "answer.py": ["Two small functions."],
        "answer.py: double": ["Return twice x."],
        "answer.py: count_rows": ["Return the number of rows."],
        "answer.py: A.f": ["Do it.", "Once."],
        "guide": ["It must be."],
    }


@pytest.mark.parametrize(
    ("old", "new", "wanted"),
    [
        ('"Two small', '"Two small', ""),
        ('"Return twice x." = ["test_doubles"]\n', "", "which checks hold this sentence? Return twice x."),
        ('"Return twice x."', '"Return thrice x."', "nobody says this any more: Return thrice x."),
        ('["test_doubles"]', '["test_double"]', "`test_double` is no check of this lab"),
        ('["test_doubles"]', "[]", "an empty list is no check of this lab"),
        ('"topic"', '"so"', "`so` is none of topic, why, given"),
        ('"topic"', "topic", "Invalid value"),
    ],
)
def test_a_table_that_is_out_of_step_is_a_problem(course: Path, old: str, new: str, wanted: str) -> None:
    lab = load_catalog(course).lab(1)
    toy.write(course / table_of(lab), WHOLE.replace(old, new, 1))
    found = [problem for problem in course_problems(load_catalog(course)) if "sentences" in problem]
    assert (wanted in "\n".join(found)) if wanted else found == []


def test_each_lab_of_the_course_has_its_table() -> None:
    root = Path(__file__).resolve().parents[2]
    assert [table_of(lab) for lab in load_catalog(root) if not (root / table_of(lab)).is_file()] == []
