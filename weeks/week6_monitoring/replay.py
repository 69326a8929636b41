"""A year of real sales, replayed: a model that is trained once, and what is said of each month after it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from mlops_lab.datasets import load_house_sales

TRAINED_BEFORE = "2014-09-01"
OPENED = "2015-01-01"
SQUARE_METRES = 0.0929
AREAS = ["sqft_living", "sqft_above", "sqft_basement", "sqft_living15"]


@dataclass(frozen=True)
class Replay:
    """Training rows, the months after them as they were priced, and the prices as they became known."""

    reference: pd.DataFrame
    later: pd.DataFrame
    predictions: pd.DataFrame
    labels: pd.DataFrame
    features: list[str]

    def months(self) -> list[pd.Period]:
        """The whole months after the training."""
        return sorted(self.later["date"].dt.to_period("M").unique())

    def month(self, month: pd.Period) -> pd.DataFrame:
        """The features of the houses of a month."""
        rows: pd.DataFrame = self.later.loc[self.later["date"].dt.to_period("M") == month, self.features]
        return rows.reset_index(drop=True)


Rows = pd.Series  # of truth values: which of the sales


def replay(train: Rows | None = None, later: Rows | None = None, *, seed: int = 0) -> Replay:
    """Train on some sales and price others; each price becomes known 30 to 60 days after the sale.

    `train` and `later` say which of `load_house_sales()`; else they are those before `TRAINED_BEFORE`, and the others.
    """
    sales = load_house_sales()
    before = sales["date"] < TRAINED_BEFORE
    return _played(sales[before if train is None else train], sales[~before if later is None else later], seed)


def resampled(months: int, *, houses: int = 1_500, seed: int = 0) -> Replay:
    """Months in which nothing has changed: train on a half of the training period, and draw each month from the other.

    Houses are drawn with replacement.
    """
    import numpy as np

    rng = np.random.default_rng(seed)
    sales = load_house_sales()
    sales = sales[sales["date"] < TRAINED_BEFORE]
    trained = rng.random(len(sales)) < 0.5
    drawn = sales[~trained].sample(months * houses, replace=True, random_state=seed)
    first = pd.Timestamp(TRAINED_BEFORE).to_period("M")
    drawn["date"] = np.repeat([(first + number).to_timestamp() for number in range(months)], houses)
    return _played(sales[trained], drawn, seed)


def _played(reference: pd.DataFrame, months: pd.DataFrame, seed: int) -> Replay:
    import numpy as np

    from lab1_models.house_price import FEATURES, build_model

    model: Any = build_model().fit(reference, reference["price"])
    ids = [f"p-{number:05d}" for number in range(len(months))]
    made = months["date"].reset_index(drop=True)
    days = pd.to_timedelta(np.random.default_rng(seed).integers(30, 61, len(months)), unit="D")
    predictions = pd.DataFrame({"prediction_id": ids, "date": made, "predicted": model.predict(months)})
    labels = pd.DataFrame({"prediction_id": ids, "price": months["price"].to_numpy(), "known_on": made + days})
    return Replay(reference[FEATURES].reset_index(drop=True), months, predictions, labels, list(FEATURES))


def diagnosed(played: Replay) -> pd.DataFrame:
    """Look at each month when its prices are in; return `month`, `rows`, `drifted`, `psi`, `mae`, `bias`, `verdict`.

    `psi` is the largest of all columns, `mae` is in USD, `bias` in log price.
    """
    from lab6_monitoring.drift import DAYS_UNTIL_KNOWN, diagnose, feature_drift, performance_drift

    rows = []
    for month in played.months():
        houses = played.month(month)
        as_of = (month + 1).to_timestamp() + pd.Timedelta(days=DAYS_UNTIL_KNOWN)
        known = performance_drift(played.predictions, played.labels, as_of)
        known = known[known["month"] <= month.to_timestamp()]
        newest = known.iloc[-1]
        table = feature_drift(played.reference, houses).table
        verdict = diagnose(played.reference, houses, known).verdict
        found = (month.to_timestamp(), len(houses), int(table["drifted"].sum()), float(table["psi"].max()))
        rows.append((*found, newest["mae"], newest["bias"], verdict))
    return pd.DataFrame(rows, columns=["month", "rows", "drifted", "psi", "mae", "bias", "verdict"])


def other_suburbs() -> Replay:
    """The same replay of a model that knows the zipcodes 981xx only, until the others join in 2015."""
    sales = load_house_sales()
    here = sales["zipcode"].astype(str).str.startswith("981")
    return replay(here & (sales["date"] < OPENED), sales["date"] >= OPENED)


def printed(table: pd.DataFrame) -> str:
    """The table as text, for the guide."""
    lines = ["month    houses  drifted  largest PSI  error, USD    bias  verdict"]
    for row in table.itertuples():
        shape = f"{row.month:%Y-%m}  {row.rows:6,}  {row.drifted:7}  {row.psi:11.2f}"
        lines.append(f"{shape}  {row.mae:10,.0f}  {row.bias:+6.3f}  {row.verdict}")
    return "\n".join(lines) + "\n"
