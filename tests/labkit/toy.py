"""A course of one small lab, written into a temporary folder: the engine is tested on it, not on the real labs."""

from __future__ import annotations

import textwrap
from pathlib import Path

LAB_TOML = """
number = 1
name = "toy"
title = "A toy"
minutes = 10
preload = ["pandas"]

[[exercise]]
id = "1.1"
title = "Double"
file = "answer.py"
minutes = 5
seconds = 2
hints = ["Multiply.", "By two."]

[[exercise]]
id = "1.2"
title = "Count rows"
file = "answer.py"
minutes = 5
seconds = 2
hints = ["`len` counts."]
"""

SOLUTION = '''
"""Two small functions."""


def double(x):
    """Return twice x."""
    # solution 1.1
    return 2 * x
    # end solution


def count_rows(frame):
    """Return the number of rows."""
    # solution 1.2
    return len(frame)
    # end solution
'''

CHECKS = '''
import pandas as pd
from labkit.checks import exercise, expect

SECRET = "the-text-of-the-checks"


@exercise("1.1")
def test_doubles(lab, rng):
    """`double` returns twice its argument."""
    x = int(rng.integers(10, 1_000_000))
    expect.close(lab.answer.double(x), 2 * x, "`double(x)`")


@exercise("1.2")
def test_counts(lab, rng):
    """`count_rows` returns the number of rows."""
    rows = int(rng.integers(3, 90))
    expect.close(lab.answer.count_rows(pd.DataFrame({"a": range(rows)})), rows, "the number of rows")
'''


def write(path: Path, text: str) -> Path:
    """Write a text file, and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")
    return path


def make_course(root: Path) -> Path:
    """Write the toy course below `root`, which must be empty or missing; return it."""
    write(root / "pyproject.toml", "[project]\nname = 'toy'\n")
    write(root / "weeks" / "week1_toy" / "lab.toml", LAB_TOML)
    write(root / "solutions" / "lab1_toy" / "__init__.py", "")
    write(root / "solutions" / "lab1_toy" / "answer.py", SOLUTION)
    write(root / "tests" / "labs" / "test_lab1_toy.py", CHECKS)
    write(root / "tests" / "labs" / "pytest.ini", "[pytest]\n")
    return root


def make_light_course(root: Path) -> Path:
    """Write the toy course without pandas, whose import would be most of the time of a test."""
    make_course(root)
    write(root / "weeks" / "week1_toy" / "lab.toml", LAB_TOML.replace('preload = ["pandas"]', "preload = []"))
    checks = CHECKS.replace("import pandas as pd\n", "").replace('pd.DataFrame({"a": range(rows)})', "[0] * rows")
    write(root / "tests" / "labs" / "test_lab1_toy.py", checks)
    return root


def answer(double: str = "return 2 * x", count: str = "return len(frame)", before: str = "") -> str:
    """Return the text of a submission from the bodies of its functions."""
    body = f"{textwrap.dedent(before)}\n\ndef double(x):\n{textwrap.indent(textwrap.dedent(double), '    ')}\n"
    return f"{body}\n\ndef count_rows(frame):\n{textwrap.indent(textwrap.dedent(count), '    ')}\n"
