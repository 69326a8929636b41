"""Time the contract and the features of week 5 by the number of rows, and measure their memory.

    make bench-pipeline                  print the table; some minutes
    make bench-pipeline ARGS=--write     write weeks/week5_pipeline: contract.json, figures, guide, pictures
    make bench-pipeline ARGS='--most 100000 --rounds 1'

Each piece of work runs in a process of its own, on files drawn from the real sales. The median of the rounds counts.
Compared is the time of the processor, which a busy machine changes less: ten times the rows, ten times the time.
Great Expectations is not in the environment of the course: `--great-expectations PYTHON` is the Python of one that has
it, with pandera and pyarrow.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.common import ROOT, machine, say, table
from bench.pipeline.rows import write_sales
from mlops_lab.files import write_atomically

WEEK = ROOT / "weeks" / "week5_pipeline"
SIZES = (100_000, 1_000_000, 10_000_000)
FEATURE_SIZES = (21_613, 216_130, 2_161_300)
OTHER = "great_expectations"
CONTRACTS = ("polars", "pandas", OTHER)
Measured = dict[str, float]


def main() -> int:
    """Measure, print, and write where that is wanted."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.pipeline", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--most", type=int, default=SIZES[-1], help="rows of the largest file (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="of each measurement (default: %(default)s)")
    parser.add_argument("--great-expectations", metavar="PYTHON", help="measure it as well, with this Python")
    parser.add_argument("--write", action="store_true", help=f"write into {WEEK.relative_to(ROOT)}")
    options = parser.parse_args()
    if options.write and (options.most < SIZES[-1] or options.great_expectations is None):
        parser.error("--write is for all sizes, and for all three: leave out --most, give --great-expectations")
    found = measure(options.most, options.rounds, options.great_expectations)
    lines = report(found, options.rounds)
    print("\n".join(lines))
    if options.write:
        write(found, lines)
    return 0


def measure(most: int, rounds: int, other_python: str | None = None) -> dict[str, Measured]:
    """Seconds and memory of each work and size, by `polars 1000000`."""
    found: dict[str, Measured] = {}
    with tempfile.TemporaryDirectory() as folder:
        warm = Path(folder, "warm.parquet")
        write_sales(warm, 1_000)
        for sizes, names in ((SIZES, CONTRACTS), (FEATURE_SIZES, ("features",))):
            for rows in [size for size in sizes if size <= most]:
                path = Path(folder, "sales.parquet")
                bad = write_sales(path, rows)
                for name in names:
                    python = other_python if name == OTHER else sys.executable
                    if python is not None:
                        say(f"{name}: {rows:,} rows")
                        found[f"{name} {rows}"] = median_of([python, name, str(path), str(warm)], rounds, bad)
    return found


def median_of(asked: list[str], rounds: int, bad: int) -> Measured:
    """The median seconds and the largest memory of some rounds."""
    told = [work(*asked) for _ in range(rounds)]
    if asked[1] in ("polars", "pandas") and {one["answer"] for one in told} != {bad}:
        raise SystemExit(f"error: {asked[1]} found {told[0]['answer']} bad rows of {bad}")
    return {
        "seconds": statistics.median(one["seconds"] for one in told),
        "cpu_s": statistics.median(one["cpu_s"] for one in told),
        "memory_mb": max(one["memory_mb"] for one in told),
    }


def work(python: str, name: str, path: str, warm: str) -> Measured:
    """One run in a process of its own."""
    command = [python, "-m", "bench.pipeline.work", name, path, warm]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "solutions")])}
    done = subprocess.run(command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    told: Measured = json.loads(done.stdout.splitlines()[-1])
    return told


def report(found: dict[str, Measured], rounds: int) -> list[str]:
    """The lines of the table. The last column is the CPU time per row, in terms of that of the smallest file."""
    rows = []
    for key, one in found.items():
        name, size = key.rsplit(" ", 1)
        first = next((other, int(key.rsplit(" ", 1)[1])) for key, other in found.items() if key.startswith(name))
        ratio = (one["cpu_s"] / int(size)) / (first[0]["cpu_s"] / first[1])
        seconds, processor = f"{one['seconds']:.2f}", f"{one['cpu_s']:.2f}"
        memory = f"{one['memory_mb']:,.0f}"
        rows.append([name.replace("_", " "), f"{int(size):,}", seconds, processor, memory, f"{ratio:.2f}"])
    head = ["", "rows", "seconds", "CPU s", "peak MB", "per row"]
    facts = machine()
    return [
        f"{facts['cpu']}, {facts['cores']} cores; median of {rounds}",
        "",
        *table(head, (20, 12, 10, 10, 10, 10), rows),
    ]


def write(found: dict[str, Measured], lines: list[str]) -> None:
    """Keep what was measured, and bring it into the figures, the guide and the pictures."""
    kept = {"machine": machine(), "measured": found, "table": lines}
    write_atomically(WEEK / "contract.json", json.dumps(kept, indent=1) + "\n")
    subprocess.run([sys.executable, "-m", "weeks.week5_pipeline.figures"], cwd=ROOT, check=True)


if __name__ == "__main__":
    sys.exit(main())
