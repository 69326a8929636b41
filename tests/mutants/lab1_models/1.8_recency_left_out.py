# exercise: 1.8
# file: customers.py
# caught by: test_money_does_not_decide_alone
# misconception: recency is left out
# says: recency_days

import numpy as np
import pandas as pd


def segment_customers(rfm_table: pd.DataFrame, k: int = 4, seed: int = 0) -> pd.Series:
    from sklearn.cluster import KMeans

    clusters = KMeans(n_clusters=k, n_init=5, random_state=seed).fit_predict(points_of(rfm_table)[:, 1:])
    spent = rfm_table["monetary"].groupby(clusters).mean()
    rank = spent.rank(method="first").astype(int) - 1
    return pd.Series(rank.loc[clusters].to_numpy(), index=rfm_table.index, name="segment")
