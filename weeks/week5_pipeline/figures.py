"""Collect every figure that the guide of week 5 states, and draw its picture.

python -m weeks.week5_pipeline.figures            collect; write figures.json, the figures in the guide, the pictures
python -m weeks.week5_pipeline.figures --check    collect and compare with figures.json; write nothing
python -m weeks.week5_pipeline.figures --write    collect nothing; write guide and pictures from figures.json
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from mlops_lab.datasets import load_house_sales
from weeks.guide_figures import Figures, run, verdict
from weeks.week5_pipeline.drawing import draw

WEEK = Path(__file__).resolve().parent
_FOUR_MONTHS = ("2015-01", "2015-04")


def data_figures() -> Figures:
    """What is in the months of the data."""
    sales = load_house_sales()
    months = sales["date"].dt.to_period("M")
    rows = months.value_counts().sort_index()
    rates = rows / rows.index.days_in_month
    ratio = (rates / rates.shift()).dropna()
    late = sales["yr_built"] - sales["date"].dt.year
    return {
        "sales": len(sales),
        "built_after": int((late == 1).sum()),
        "months": " ".join(map(str, rows.index)),
        "sales_per_day": [float(rate) for rate in rates],
        "red_months": int(((ratio.iloc[:-1] - 1).abs() > 0.2).sum()),
        "lowest_ratio": float(ratio.iloc[:-1].min()),
        "highest_ratio": float(ratio.iloc[:-1].max()),
        "may_ratio": float(ratio.iloc[-1]),
        "may_rows": int(rows.iloc[-1]),
        "may_after_15": int((sales["date"] > "2015-05-15").sum()),
        "february_more": 100 * float(rows["2015-02"] / rows["2015-01"] - 1),
    }


def feature_figures() -> Figures:
    """Mean errors (USD) of the model of week 1 without the new features, with them, and with a leak in their place."""
    import pandas as pd

    from lab1_models.house_price import FEATURES as HOUSE
    from lab1_models.house_price import build_model, evaluate
    from lab5_pipeline.features import FEATURES, training_frame

    honest = training_frame(load_house_sales())
    ratio = honest["price"] / honest["sqft_living"]
    leaking = honest.assign(zip_price_sqft=ratio.groupby([honest["zipcode"], honest["date"]]).transform("median"))
    month = honest["date"].dt.to_period("M")
    train, test, may = (
        (month >= "2014-08") & (month < "2015-01"),
        (month >= _FOUR_MONTHS[0]) & (month <= _FOUR_MONTHS[1]),
        month == "2015-05",
    )

    def fitted(frame: pd.DataFrame, more: tuple[str, ...]) -> object:
        model = build_model()
        (_, how, _), zipcode = model.regressor.named_steps["columns"].transformers
        numbers = [name for name in HOUSE if name != "zipcode"]
        model.regressor.set_params(columns__transformers=[("numbers", how, [*numbers, *more]), zipcode])
        return model.fit(frame[train], frame.loc[train, "price"])

    plain, better, leaky = fitted(honest, ()), fitted(honest, FEATURES), fitted(leaking, FEATURES)
    return {
        "plain_mae": evaluate(plain, honest[test])["mae"],
        "honest_mae": evaluate(better, honest[test])["mae"],
        "plain_may": evaluate(plain, honest[may])["mae"],
        "honest_may": evaluate(better, honest[may])["mae"],
        "leak_promised": evaluate(leaky, leaking[test])["mae"],
        "leak_served": evaluate(leaky, honest[test])["mae"],
    }


def contract_figures() -> Figures:
    """What `make bench-pipeline` measured on up to 10 million rows, and the table that it printed."""
    kept = json.loads((WEEK / "contract.json").read_text(encoding="utf-8"))
    found = kept["measured"]
    most, pandas, features = "polars 10000000", "pandas 10000000", "features 2161300"
    figures: Figures = {f"{key.replace(' ', '_')}_cpu_s": one["cpu_s"] for key, one in found.items()}
    return {
        **figures,
        "polars_10m_gb": found[most]["memory_mb"] / 1000,
        "pandas_10m_gb": found[pandas]["memory_mb"] / 1000,
        "polars_growth": found[most]["cpu_s"] / found["polars 1000000"]["cpu_s"] / 10,
        "pandas_to_polars": found[pandas]["cpu_s"] / found[most]["cpu_s"],
        "features_growth": found[features]["cpu_s"] / found["features 21613"]["cpu_s"],
        "contract_table": "\n".join(kept["table"]) + "\n",
    }


def flow_figures() -> Figures:
    """What `make bench-pipeline` measured of the flow, and the tables that it printed."""
    kept = json.loads((WEEK / "flow.json").read_text(encoding="utf-8"))
    found = kept["measured"]
    sizes = sorted(int(name.split()[1]) for name in found if name.startswith("first "))
    return {
        "flow_rows": [float(size) for size in sizes],
        "flow_first": [found[f"first {size}"] for size in sizes],
        "flow_again": [found[f"again {size}"] for size in sizes],
        "flow_growth": found[f"first {sizes[-1]}"] / found[f"first {sizes[0]}"],
        "small_ratio": found[f"ratio {sizes[0]}"],
        "large_ratio": found[f"ratio {sizes[-1]}"],
        "empty_ms": 1_000 * found["an empty flow"],
        "quick_ms": 1_000 * found["the same, no heartbeat"],
        "task_ms": 1_000 * found["a task"],
        "cached_ms": 1_000 * found["a task that is cached"],
        "kept_ms": 1_000 * found["a task that is kept"],
        "flow_table": "\n".join(kept["table"]) + "\n",
    }


def verdict_figures() -> Figures:
    """A wrong answer, as `lab check` tells of it."""
    return {"verdict": verdict("lab5_pipeline", "5.2_fillna_0")}


# Groups of figures by name. The tests collect the quick ones again.
GROUPS = {
    "data": data_figures,
    "features": feature_figures,
    "contract": contract_figures,
    "flow": flow_figures,
    "verdict": verdict_figures,
}
QUICK = ("data", "contract", "flow")


def main() -> int:
    """Collect, then write or compare."""
    return run(__doc__ or "", WEEK, GROUPS, draw)


if __name__ == "__main__":
    sys.exit(main())
