"""What `diagnose` says of the year of real sales: as it was measured for the guide, and of a broken unit anew.

`python -m weeks.week6_monitoring.figures --check` measures all of it again, in some minutes.
"""

from __future__ import annotations

import pandas as pd
import pytest

from lab1_models.house_price import FEATURES
from lab6_monitoring.drift import diagnose, performance_drift
from mlops_lab.datasets import load_house_sales
from weeks.week6_monitoring.replay import AREAS, SQUARE_METRES, TRAINED_BEFORE
from weeks.week6_monitoring.report import kept_figures, months_of


def test_the_same_houses_and_another_market() -> None:
    table = months_of(kept_figures(), "replay").set_index("month")
    assert list(table.index) == [*(f"2014-{month:02d}" for month in range(9, 13)), *(f"2015-0{n}" for n in range(1, 6))]
    assert set(table["drifted"]) == {"0"}, "no month drifts"
    assert set(table.loc[:"2015-02", "verdict"]) == {"none"}
    assert set(table.loc["2015-03":, "verdict"]) == {"concept"}


def test_other_houses() -> None:
    table = months_of(kept_figures(), "suburbs")
    assert set(table["verdict"]) == {"covariate"}
    assert table["drifted"].astype(int).between(4, 7).all()


@pytest.mark.parametrize("columns", [["sqft_living"], AREAS], ids=["one", "all"])
def test_square_metres_are_a_data_bug_in_each_month(columns: list[str]) -> None:
    sales = load_house_sales()
    before = sales["date"] < TRAINED_BEFORE
    nothing = pd.DataFrame({"prediction_id": ["p"], "date": sales["date"].max(), "predicted": [1.0]})
    labels = pd.DataFrame({"prediction_id": ["p"], "price": [1.0], "known_on": sales["date"].max()})
    known = performance_drift(nothing, labels, sales["date"].max())
    for _, month in sales[~before].groupby(sales["date"].dt.to_period("M")):
        broken = month[FEATURES].assign(**{name: SQUARE_METRES * month[name] for name in columns})
        told = diagnose(sales.loc[before, FEATURES], broken, known)
        assert told.verdict == "data bug" and any("sqft_living" in sign for sign in told.evidence)


def test_false_alarms_are_rare() -> None:
    figures = kept_figures()
    months, alarms = figures["unchanged_months"], figures["false_alarms"]
    assert isinstance(months, int) and isinstance(alarms, int)
    assert months >= 12 and alarms <= months / 12


def test_before_the_first_prediction_nothing_is_the_matter() -> None:
    sales = load_house_sales().head(300)
    predictions = sales[["date"]].assign(prediction_id="", predicted=0.0).head(0)
    labels = sales[["price"]].assign(prediction_id="", known_on=sales["date"]).head(0)
    performance = performance_drift(predictions, labels, "2015-01-01")
    assert performance.empty
    assert diagnose(sales[FEATURES], sales[FEATURES], performance).verdict == "none"
