"""Measure week 4: `make bench-tracking`.

    python -m bench.tracking [--rate 200] [--seconds 8] [--repeats 5] [--rows 14000]

What a record costs: a training with MLflow beside the same training without it, and a thousand metrics.

A swap of the champion under a constant rate of requests: how many failed, and how long the slowest of a hundred took
before the swap and while it was going on.
"""

from __future__ import annotations

import argparse
import sys

from bench.common import ROOT, machine
from bench.tracking import records, swap


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m bench.tracking", description=__doc__.partition("\n")[0])
    parser.add_argument("--rate", type=int, default=200, help="requests per second")
    parser.add_argument("--seconds", type=float, default=8.0, help="before the swap; twice as long after")
    parser.add_argument("--repeats", type=int, default=5, help="runs of each training (default: 5)")
    parser.add_argument("--rows", type=int, default=14_000, help="sales to train and judge on (default: 14,000)")
    options = parser.parse_args()
    sys.path.insert(0, str(ROOT / "solutions"))
    print(", ".join(f"{name}: {value}" for name, value in machine().items()))
    print("\n".join(records.measure(options.repeats, options.rows)))
    found = swap.measure(options.rate, options.seconds)
    for name, value in found.items():
        print(f"{name:<44} {value:>10.1f}")


if __name__ == "__main__":
    main()
