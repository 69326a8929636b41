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
    # solution 1.7
    # Forget the future first: nothing below can look ahead.
    as_of = pd.Timestamp(as_of)
    known = purchases[purchases["date"] <= as_of]
    # One row per customer.
    table = known.groupby("customer_id").agg(
        last_purchase=("date", "max"), frequency=("date", "size"), monetary=("dollar_value", "sum")
    )
    table.insert(0, "recency_days", (as_of - table.pop("last_purchase")).dt.days)
    return table
    # end solution


def points_of(rfm_table: pd.DataFrame) -> np.ndarray:
    """Return what K-Means measures distances between: one row per customer, one column per measure, as in `rfm`.

    That is the logarithm of the measure, and all three are on one scale.
    """
    # solution 1.8
    from sklearn.preprocessing import StandardScaler

    # The logarithm first (money has a long tail), then one scale: else dollars alone decide who is near to whom.
    measures = rfm_table[["recency_days", "frequency", "monetary"]]
    return np.asarray(StandardScaler().fit_transform(np.log1p(measures)))
    # end solution


def segment_customers(rfm_table: pd.DataFrame, k: int = 4, seed: int = 0) -> pd.Series:
    """Put each customer into one of `k` segments: 0 spends least, `k - 1` spends most (mean `monetary`).

    Takes the table of `rfm`. Returns whole numbers with the same index, named `segment`. The same `seed` gives the
    same segments.
    """
    # solution 1.8
    from sklearn.cluster import KMeans

    # Several starts, because K-Means ends in the nearest valley, not in the deepest.
    clusters = KMeans(n_clusters=k, n_init=5, random_state=seed).fit_predict(points_of(rfm_table))
    # K-Means numbers its clusters by chance: number them by what they spend.
    spent = rfm_table["monetary"].groupby(clusters).mean()
    rank = spent.rank(method="first").astype(int) - 1
    return pd.Series(rank.loc[clusters].to_numpy(), index=rfm_table.index, name="segment")
    # end solution


def choose_k(rfm_table: pd.DataFrame, ks: Iterable[int]) -> pd.DataFrame:
    """Compare numbers of segments: index `k`, columns `inertia` and `silhouette` (-1 to 1, more is better separated).

    `inertia` is the sum of squared distances to the nearest centre, in scaled units: it always falls with `k`. The
    silhouette of more than 3,000 customers may be estimated from 3,000 of them.
    """
    # solution 1.8
    from sklearn.cluster import KMeans
    from sklearn.metrics import silhouette_score

    points = points_of(rfm_table)
    rows = {}
    for k in ks:
        fitted = KMeans(n_clusters=k, n_init=5, random_state=0).fit(points)
        # A silhouette compares all pairs: a sample keeps 23,570 customers within reach.
        sample = min(len(points), 3_000)
        silhouette = silhouette_score(points, fitted.labels_, sample_size=sample, random_state=0)
        rows[k] = {"inertia": float(fitted.inertia_), "silhouette": float(silhouette)}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("k")
    # end solution


def profile_segments(rfm_table: pd.DataFrame, labels: pd.Series) -> pd.DataFrame:
    """Describe each segment in words of the shop: index `segment`, sorted, one row per segment.

    Takes the table of `rfm` and the labels of `segment_customers`.
    Columns: `customers` (how many), `recency_days`, `frequency`, `monetary` (means per customer) and `revenue_share`
    (fraction of all the money, 0 to 1).
    """
    # solution 1.8
    groups = rfm_table.groupby(labels.rename("segment"))
    profile = groups[["recency_days", "frequency", "monetary"]].mean()
    profile.insert(0, "customers", groups.size())
    profile["revenue_share"] = groups["monetary"].sum() / rfm_table["monetary"].sum()
    return profile
    # end solution
