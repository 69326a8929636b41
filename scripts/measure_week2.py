"""Collect every figure that the guide of week 2 states, and draw its picture.

    python scripts/measure_week2.py            collect; write figures.json, the figures in the guide, the picture
    python scripts/measure_week2.py --check    collect and compare with figures.json; write nothing
    python scripts/measure_week2.py --write    collect nothing; write guide and picture from figures.json

Speeds are not measured here: they are read from serving.json, which `make bench-serving ARGS=--write` writes.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from guide_figures import Figures, run, verdict
from mlops_lab.datasets import load_house_sales

ROOT = Path(__file__).resolve().parents[1]
WEEK = ROOT / "weeks" / "week2_service"


def data_figures() -> Figures:
    """What is in the data."""
    return {"sales": len(load_house_sales())}


def serving_figures() -> Figures:
    """What the bench of the servers measured."""
    measured = json.loads((WEEK / "serving.json").read_text(encoding="utf-8"))
    return {**measured["figures"], "serving_table": "\n".join(measured["table"]) + "\n"}


def verdict_figures() -> Figures:
    """A wrong answer, as `lab check` tells of it."""
    return {"verdict": verdict("lab2_service", "2.1_nan_passes_a_comparison")}


# Groups of figures by name. The tests collect the quick ones again.
GROUPS = {"data": data_figures, "serving": serving_figures, "verdict": verdict_figures}
QUICK = ("data", "serving")


def main() -> int:
    """Collect, then write or compare."""
    from draw_week2 import draw

    return run(__doc__ or "", WEEK, GROUPS, draw)


if __name__ == "__main__":
    sys.exit(main())
