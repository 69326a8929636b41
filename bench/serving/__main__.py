"""Serve one model in five ways and load each: requests per second, latency, memory, all measured in this run.

    make bench-serving                     print the tables; takes about three minutes
    make bench-serving ARGS=--write        write weeks/week2_service: serving.json, figures.json, the guide, the picture
    make bench-serving ARGS='--seconds 2 --rounds 1 --only echo --only lab'

One worker, 8 connections and `OMP_NUM_THREADS=1` for each. The load comes from wrk (`apt-get install wrk`); where it is
missing, from a loop of ours. The runs go in rounds, so that a noisy minute hits all of them; the median counts.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.common import ROOT
from bench.serving.contenders import CONTENDERS, ENVIRONMENT, LAB
from bench.serving.load import generator
from bench.serving.measuring import CONNECTIONS, measure
from bench.serving.report import figures_of, report, write

WEEK = ROOT / "weeks" / "week2_service"


def main() -> int:
    """Measure, print, and write where that is wanted."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.serving", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=8.0, help="of each run (default: 8)")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each contender (default: 3)")
    parser.add_argument(
        "--only", action="append", choices=[each.name for each in CONTENDERS], help="only this one, and lab 2"
    )
    parser.add_argument("--own-load", action="store_true", help="our own loop also where wrk is there")
    parser.add_argument("--models", type=Path, help="folder of the artifacts (default: trained anew)")
    parser.add_argument("--write", action="store_true", help=f"write into {WEEK.relative_to(ROOT)}")
    options = parser.parse_args()
    if options.write and options.only:
        parser.error("--write is for all five: leave out --only")
    os.environ.update(ENVIRONMENT)
    sys.path.insert(0, str(ROOT / "solutions"))
    chosen = [each for each in CONTENDERS if options.only is None or each.name in {*options.only, LAB.name}]
    with trained_models(options.models) as models:
        rounds, found = measure(models, chosen, options.seconds, options.rounds, own=options.own_load)
    how = generator(own=options.own_load)
    figures = figures_of(found)
    lines = report(figures, found, f"{how}, {CONNECTIONS} connections, {options.rounds} x {options.seconds:g} s")
    print("\n".join(lines))
    if options.write:
        # The guide compares all five. Figures of two days, or of two machines, must not stand side by side.
        if found.skipped:
            raise SystemExit(f"nothing is written: {', '.join(found.skipped)} could not be measured")
        facts = {"load": how, "connections": CONNECTIONS, "seconds": options.seconds}
        write(WEEK, figures, facts, rounds, lines)
    return 0


@contextmanager
def trained_models(folder: Path | None) -> Iterator[Path]:
    """Train the three models of the service into a temporary folder, or take those that are there."""
    from lab2_service.training import TRAINERS, ensure_artifact

    with tempfile.TemporaryDirectory(prefix="bench-") as temporary:
        models = (folder or Path(temporary)).resolve()
        for name in TRAINERS:
            ensure_artifact(models, name)
        yield models


if __name__ == "__main__":
    sys.exit(main())
