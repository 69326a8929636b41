"""Check right answers again and again: `.venv/bin/python scripts/many_draws.py 1.4 --runs 200`.

Each run draws its inputs anew. The reference and every other right answer of an exercise, or of each exercise of a lab,
must pass on all of them; whatever does not is printed with the seed that draws it again. `--in-all` deals the runs over
these answers in turn: each check meets as many inputs, for a third of the time.
"""

from __future__ import annotations

import argparse
import itertools
import os
import secrets
import sys
import tempfile
import time
from pathlib import Path

from labkit.course.catalog import load_catalog
from labkit.course.lab import CatalogError, Exercise, Lab
from labkit.course.mutants import by_exercise, load_alternatives, write_submission
from labkit.course.tracks import Track, resolve_track
from labkit.engine.client import Engine

ROOT = Path(__file__).resolve().parents[1]
AT_ONCE = 20


def answers(lab: Lab, exercise: str, folder: Path) -> dict[str, Track]:
    """The right answers of an exercise, by name."""
    written = {
        answer.name: str(write_submission(answer, folder / answer.name / lab.package))
        for answer in by_exercise(load_alternatives(ROOT, lab)).get(exercise, [])
    }
    return {name: resolve_track(ROOT, where, lab) for name, where in {"solutions": "solutions", **written}.items()}


def draw(engine: Engine, lab: Lab, exercise: str, runs: int, in_all: bool, folder: Path) -> int:
    """Check the right answers of an exercise `runs` times, each or in all; return how many checks have failed."""
    started, failures, checks = time.monotonic(), 0, 0
    tracks = answers(lab, exercise, folder)
    left = list(itertools.islice(itertools.cycle(tracks.items()), runs if in_all else runs * len(tracks)))
    while left:
        batch, left = left[:AT_ONCE], left[AT_ONCE:]
        seeds = [secrets.randbits(32) for _ in batch]
        reports = engine.run_many(lab, [track for _, track in batch], exercises=[exercise], seeds=seeds)
        for (name, _), seed, report in zip(batch, seeds, reports, strict=True):
            checks += len(report.results)
            for result in report.results:
                if result.outcome not in ("passed", "skipped"):
                    failures += 1
                    print(f"  {name}: {result.check} {result.outcome}, --seed {seed}\n{result.message.raw}")
    took = time.monotonic() - started
    print(
        f"{exercise}: {len(tracks)} answers, {runs} runs {'in all' if in_all else 'each'}, {checks} checks, "
        f"{failures} failed, {took:.0f} s",
        flush=True,
    )
    return failures


def chosen(what: str) -> list[tuple[Lab, Exercise]]:
    """The exercises that `1` or `1.4` names."""
    lab, exercise = load_catalog(ROOT).find(what)
    return [(lab, one) for one in ([exercise] if exercise else lab.exercises)]


def main() -> int:
    """Draw as often as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("what", nargs="+", metavar="N|N.M")
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--in-all", action="store_true", help="so many runs in all, not for each answer")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--without", default="docker,chromium", help="tools that are not used (default: %(default)s)")
    options = parser.parse_args()
    try:
        exercises = [pair for what in options.what for pair in chosen(what)]
    except CatalogError as error:
        parser.error(str(error))
    os.environ["LABKIT_WITHOUT"] = options.without
    failures = 0
    with Engine(ROOT, jobs=options.jobs) as engine, tempfile.TemporaryDirectory() as folder:
        for lab, exercise in exercises:
            failures += draw(engine, lab, exercise.id, options.runs, options.in_all, Path(folder))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
