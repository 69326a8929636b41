"""Measure every figure that the guide of week 6 states, and draw its pictures.

python -m weeks.week6_monitoring.figures            measure; write figures.json, guide and pictures
python -m weeks.week6_monitoring.figures --check    measure and compare with figures.json; write nothing
python -m weeks.week6_monitoring.figures --write    measure nothing; write guide and pictures from figures.json
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from mlops_lab.datasets import load_house_sales
from weeks.guide_figures import Figures, run, verdict
from weeks.week6_monitoring.drawing import draw
from weeks.week6_monitoring.replay import (
    AREAS,
    SQUARE_METRES,
    TRAINED_BEFORE,
    diagnosed,
    other_suburbs,
    printed,
    replay,
    resampled,
)

WEEK = Path(__file__).resolve().parent
# Ends of buckets, seconds: what `prometheus_client` takes by itself, and what ends below the budget.
DEFAULT = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
TOO_LOW = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1)


def bucket_figures() -> Figures:
    """The same made-up answers, seen through three sets of buckets (milliseconds and percent)."""
    import numpy as np

    from lab6_monitoring.metrics import LATENCIES, LATENCY_BUDGET

    answers = np.random.default_rng(6).lognormal(np.log(0.025), 0.72, 20_000)
    sets = {"ours": LATENCIES, "default": DEFAULT, "low": TOO_LOW}
    quantiles = {f"p99_{name}": 1_000 * quantile(0.99, answers.tolist(), ends) for name, ends in sets.items()}
    return {
        **quantiles,
        "p99_true": 1_000 * float(np.quantile(answers, 0.99)),
        "within_budget": 100 * float((answers <= LATENCY_BUDGET).mean()),
    }


def quantile(share: float, values: Sequence[float], ends: Sequence[float]) -> float:
    """Return what `histogram_quantile` says: a straight line inside the bucket, its last end where it is above all."""
    import numpy as np

    counts = np.array([np.count_nonzero(np.asarray(values) <= end) for end in ends])
    wanted = share * len(values)
    place = int(np.searchsorted(counts, wanted))
    if place == len(ends):
        return float(ends[-1])
    low, before = (ends[place - 1], counts[place - 1]) if place else (0.0, 0)
    return float(low + (ends[place] - low) * (wanted - before) / (counts[place] - before))


# The error budget of `rules.yml`, and of each of its alerts: the factor, the long window and `for` (minutes).
BUDGET = 0.005
BURNS = {"fast": (14.4, 60, 1), "slow": (6.0, 360, 5)}
SHARES = [0.02, 0.03, 0.04, 0.05, 0.072, 0.1, 0.2, 0.5, 1.0]


def alert_figures() -> Figures:
    """How long it takes until somebody is told, where a share of the requests fails from now on, and until the budget
    of 30 days is gone."""
    return {
        "shares": [100 * share for share in SHARES],
        "fast_minutes": [until(share, "fast") for share in SHARES],
        "slow_minutes": [until(share, "slow") for share in SHARES],
        "gone_minutes": [30 * 24 * 60 * BUDGET / share for share in SHARES],
        "all_fail": until(1.0, "fast"),
        "tenth_fails": until(0.1, "fast"),
        "twentieth_fails": until(0.05, "slow") / 60,
        "tenth_gone": 30 * 24 * BUDGET / 0.1,
        "fast_share": 100 * BURNS["fast"][0] * BUDGET,
        "slow_share": 100 * BURNS["slow"][0] * BUDGET,
    }


def until(share: float, alert: str) -> float:
    """Return the minutes until an alert rings; 0 where it never does. The long window fills from empty."""
    factor, window, wait = BURNS[alert]
    full = factor * BUDGET * window / share
    return full + wait if full <= window + 1e-6 else 0.0


def chance_figures() -> Figures:
    """How often an alarm rings by chance, with a test of 5 % for each feature (percent)."""
    from lab1_models.house_price import FEATURES

    return {"columns": len(FEATURES), "by_chance": 100 * (1 - 0.95 ** len(FEATURES))}


def verdict_figures() -> Figures:
    """What `lab check` says of an answer with a bug, for the guide."""
    return {"verdict": verdict("lab6_monitoring", "6.2_counter_without_rate")}


def replay_figures() -> Figures:
    """The year after the training, month by month: of a model that knows the county, and of one that knows the city."""
    figures: Figures = {}
    for name, played in (("replay", replay()), ("suburbs", other_suburbs())):
        table = diagnosed(played)
        figures[name] = printed(table)
        figures |= {f"{name}_{column}": [float(value) for value in table[column]] for column in ("mae", "bias", "psi")}
        figures[f"{name}_months"] = " ".join(f"{month:%Y-%m}" for month in table["month"])
    return figures


def bug_figures() -> Figures:
    """A month whose areas come in square metres: what the reports say, and by how much the given prices change."""
    import numpy as np

    from lab1_models.house_price import build_model
    from lab6_monitoring.drift import diagnose, feature_drift, performance_drift

    played, sales = replay(), load_house_sales()
    trained = sales[sales["date"] < TRAINED_BEFORE]
    model = build_model().fit(trained, trained["price"])
    houses = played.month(played.months()[5])
    broken = houses.assign(**{name: SQUARE_METRES * houses[name] for name in AREAS})
    known = performance_drift(played.predictions, played.labels, played.predictions["date"].min())
    alone = houses.assign(sqft_living=SQUARE_METRES * houses["sqft_living"])
    city = other_suburbs()
    new = city.predictions["predicted"]
    there = city.later["zipcode"].astype(str).str.startswith("981").to_numpy()
    table = feature_drift(played.reference[["sqft_living"]], alone[["sqft_living"]]).table
    return {
        "metres_psi": float(table["psi"].iloc[0]),
        "metres_verdict": " ".join(diagnose(played.reference, one, known).verdict for one in (alone, broken)),
        "other_price_ratio": float(new.median() / new[there].median()),
        "metres_price_ratio": float(np.median(model.predict(broken)) / np.median(model.predict(houses))),
    }


def false_alarm_figures() -> Figures:
    """How many of 48 months in which nothing has changed get another verdict than "none"."""
    table = diagnosed(resampled(48))
    return {"unchanged_months": len(table), "false_alarms": int((table["verdict"] != "none").sum())}


def bench_figures() -> Figures:
    """What `make bench-monitoring` measured, and the table that it printed."""
    kept = json.loads((WEEK / "monitoring.json").read_text(encoding="utf-8"))
    found = kept["measured"]
    return {
        "bench_table": "\n".join(kept["table"]) + "\n",
        "series": found["scrape_series"],
        "server_us": found["metrics_cpu_us"] - found["plain_cpu_us"],
        "server_percent": found["metrics_throughput_percent"],
    }


# Groups of figures by name. The tests measure the quick ones again.
GROUPS = {
    "buckets": bucket_figures,
    "alerts": alert_figures,
    "chance": chance_figures,
    "replay": replay_figures,
    "bug": bug_figures,
    "false_alarms": false_alarm_figures,
    "verdict": verdict_figures,
    "bench": bench_figures,
}
QUICK = ("buckets", "alerts", "chance", "bench")


def main() -> int:
    """Measure, then write or compare."""
    return run(__doc__ or "", WEEK, GROUPS, draw)


if __name__ == "__main__":
    sys.exit(main())
