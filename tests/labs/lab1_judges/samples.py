"""Samples of the real data, drawn anew for each run, in which each row can be recognised."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd

from mlops_lab.datasets import load_flowers, load_house_sales, load_purchases

Generator = np.random.Generator

SHIFTS = {"sqft_living": 0.5, "lat": 5e-5, "long": 5e-5}
"""What is added to a value at most, so that it names its row: less than the step between two values of the file."""

KEYS = ["sqft_lot", "sqft_lot15", *SHIFTS]


@cache
def _all_sales() -> pd.DataFrame:
    return load_house_sales()


@cache
def _all_purchases() -> pd.DataFrame:
    return load_purchases()


def draw_sales(rng: Generator, rows: int, sold_twice: int = 0) -> pd.DataFrame:
    """Some of the real sales, shuffled, `sold_twice` houses of them twice. Each column of `KEYS` names the row."""
    sales = _all_sales()
    flips = sales[sales["id"].duplicated(keep=False)]
    houses = rng.choice(flips["id"].unique(), sold_twice, replace=False)
    flipped = flips[flips["id"].isin(houses)]
    flipped = flipped.groupby("id").head(2)
    singles = sales.drop(index=flips.index).sample(rows - len(flipped), random_state=rng)
    sample = pd.concat([flipped, singles]).sample(frac=1, random_state=rng)
    names = {name: 4_000 + 7 * rng.permutation(len(sample)) for name in ("sqft_lot", "sqft_lot15")}
    shifts = {name: sample[name] + room / rows * rng.permutation(len(sample)) for name, room in SHIFTS.items()}
    return sample.assign(**names, **shifts)


def draw_purchases(rng: Generator, customers: int) -> pd.DataFrame:
    """All purchases of some of the real customers, shuffled."""
    purchases = _all_purchases()
    chosen = rng.choice(purchases["customer_id"].unique(), customers, replace=False)
    sample = purchases[purchases["customer_id"].isin(chosen)]
    return sample.sample(frac=1, random_state=rng)


def draw_measures(rng: Generator, noise: float = 0.0) -> pd.DataFrame:
    """The real measures of iris, each value shifted by less than 0.002 cm so that it names its row; plus noise (cm)."""
    measures = load_flowers().drop(columns="species")
    shifts = 1e-5 * np.column_stack([rng.permutation(len(measures)) for _ in measures])
    # The noise is a whole number of hundredths: it cannot make two values equal again.
    steps = np.round(rng.normal(0, noise, measures.shape), 2)
    return measures.add(steps).abs().add(shifts)


def species() -> list[str]:
    """The species of the 150 flowers, in file order."""
    return [str(name) for name in load_flowers()["species"]]
