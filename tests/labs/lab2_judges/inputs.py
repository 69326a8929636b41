"""Requests that are right, drawn from the data of the course."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from mlops_lab.datasets import load_flowers, load_house_sales, load_purchases

HOUSE = (
    "bedrooms", "bathrooms", "sqft_living", "sqft_lot", "floors", "waterfront", "view", "condition", "grade",
    "sqft_above", "sqft_basement", "yr_built", "yr_renovated", "zipcode", "lat", "long", "sqft_living15", "sqft_lot15",
)  # fmt: skip
FLOWER = ("sepal_length", "sepal_width", "petal_length", "petal_width")
CUSTOMER = ("recency_days", "frequency", "monetary")


@cache
def sales() -> pd.DataFrame:
    """Every house sale of the course."""
    return load_house_sales()


@cache
def flowers() -> pd.DataFrame:
    """The 150 flowers, with the names of the request's fields."""
    frame = load_flowers()
    return frame.rename(columns=lambda name: name.removesuffix(" (cm)").replace(" ", "_"))


@cache
def customers() -> pd.DataFrame:
    """Recency, frequency and monetary value of the customers on the last day of the data."""
    purchases = load_purchases()
    groups = purchases.groupby("customer_id")
    table = pd.DataFrame({"frequency": groups.size(), "monetary": groups["dollar_value"].sum()})
    table.insert(0, "recency_days", (purchases["date"].max() - groups["date"].max()).dt.days)
    return table


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows as JSON has them: plain numbers and truth values."""
    found: list[dict[str, Any]] = json.loads(frame.to_json(orient="records", double_precision=15))
    return found


def draw_houses(rng: np.random.Generator, count: int) -> list[dict[str, Any]]:
    """Real houses, as requests."""
    return records(sales().sample(count, random_state=rng)[list(HOUSE)])


def draw_flowers(rng: np.random.Generator, count: int) -> list[dict[str, Any]]:
    """Real flowers, as requests."""
    return records(flowers().sample(count, random_state=rng)[list(FLOWER)])


def draw_customers(rng: np.random.Generator, count: int) -> list[dict[str, Any]]:
    """Real customers, as requests."""
    return records(customers().sample(count, random_state=rng)[list(CUSTOMER)])


def extreme(frame: pd.DataFrame, columns: tuple[str, ...]) -> list[dict[str, Any]]:
    """The rows that hold the smallest and the largest value of each column."""
    places = [frame[column].astype(float).to_numpy() for column in columns]
    rows = sorted({int(row) for values in places for row in (values.argmin(), values.argmax())})
    return records(frame.iloc[rows][list(columns)])


def mixed(rng: np.random.Generator, request: dict[str, Any]) -> dict[str, Any]:
    """The same request with its fields in another order."""
    names = list(request)
    return {names[place]: request[names[place]] for place in rng.permutation(len(names))}
