"""Measure week 6: what metrics cost the service, how long a scrape takes, and a drift report.

    make bench-monitoring                  print the table; some minutes
    make bench-monitoring ARGS=--write     write weeks/week6_monitoring/monitoring.json
    make bench-monitoring ARGS='--rounds 1 --seconds 1 --rows 5000'

The services with and without metrics are loaded in turns, and compared within each round. On a busy machine that says
little: what metrics add to a request is measured in one process, and divided by what a request costs the server.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys

from bench.common import ROOT, machine, say, table
from bench.monitoring import overhead
from mlops_lab.files import write_atomically

WEEK = ROOT / "weeks" / "week6_monitoring"
ROWS = (5_000, 1_000_000)
# What we promise of each figure.
LIMITS = {"added_percent": 5.0, "drift_5000_seconds": 20.0, "drift_1000000_memory_mb": 2_000.0, "scrape_ms": 20.0}
Measured = dict[str, float]


def main() -> int:
    """Measure, print, and write where that is wanted; 1 where a limit is not kept."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.monitoring", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=9, help="of load (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=4.0, help="of each load (default: %(default)s)")
    parser.add_argument("--rows", type=int, nargs="*", default=ROWS, help="of the drift reports")
    parser.add_argument("--write", action="store_true", help=f"write {WEEK.relative_to(ROOT)}/monitoring.json")
    options = parser.parse_args()
    if options.write and set(options.rows) != set(ROWS):
        parser.error("--write is for all sizes: leave out --rows")
    sys.path.insert(0, str(ROOT / "solutions"))
    found = overhead.measure(options.rounds, options.seconds)
    for rows in options.rows:
        say(f"drift: {rows:,} rows")
        found |= {f"drift_{rows}_{name}": value for name, value in drift(rows).items()}
    lines = report(found, options.rounds, options.rows)
    print("\n".join(lines))
    if options.write:
        kept = {"machine": machine(), "measured": found, "table": lines}
        write_atomically(WEEK / "monitoring.json", json.dumps(kept, indent=1) + "\n")
    broken = [
        f"{name}: {found[name]:.1f}, more than {most:g}" for name, most in LIMITS.items() if found.get(name, 0) > most
    ]
    print("\n".join(broken), file=sys.stderr)
    return 1 if broken else 0


def drift(rows: int) -> Measured:
    """One report in a process of its own."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "solutions")])}
    command = [sys.executable, "-m", "bench.monitoring.work", str(rows)]
    done = subprocess.run(command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    told: Measured = json.loads(done.stdout.splitlines()[-1])
    return told


def report(found: Measured, rounds: int, sizes: list[int]) -> list[str]:
    """The lines of the tables."""
    names = {"plain": "without", "metrics": "with metrics", "logged": "with metrics and lines"}
    served = [
        [
            title,
            f"{found[f'{name}_per_second']:,.0f}",
            f"{found[f'{name}_cpu_us']:,.0f}",
            *(f"{found[f'{name}_{what}_percent']:+.1f} %" if name != "plain" else "" for what in ("cpu", "throughput")),
        ]
        for name, title in names.items()
    ]
    drifts = [
        [
            f"drift report, {rows:,} rows",
            f"{found[f'drift_{rows}_used']:,.0f}",
            f"{found[f'drift_{rows}_seconds']:.1f}",
            f"{found[f'drift_{rows}_memory_mb']:,.0f}",
        ]
        for rows in sizes
    ]
    facts = machine()
    return [
        f"{facts['cpu']}, {facts['cores']} cores; median of {rounds} rounds",
        "",
        *table(["", "requests/s", "CPU, µs", "more CPU", "slower"], (26, 12, 10, 10, 10), served),
        "",
        f"metrics add {found['added_us']:.0f} µs to a request, {found['added_percent']:.1f} % (one process, in turns)",
        f"a scrape: {found['scrape_ms']:.1f} ms, {found['scrape_series']:,.0f} series, {found['scrape_kb']:.0f} kB",
        "",
        *table(["", "looked at", "seconds", "peak MB"], (34, 12, 10, 10), drifts),
    ]


if __name__ == "__main__":
    sys.exit(main())
