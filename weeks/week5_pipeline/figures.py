"""Collect every figure that the guide of week 5 states, and draw its picture.

python -m weeks.week5_pipeline.figures            collect; write figures.json, the figures in the guide, the pictures
python -m weeks.week5_pipeline.figures --check    collect and compare with figures.json; write nothing
python -m weeks.week5_pipeline.figures --write    collect nothing; write guide and pictures from figures.json
"""

from __future__ import annotations

import sys
from pathlib import Path

from mlops_lab.datasets import load_house_sales
from weeks.guide_figures import Figures, run, verdict
from weeks.week5_pipeline.drawing import draw

WEEK = Path(__file__).resolve().parent


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


def verdict_figures() -> Figures:
    """A wrong answer, as `lab check` tells of it."""
    return {"verdict": verdict("lab5_pipeline", "5.2_fillna_0")}


# Groups of figures by name. The tests collect the quick ones again.
GROUPS = {"data": data_figures, "verdict": verdict_figures}
QUICK = ("data",)


def main() -> int:
    """Collect, then write or compare."""
    return run(__doc__ or "", WEEK, GROUPS, draw)


if __name__ == "__main__":
    sys.exit(main())
