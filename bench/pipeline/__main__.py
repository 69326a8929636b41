"""Time the contract, the features and the flow of week 5 by the number of rows, and measure their memory.

    make bench-pipeline                  print the tables; some minutes
    make bench-pipeline ARGS=--write     write weeks/week5_pipeline: contract.json, flow.json, figures, guide, pictures
    make bench-pipeline ARGS='--most 100000 --rounds 1'
    make bench-pipeline ARGS='--part flow'

Each piece of work runs in a process of its own, on files drawn from the real sales. The median of the rounds counts.
Of the contract the time of the processor is compared, which a busy machine changes less: ten times the rows, ten times
the time. The flow also waits for its servers: there it is the time on the wall.
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
from mlops_lab.services import PREFECT, running

WEEK = ROOT / "weeks" / "week5_pipeline"
SIZES = (100_000, 1_000_000, 10_000_000)
FEATURE_SIZES = (21_613, 216_130, 2_161_300)
FLOW_SIZES = (1_768, 17_680, 176_800)  # May 2014 has 1,768 sales
OTHER = "great_expectations"
CONTRACTS = ("polars", "pandas", OTHER)
COSTS = ("an empty flow", "the same, no heartbeat", "a task", "a task that is kept", "a task that is cached")
SOLUTIONS = {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "solutions")])}
Measured = dict[str, float]


def main() -> int:
    """Measure, print, and write where that is wanted."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.pipeline", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--part", choices=("contract", "flow"), help="one of the two (default: both)")
    parser.add_argument("--most", type=int, default=SIZES[-1], help="rows of the largest file (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="of each measurement (default: %(default)s)")
    parser.add_argument("--great-expectations", metavar="PYTHON", help="measure it as well, with this Python")
    parser.add_argument("--write", action="store_true", help=f"write into {WEEK.relative_to(ROOT)}")
    options = parser.parse_args()
    if options.write and options.most < SIZES[-1]:
        parser.error("--write is for all sizes: leave out --most")
    if options.write and options.part != "flow" and options.great_expectations is None:
        parser.error("--write is for all three contracts: give --great-expectations, or `--part flow`")
    if options.part != "flow":
        found = measure(options.most, options.rounds, options.great_expectations)
        keep("contract", found, report(found, options.rounds), options.write)
    if options.part != "contract":
        seconds = measure_flow([size for size in FLOW_SIZES if size <= options.most], options.rounds)
        keep("flow", seconds, report_flow(seconds, options.rounds), options.write)
    if options.write:
        command = [sys.executable, "-m", "weeks.week5_pipeline.figures"]
        subprocess.run(command, cwd=ROOT, env=os.environ | SOLUTIONS, check=True)
    return 0


def keep(name: str, found: object, lines: list[str], write: bool) -> None:
    """Print what was measured, and keep it in the week's folder where that is wanted."""
    print("\n".join([*lines, ""]))
    if write:
        kept = {"machine": machine(), "measured": found, "table": lines}
        write_atomically(WEEK / f"{name}.json", json.dumps(kept, indent=1) + "\n")


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
    done = subprocess.run(command, env=os.environ | SOLUTIONS, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
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


def measure_flow(sizes: list[int], rounds: int) -> Measured:
    """Seconds of the flow, of its tasks and of the search, as `bench.pipeline.flows` names them."""
    with tempfile.TemporaryDirectory() as name, running("prefect", Path(name, "prefect")) as server:
        folder = Path(name)
        environment = {key: value.replace("{url}", server.url) for key, value in PREFECT.client.items()} | {
            **SOLUTIONS,
            "PREFECT_HOME": str(folder / "home"),
            "PREFECT_LOGGING_LEVEL": "CRITICAL",
            "MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow.db",
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
        }
        command = [sys.executable, "-W", "ignore", "-m", "bench.pipeline.flows", name, str(rounds), *map(str, sizes)]
        done = subprocess.run(
            command, env=os.environ | environment, cwd=folder, stdout=subprocess.PIPE, text=True, check=True
        )
    told: Measured = json.loads(done.stdout.splitlines()[-1])
    return told


def report_flow(found: Measured, rounds: int) -> list[str]:
    """The lines of two tables: months by rows, searches by workers; and what a task costs."""
    sizes = [int(name.split()[1]) for name in found if name.startswith("first ")]
    months = [
        [f"{size:,}", *(f"{found[f'{what} {size}']:.2f}" for what in ("first", "again", "ratio"))] for size in sizes
    ]
    searches = [[f"{size:,}", *(f"{found[f'search {size} {workers}']:.1f}" for workers in (0, 1, 2))] for size in sizes]
    tasks = [[name, f"{1_000 * found[name]:.0f}"] for name in COSTS]
    facts = machine()
    return [
        f"{facts['cpu']}, {facts['cores']} cores; median of {rounds}, of a search one",
        "",
        *table(["rows of the month", "first, s", "again, s", "ratio"], (20, 12, 12, 12), months),
        "",
        *table(["six candidates", "a loop, s", "1 worker, s", "2 workers, s"], (20, 12, 12, 13), searches),
        "",
        *table(["what Prefect takes", "ms"], (24, 8), tasks),
    ]


if __name__ == "__main__":
    sys.exit(main())
