"""Figures in a week's guide: computed beside it, kept in figures.json, written into the guide where it names them.

A week with figures has `figures.py`, which measures them, and `drawing.py`, which draws the pictures. Only those who
write the course need this, so it stands beside the guides and is no part of `mlops_lab`, which the labs import.

A figure stands before a comment with its name, which no reader sees: `72,396<!--time_mae-->`. How many digits it has is
the guide's choice. `1,000<!--example-->` is made up. What a program printed stands as a block of its own between
`<!--script_output-->` and `<!--end script_output-->`.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from mlops_lab.files import write_atomically

ROOT = Path(__file__).resolve().parents[1]
Value = float | list[float] | str
Figures = dict[str, Value]
Draw = Callable[[Figures, Path], list[Path]]

FIGURE = re.compile(r"(?P<text>-?\d[\d,]*(?:\.\d+)?)<!--(?P<name>\w+)-->")
BLOCK = re.compile(r"(?P<begin><!--(?P<name>\w+)-->\n```text\n).*?(?P<end>```\n<!--end (?P=name)-->)", re.DOTALL)
MADE_UP = "example"
# A number that looks measured: with a thousands separator, with decimals, or a percentage.
LOOKS_MEASURED = re.compile(r"(?<![\w.,-])(?>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+\.\d+|\d+(?= ?%))(?!\w|\.\d|<!--)")
EXERCISE_OR_PYTHON = re.compile(r"[1-8]\.[1-9]|3\.1\d")
CODE = re.compile(r"^```.*?^```$|`[^`\n]+`", re.DOTALL | re.MULTILINE)
# Two machines may differ in the last digits, and a count by nothing.
TOLERANCE = 0.02


def fill(guide: str, figures: Mapping[str, Value]) -> str:
    """The guide with each figure as it was measured, with the decimals that it had. KeyError for an unknown one."""

    def as_measured(match: re.Match[str]) -> str:
        if match["name"] == MADE_UP:
            return match.group()
        value = number(figures, match["name"])
        decimals = len(match["text"].partition(".")[2])
        # A value that rounds to 0 from below is 0, not -0.
        return f"{round(value, decimals) + 0.0:,.{decimals}f}<!--{match['name']}-->"

    def as_printed(match: re.Match[str]) -> str:
        return f"{match['begin']}{figures[match['name']]}{match['end']}"

    return BLOCK.sub(as_printed, FIGURE.sub(as_measured, guide))


def number(figures: Mapping[str, Value], name: str) -> float:
    """One figure. KeyError where it is unknown or no number."""
    value = figures[name]
    if isinstance(value, int | float):
        return value
    raise KeyError(f"`{name}` is no number")


def typed_in(guide: str) -> list[str]:
    """Numbers in the text (code aside) that look measured and name no figure, with their lines: `12: 64,601`."""
    text = CODE.sub(lambda match: "\n" * match.group().count("\n"), guide)
    return [
        f"{number}: {match.group()}"
        for number, line in enumerate(text.splitlines(), start=1)
        for match in LOOKS_MEASURED.finditer(line)
        if not EXERCISE_OR_PYTHON.fullmatch(match.group())
    ]


def differences(measured: Mapping[str, Value], kept: Mapping[str, Value]) -> Iterator[str]:
    """What was measured now and is not what figures.json keeps."""
    for name, value in measured.items():
        if name not in kept:
            yield f"{name}: not in figures.json"
        elif not _near(value, kept[name]):
            yield f"{name}: {kept[name]} in figures.json, {value} now"


def _near(one: Value, other: Value) -> bool:
    if isinstance(one, str) and isinstance(other, str):
        return _NUMBER.sub("", one) == _NUMBER.sub("", other) and _near(_numbers(one), _numbers(other))
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_near, one, other))
    if isinstance(one, int | float) and isinstance(other, int | float):
        return abs(one - other) <= TOLERANCE * max(abs(one), abs(other)) + 1e-9
    return False


# With the blanks before it: a number with fewer digits is set further to the right.
_NUMBER = re.compile(r" *-?\d[\d,]*(?:\.\d+)?")


def _numbers(text: str) -> list[float]:
    return [float(found.replace(",", "")) for found in _NUMBER.findall(text)]


def verdict(lab: str, mutant: str) -> str:
    """The first failed check on a wrong answer in `tests/mutants/`, as `lab check` prints it."""
    from labkit.course.catalog import load_catalog
    from labkit.course.mutants import load_mutants, write_submission

    course = load_catalog(ROOT).lab(lab)
    with tempfile.TemporaryDirectory() as folder:
        write_submission(next(one for one in load_mutants(ROOT, course) if one.name == mutant), Path(folder))
        command = [sys.executable, "-m", "labkit", "check", mutant.partition("_")[0], "--track", folder, "--seed", "1"]
        environment = os.environ | {"COLUMNS": "80", "NO_COLOR": "1"}
        printed = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False).stdout
    found = re.findall(r"^     ✗ .+?(?=^     \S)", printed, re.DOTALL | re.MULTILINE)[0]
    # Where the answer lay is the business of this machine only.
    return textwrap.dedent(re.sub(r"^ +│ where .+\n", "", found, flags=re.MULTILINE))


def run(description: str, week: Path, groups: Mapping[str, Callable[[], Figures]], draw: Draw) -> int:
    """The command line of a week's `figures.py`: measure, then write or compare. Returns the exit status."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--check", action="store_true", help="compare with figures.json and write nothing")
    choice.add_argument("--write", action="store_true", help="compute nothing; write what figures.json says")
    options = parser.parse_args()
    kept: Figures = json.loads((week / "figures.json").read_text()) if options.check or options.write else {}
    figures = kept if options.write else _measure(groups)
    if options.check:
        found = list(differences(figures, kept))
        print("\n".join(found) or "figures.json says what was measured")
        return 1 if found else 0
    write(week, figures, draw)
    return 0


def write(week: Path, figures: Figures, draw: Draw) -> None:
    """Write figures.json, the pictures, and the figures in the guide of a week."""
    lines = [f"  {json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}" for name, value in figures.items()]
    write_atomically(week / "figures.json", "{\n" + ",\n".join(lines) + "\n}\n")
    draw(figures, week / "figures")
    guide = week / "README.md"
    write_atomically(guide, fill(guide.read_text(encoding="utf-8"), figures))


def _measure(groups: Mapping[str, Callable[[], Figures]]) -> Figures:
    # One thread: on a busy machine, several that wait for each other take far longer. Read when scikit-learn starts.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    figures: Figures = {}
    for name, measure in groups.items():
        print(f"measuring: {name}", flush=True)
        figures |= {key: _rounded(value) for key, value in measure().items()}
    return figures


def _rounded(value: Value) -> Value:
    """Six significant digits: more of them differ from machine to machine."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return [float(f"{number:.6g}") for number in value]
    return int(value) if isinstance(value, int) else float(f"{value:.6g}")
