"""Real houses, drawn anew for each run, as features of a reference and of a month that is priced now."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd

from mlops_lab.datasets import load_house_sales

Generator = np.random.Generator

FEATURES = ["sqft_living", "sqft_above", "sqft_basement", "grade", "yr_built", "lat", "waterfront", "zipcode"]
"""Numbers, a truth value, and a number that is a name: enough kinds, and half the time of all."""


@cache
def all_sales() -> pd.DataFrame:
    """The real sales."""
    return load_house_sales()


def draw_months(rng: Generator, rows: int, months: int = 1) -> list[pd.DataFrame]:
    """A reference of twice so many rows, and months that are drawn from the same houses: nothing has changed."""
    drawn = all_sales().sample((months + 2) * rows, random_state=rng)[FEATURES].reset_index(drop=True)
    parts = [drawn.iloc[2 * rows + k * rows : 2 * rows + (k + 1) * rows] for k in range(months)]
    return [drawn.iloc[: 2 * rows], *(part.reset_index(drop=True) for part in parts)]


def draw_calm_months(rng: Generator, rows: int, months: int = 1) -> list[pd.DataFrame]:
    """The same, dealt out by zipcode: with 70 of them, chance alone looks like a drift in some 1 of 40 draws."""
    drawn = all_sales().sample((months + 2) * rows, random_state=rng)[FEATURES]
    drawn = drawn.sort_values("zipcode", kind="stable").reset_index(drop=True)
    turn = drawn.index % (months + 2)
    parts = [drawn[turn < 2], *(drawn[turn == k + 2] for k in range(months))]
    return [part.sample(frac=1, random_state=rng).reset_index(drop=True) for part in parts]
