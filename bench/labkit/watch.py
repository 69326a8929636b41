"""How long a learner waits who saves a file while `lab watch` runs.

The watching is done by a process of its own, which runs this file and prints a line for each thing that it shows:

    python -m bench.labkit.watch FOLDER_OF_THE_COURSE NUMBER_OF_THE_LAB
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from bench.common import ROOT
from bench.labkit.course import environment, with_one_solved
from labkit.course.catalog import load_catalog
from labkit.course.lab import Lab
from labkit.learner.progress import Standing
from labkit.learner.watch import Screen, watch_lab
from labkit.records import Report

READY = "ready"


def save_to_verdict(root: Path, lab: Lab, repeats: int, exercise: str = "") -> float:
    """Return the median seconds from saving a file to the verdict on an exercise in it, the others still to do.

    Args:
        exercise: which one; by default the first of the lab. What its code says that it took is not counted.
    """
    found = lab.exercise(exercise) if exercise else lab.exercises[0]
    target = root / lab.labs_dir / found.file
    solved = with_one_solved(root, lab, found)
    command = [sys.executable, "-m", "bench.labkit.watch", str(root), str(lab.number)]
    process = subprocess.Popen(command, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    lines = process.stdout
    try:
        wait_for(READY, lines)
        seconds = []
        for number in range(repeats + 1):
            begun = time.perf_counter()
            target.write_text(f"{solved}\n# save {number}\n", encoding="utf-8")
            said = wait_for(found.id, lines)
            seconds.append(time.perf_counter() - begun - float(said.split()[1]))
            wait_for(READY, lines)
        # The first save warms the caches.
        return statistics.median(seconds[1:])
    finally:
        process.terminate()
        process.wait(20)
        lines.close()


def took(report: Report) -> float:
    """Return the seconds that the code under check said it took; 0 where it said nothing."""
    found = [line.split() for result in report.results for line in result.output.raw.splitlines()]
    return sum(float(words[1]) for words in found if len(words) == 2 and words[0] == "took")


def wait_for(wanted: str, lines: Iterable[str]) -> str:
    """Read lines until one begins with what is wanted; return it."""
    for line in lines:
        if line.startswith(wanted):
            return line
    raise SystemExit("the watching process has ended")


class Lines(Screen):
    """Prints which exercise was judged, and when the next save may come."""

    def waiting(self, found: list[Standing]) -> None:
        """Say that a file can be saved."""
        print(READY, flush=True)

    def verdict(self, report: Report, seconds: float) -> None:
        """Name the exercise that was judged, and the seconds that its code says it took."""
        print(report.results[0].exercise, took(report), flush=True)

    def end(self, found: list[Standing]) -> None:
        """Say that the next file can be saved."""
        print(READY, flush=True)


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    watch_lab(folder, load_catalog(folder).lab(int(sys.argv[2])), Lines())
