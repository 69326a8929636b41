"""Collect every figure that the guide of week 3 states, and draw its picture.

    python -m weeks.week3_kubernetes.figures            collect; write figures.json, guide and picture
    python -m weeks.week3_kubernetes.figures --check    collect and compare with figures.json; write nothing
    python -m weeks.week3_kubernetes.figures --write    collect nothing; write guide and picture from figures.json

What the service needs was measured in week 2. What a cluster measures is kept in cluster_figures.json, where it is.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from weeks.guide_figures import Figures, run, verdict
from weeks.week2_service.figures import serving_figures
from weeks.week3_kubernetes.drawing import draw

WEEK = Path(__file__).resolve().parent
SERVICE = (
    "rss_mb",
    "ready_s",
    "one_row_estimator_busy_p99_ms",
    "one_row_estimator_default_threads_busy_p99_ms",
)


def service_figures() -> Figures:
    """What the service needs, and what threads cost it, as week 2 measured."""
    measured = serving_figures()
    return {name: measured[name] for name in SERVICE}


def cluster_figures(week: Path = WEEK) -> Figures:
    """What was measured on a cluster; nothing where nobody has measured there."""
    path = week / "cluster_figures.json"
    measured: Figures = json.loads(path.read_text(encoding="utf-8"))["figures"] if path.is_file() else {}
    return measured


def cost_figures(week: Path = WEEK) -> Figures:
    """What the Terraform of 3.7 costs, from the table of prices beside this file."""
    prices = json.loads((week / "prices.json").read_text(encoding="utf-8"))
    sums = [(row["what"], row["count"], row["count"] * row["usd"]) for row in prices["per_hour"]]
    hour = sum(usd for _, _, usd in sums)
    extended = hour - prices["per_hour"][0]["usd"] + prices["extended_support"]
    rows = [f"{what:<30}{count:>3} x {usd / count:7.4f} ={usd:8.4f}\n" for what, count, usd in sums]
    table = "".join(["USD per hour\n", *rows, f"{'together':<44}={hour:8.4f}\n"])
    return {
        "cost_hour": hour,
        "cost_day": 24 * hour,
        "cost_month": 730 * hour,
        "cost_table": table,
        "extended_usd": prices["extended_support"],
        "extended_hour": extended,
        "extended_month": 730 * extended,
    }


def verdict_figures() -> Figures:
    """A wrong answer, as `lab check` tells of it."""
    return {"verdict": verdict("lab3_kubernetes", "3.1_liveness_asks_for_the_models")}


# Groups of figures by name. The tests collect the quick ones again.
GROUPS = {"service": service_figures, "cluster": cluster_figures, "verdict": verdict_figures, "cost": cost_figures}
QUICK = ("service", "cluster", "cost")


def main() -> int:
    """Collect, then write or compare."""
    return run(__doc__ or "", WEEK, GROUPS, draw)


if __name__ == "__main__":
    sys.exit(main())
