"""Time the exercise engine against plain pytest on the same checks: medians and ratios, all measured in this run.

Usage: `make bench-labkit`, or `python -m bench.labkit [--repeats 7] [--submissions 20]`. Works on a temporary copy of
the course, so that no file of yours is touched.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from bench.common import median, table, timed
from bench.labkit.course import LAB, copy_of_course, plain_pytest, run
from bench.labkit.doors import waits
from bench.labkit.grading import check_many, pytest_many, submissions
from bench.labkit.watch import save_to_verdict
from labkit.course.catalog import load_catalog
from labkit.course.lab import Lab

Row = tuple[str, float, float]  # what was timed, its seconds, and the seconds of the plain pytest beside it


def main() -> None:
    """Measure and print the tables."""
    parser = argparse.ArgumentParser(prog="python -m bench.labkit", description=__doc__)
    parser.add_argument("--repeats", type=int, default=7, help="runs of each command (default: 7)")
    parser.add_argument("--submissions", type=int, default=20, help="how many are graded (default: 20)")
    options = parser.parse_args()
    with copy_of_course() as root:
        lab = load_catalog(root).lab(1)
        show(one_learner(root, lab, options.repeats))
        show(a_group(root, lab, options.submissions))
    show_doors(options.repeats)


def one_learner(root: Path, lab: Lab, repeats: int) -> list[Row]:
    """What a learner waits for: one exercise, the board, a save, and the whole lab (which takes fewer runs)."""
    first, few = lab.exercises[0].id, max(3, repeats // 2)

    def seconds(*command: str, runs: int = repeats) -> float:
        return median(lambda: run(list(command), root), runs)

    one = seconds(*plain_pytest(lab, "solutions", "--exercise", first))
    whole = seconds(*plain_pytest(lab, "solutions"), runs=few)
    return [
        (f"plain pytest, {first}", one, one),
        ("lab (the board)", seconds(*LAB), one),
        (f"lab check {first}, cold", seconds(*LAB, "check", first, "--track", "solutions"), one),
        (f"save to verdict, {first}, watching", save_to_verdict(root, lab, repeats), one),
        ("plain pytest, whole lab", whole, whole),
        ("lab check 1, cold", seconds(*LAB, "check", "1", "--track", "solutions", runs=few), whole),
    ]


def a_group(root: Path, lab: Lab, count: int) -> list[Row]:
    """What the lead of a study group waits for: many submissions, one after the other and two at a time."""
    folders = submissions(root, lab, count)
    name = f"{count} submissions"
    in_a_row = timed(lambda: pytest_many(root, lab, folders, 1))
    return [
        (f"{name}: plain pytest, one after the other", in_a_row, in_a_row),
        (f"{name}: plain pytest, two at a time", timed(lambda: pytest_many(root, lab, folders, 2)), in_a_row),
        (f"{name}: one engine, one after the other", timed(lambda: check_many(root, lab, folders, 1)), in_a_row),
        (f"{name}: one engine, two at a time", timed(lambda: check_many(root, lab, folders, 2)), in_a_row),
    ]


def show_doors(repeats: int) -> None:
    """Print what exercises with a real server wait for, beyond what their own code takes."""
    cells = [
        (wait.title, *(f"{seconds:.2f}" for seconds in (wait.set_up, wait.first, wait.warm, wait.save)))
        for wait in waits(repeats)
    ]
    head = ("seconds beyond the learner's own code", "first ever", "first", "warm", "save to verdict")
    print("\n".join(table(head, (48, 11, 9, 9, 17), cells)), flush=True)


def show(rows: list[Row]) -> None:
    """Print name, seconds, and how often it fits into the plain pytest that it is compared with."""
    cells = [
        (name, f"{seconds:.3f}", f"{seconds / base:.2f}", f"{base / seconds:.1f}×") for name, seconds, base in rows
    ]
    print("\n".join(table(("", "seconds", "÷ pytest", "faster"), (48, 9, 10, 9), cells)), flush=True)


if __name__ == "__main__":
    main()
