"""Measure every figure that the guide of week 4 states, and draw its pictures.

python -m weeks.week4_tracking.figures            measure; write figures.json, the figures in the guide, the pictures
python -m weeks.week4_tracking.figures --check    measure and compare with figures.json; write nothing
python -m weeks.week4_tracking.figures --write    measure nothing; write guide and pictures from figures.json
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from mlops_lab.datasets import load_house_sales
from weeks.guide_figures import Figures, run, verdict
from weeks.week4_tracking.drawing import MONTHS, draw
from weeks.week4_tracking.peeking import peeking_figures

WEEK = Path(__file__).resolve().parent
SEEDS = range(1, 13)


def data_figures() -> Figures:
    """What is in the data."""
    return {"sales": len(load_house_sales())}


def luck_figures() -> Figures:
    """The model of week 1 with twelve other seeds, against itself, in each month of 2015.

    No one of the twelve is better: what a comparison of two errors says is luck.
    """
    from lab1_models.house_price import CUTOFF, FEATURES, build_model, split_by_time

    train, test = split_by_time(load_house_sales(), CUTOFF)
    month = test["date"].dt.strftime("%Y-%m").to_numpy()

    def errors(seed: int) -> np.ndarray:
        model = build_model().set_params(regressor__trees__random_state=seed).fit(train[FEATURES], train["price"])
        return np.asarray((test["price"] - model.predict(test[FEATURES])).abs())

    champion, rng = errors(0), np.random.default_rng(0)
    middle: list[float] = []
    low: list[float] = []
    high: list[float] = []
    for seed in SEEDS:
        difference = errors(seed) - champion
        for name in MONTHS:
            one = difference[month == name]
            means = one[rng.integers(len(one), size=(2_000, len(one)))].mean(axis=1)
            middle.append(float(one.mean()))
            low.append(float(np.quantile(means, 0.025)))
            high.append(float(np.quantile(means, 0.975)))
    return {
        "luck_difference": middle,
        "luck_low": low,
        "luck_high": high,
        "luck_seeds": len(SEEDS),
        "luck_comparisons": len(middle),
        "luck_bare": sum(value < 0 for value in middle),
        "luck_gate": sum(value < 0 for value in high),
    }


def verdict_figures() -> Figures:
    """A wrong answer, as `lab check` tells of it."""
    return {"verdict": verdict("lab4_tracking", "4.1_metric_on_train")}


def cost_figures() -> Figures:
    """What a small MLflow costs a team each month, from the table of prices beside this file."""
    prices = json.loads((WEEK / "prices.json").read_text(encoding="utf-8"))["per_month"]
    sums = [(row["what"], row["count"], row["usd"], row["count"] * row["usd"]) for row in prices]
    month = sum(usd for *_, usd in sums)
    rows = [f"{what:<38}{count:>4} x {usd:6.3f} ={total:7.2f}\n" for what, count, usd, total in sums]
    return {"cost_month": month, "cost_table": "".join(["USD per month\n", *rows, f"{'together':<53}={month:7.2f}\n"])}


# Groups of figures by name. The tests measure the quick ones again.
GROUPS = {
    "data": data_figures,
    "luck": luck_figures,
    "peeking": peeking_figures,
    "verdict": verdict_figures,
    "cost": cost_figures,
}
QUICK = ("data", "cost")


def main() -> int:
    """Measure, then write or compare."""
    return run(__doc__ or "", WEEK, GROUPS, draw)


if __name__ == "__main__":
    sys.exit(main())
