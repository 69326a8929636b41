"""Months of real sales, drawn anew for each run, and rows in them that no contract lets pass."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from mlops_lab.datasets import load_house_sales

Generator = np.random.Generator

COLUMNS = (
    "id", "date", "price", "bedrooms", "bathrooms", "sqft_living", "sqft_lot", "floors", "waterfront", "view",
    "condition", "grade", "sqft_above", "sqft_basement", "yr_built", "yr_renovated", "zipcode", "lat", "long",
    "sqft_living15", "sqft_lot15",
)  # fmt: skip
FLOATS = ("bathrooms", "floors", "lat", "long")
WHOLE = tuple(name for name in COLUMNS if name not in (*FLOATS, "date", "waterfront"))

AREAS = ("sqft_living", "sqft_above", "sqft_basement")
BUILT = ("yr_built", "date")
IN_YEARS = (*BUILT, "yr_renovated")  # a contract may know that a house is not renovated before it is built
PLACE = ("lat", "long")
KEY = ("id", "date")

# What no sale has, and the columns that a reason may name: a living area of 0 breaks the sum as well.
# Fifty times as large as the largest of the data is too large; a year, a zipcode and a grade have limits of their own.
IMPOSSIBLE: dict[str, tuple[Any, ...]] = {
    "id": (0, -7129300520),
    "price": (0, -221_900, 50 * 7_700_000),
    "bedrooms": (-1, 40, 400),
    "bathrooms": (-1.0, 50 * 8.0, float("inf")),
    "sqft_living": (-100, 0, 50 * 13_540),
    "sqft_lot": (-100, 50 * 1_651_359),
    "floors": (-1.0, 0.0, 50 * 3.5, float("inf")),
    "view": (-1, 5, 40),
    "condition": (0, 6, 50),
    "grade": (0, 14, 130),
    "sqft_above": (-100, 50 * 9_410),
    "sqft_basement": (-100, 50 * 4_820),
    "yr_built": (-5, 1066, 1799, 3000),
    "yr_renovated": (-5, 3000, 9999),
    "zipcode": (-98103, 9_999, 100_000, 98_103_000),
    "lat": (-47.5, 0.0, 45.5, 48.9, float("inf")),
    "long": (122.3, 0.0, -124.5, -119.0, float("-inf")),
    "sqft_living15": (-100, 50 * 6_210),
    "sqft_lot15": (-100, 50 * 871_200),
}

HELP = {
    "price": "Nobody gives a house away: a price of 0 is a missing price.",
    "bedrooms": "One house of the data has 33 bedrooms. Strange is not impossible: refuse 40 and more.",
    "zipcode": "A zipcode has five digits.",
    "date: epoch": "1970-01-01 is what a missing time becomes in many systems, and days of that year what a wrong "
    "unit of time becomes. Give `date` a lower limit.",
    "date: future": "A rule of your own: `@pa.check('date')`, and compare with `today()`, not with "
    "the last day that you "
    "have seen.",
    "date: time": "A sale has a day, and no time. Midnight in Seattle is 08:00 in UTC: whoever loses "
    "the time zone moves "
    "sales into another day, and the last evening of a month into the next month. Compare with `date.dt.normalize()`.",
    "areas": "A rule about several columns: `@pa.dataframe_check`. `sqft_above` and `sqft_basement` "
    "make `sqft_living`.",
    "built": "A house may be sold before it is finished: in the data up to a year. More is a "
    "mistake: `@pa.dataframe_check`.",
    "key": '`unique = ["id", "date"]` in `Config`: the house alone is no key, since some are sold again.',
}


def month_in(text: str) -> str:
    """The first month that stands in a text, such as `2015-03`; an empty text where there is none."""
    found = re.search(r"(?<!\d)\d{4}-\d{2}(?!\d)", text)
    return found[0] if found else ""


@dataclass(frozen=True)
class Fault:
    """What is wrong with a row: the rule, what it is set to, and the columns that a reason for it may name."""

    rule: str
    sets: dict[str, Any]
    columns: tuple[str, ...]
    also: tuple[str, ...] = ()
    """Columns that may be named as well: their rules may break in passing."""

    @property
    def words(self) -> str:
        """The row, as a message calls it."""
        return " and ".join(f"{name} = {_text(value)}" for name, value in self.sets.items())


def _text(value: object) -> str:
    return str(value.item() if isinstance(value, np.generic) else value)


@cache
def all_sales() -> pd.DataFrame:
    """Every sale of the course."""
    return load_house_sales()


def months() -> list[pd.Period]:
    """The months that are whole, from May 2014 to April 2015."""
    return list(pd.period_range("2014-05", "2015-04", freq="M"))


def month_of(period: pd.Period) -> pd.DataFrame:
    """The sales of one month, in file order."""
    sales = all_sales()
    return sales[sales["date"].dt.to_period("M") == period]


def draw_month(rng: Generator, rows: int) -> pd.DataFrame:
    """Some sales of one real month, shuffled, one of its last days among them, no house twice; a fresh index."""
    month = month_of(months()[int(rng.integers(12))]).drop_duplicates("id")
    last = month.nlargest(1, "date")
    others = month.drop(last.index).sample(rows - 1, random_state=rng)
    return pd.concat([last, others]).sample(frac=1, random_state=rng).reset_index(drop=True)


def faults(rng: Generator, sales: pd.DataFrame) -> list[Fault]:
    """Every kind of row that no contract lets pass; the row that it is made for may be any of `sales`."""
    of_ranges = [
        Fault(f"range of {name}", {name: value}, PLACE if name in PLACE else (name,), _in_passing(name))
        for name, values in IMPOSSIBLE.items()
        for value in values
    ]
    in_1970 = pd.Timestamp("1970-01-02") + pd.Timedelta(days=int(rng.integers(364)))
    moved = int(rng.choice([7, 8, 15, 16, 23]))
    day = sales["date"].iloc[int(rng.integers(len(sales)))]
    return [
        *of_ranges,
        *(
            Fault("date: epoch", {"date": one, "yr_built": 1950}, ("date",), IN_YEARS)
            for one in (in_1970, pd.Timestamp(0), pd.Timestamp("1970-12-31"))
        ),
        Fault("date: future", {"date": tomorrow(int(rng.integers(3, 400)))}, ("date",)),
        Fault("date: time", {"date": day + pd.Timedelta(seconds=int(rng.integers(1, 60)))}, ("date",)),
        Fault("date: time", {"date": day + pd.Timedelta(hours=moved)}, ("date",)),
        Fault("built", {"date": pd.Timestamp("2014-09-10"), "yr_built": 2016}, BUILT, IN_YEARS),
    ]


def _in_passing(name: str) -> tuple[str, ...]:
    return AREAS if name in AREAS else IN_YEARS if name in BUILT else KEY if name in KEY else ()


def tomorrow(days: int) -> pd.Timestamp:
    """A day in the future, wherever one stands."""
    return pd.Timestamp.now().normalize() + pd.Timedelta(days=days)


def with_faults(sales: pd.DataFrame, faults: list[Fault], places: list[int]) -> pd.DataFrame:
    """The sales, with each fault in the row of its place."""
    changed = sales.copy()
    for fault, place in zip(faults, places, strict=True):
        for name, value in fault.sets.items():
            changed.loc[place, name] = value
    return changed


def area_fault(rng: Generator, row: pd.Series, sign: int = 1, off: int | None = None) -> Fault:
    """A living area that is some square feet, or `off`, too large (`sign` 1) or too small (-1)."""
    off = (off or int(rng.integers(1, 30))) * sign
    return Fault("areas", {"sqft_living": int(row["sqft_living"]) + off}, AREAS)


def odd_index(rng: Generator, rows: int, bad: list[int]) -> pd.Index:
    """Labels in no order, as after a `concat` of files: some good rows have the label of a bad one, "
    "and of each other."""
    labels = rng.permutation(rows)
    good = rng.permutation(np.setdiff1d(np.arange(rows), bad))
    labels[good[:3]] = labels[bad[:3]]
    labels[good[3:6]] = labels[good[6:9]]
    return pd.Index(labels + 1_000, name="line")
