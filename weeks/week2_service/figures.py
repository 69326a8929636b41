"""Collect every figure that the guide of week 2 states, and draw its picture.

    python -m weeks.week2_service.figures            collect; write figures.json, the figures in the guide, the picture
    python -m weeks.week2_service.figures --check    collect and compare with figures.json; write nothing
    python -m weeks.week2_service.figures --write    collect nothing; write guide and picture from figures.json

Speeds are not measured here: they are read from serving.json, which `make bench-serving ARGS=--write` writes.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from mlops_lab.datasets import load_house_sales
from weeks.guide_figures import Figures, run, verdict
from weeks.week2_service.drawing import draw

WEEK = Path(__file__).resolve().parent


def data_figures() -> Figures:
    """What is in the data."""
    return {"sales": len(load_house_sales())}


def serving_figures(week: Path = WEEK) -> Figures:
    """What the bench of the servers measured, and the tables that it printed."""
    measured = json.loads((week / "serving.json").read_text(encoding="utf-8"))
    return {**measured["figures"], "serving_table": "\n".join(measured["table"]) + "\n"}


def verdict_figures() -> Figures:
    """A wrong answer, as `lab check` tells of it."""
    return {"verdict": verdict("lab2_service", "2.1_nan_passes_a_comparison")}


# Groups of figures by name. The tests collect the quick ones again.
GROUPS = {"data": data_figures, "serving": serving_figures, "verdict": verdict_figures}
QUICK = ("data", "serving")


def main() -> int:
    """Collect, then write or compare."""
    return run(__doc__ or "", WEEK, GROUPS, draw)


if __name__ == "__main__":
    sys.exit(main())
