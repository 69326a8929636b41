"""Customers of a shop: recency, frequency and monetary value (RFM), and segments that mean something.

Each function imports what it alone needs, so that each exercise can be read by itself.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd


def rfm(purchases: pd.DataFrame, as_of: str | pd.Timestamp) -> pd.DataFrame:
    """Describe each customer as seen at the end of the day `as_of`.

    One row per customer with a purchase up to then, index `customer_id`: `recency_days` (days from the last purchase
    to `as_of`), `frequency` (number of purchases; each row is one) and `monetary` (USD spent in all). Purchases of that
    day count, those after it are not looked at. `purchases` is not changed.
    """
    # TODO 1.7: Describe customers: recency, frequency, monetary value
    raise NotImplementedError


def points_of(rfm_table: pd.DataFrame) -> np.ndarray:
    """Return what K-Means measures distances between: one row per customer, one column per measure, as in `rfm`.

    That is the logarithm of the measure, and all three are on one scale.
    """
    # TODO 1.8: Segment customers
    raise NotImplementedError


def segment_customers(rfm_table: pd.DataFrame, k: int = 4, seed: int = 0) -> pd.Series:
    """Put each customer into one of `k` segments: 0 spends least, `k - 1` spends most (mean `monetary`).

    Takes the table of `rfm`. Returns whole numbers with the same index, named `segment`. The same `seed` gives the
    same segments.
    """
    # TODO 1.8: Segment customers
    raise NotImplementedError


def choose_k(rfm_table: pd.DataFrame, ks: Iterable[int]) -> pd.DataFrame:
    """Compare numbers of segments: index `k`, columns `inertia` and `silhouette` (-1 to 1, more is better separated).

    `inertia` is the sum of squared distances to the nearest centre, in scaled units: it always falls with `k`. The
    silhouette of more than 3,000 customers may be estimated from 3,000 of them.
    """
    # TODO 1.8: Segment customers
    raise NotImplementedError


def profile_segments(rfm_table: pd.DataFrame, labels: pd.Series) -> pd.DataFrame:
    """Describe each segment in words of the shop: index `segment`, sorted, one row per segment.

    Takes the table of `rfm` and the labels of `segment_customers`.
    Columns: `customers` (how many), `recency_days`, `frequency`, `monetary` (means per customer) and `revenue_share`
    (fraction of all the money, 0 to 1).
    """
    # TODO 1.8: Segment customers
    raise NotImplementedError
