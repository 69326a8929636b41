# exercise: 1.8
# file: customers.py
# caught by: test_labels_are_ordered_by_what_customers_spend
# misconception: ordered by how often they buy
# says: spends more

import numpy as np
import pandas as pd


def segment_customers(rfm_table: pd.DataFrame, k: int = 4, seed: int = 0) -> pd.Series:
    from sklearn.cluster import KMeans

    clusters = KMeans(n_clusters=k, n_init=5, random_state=seed).fit_predict(points_of(rfm_table))
    spent = rfm_table["frequency"].groupby(clusters).mean()
    rank = spent.rank(method="first").astype(int) - 1
    return pd.Series(rank.loc[clusters].to_numpy(), index=rfm_table.index, name="segment")
