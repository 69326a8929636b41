# exercise: 1.8
# file: customers.py
# caught by: test_labels_are_ordered_by_what_customers_spend
# misconception: a segment that spends most in all is the best one
# says: by mean monetary value

import pandas as pd


def segment_customers(rfm_table: pd.DataFrame, k: int = 4, seed: int = 0) -> pd.Series:
    from sklearn.cluster import KMeans

    clusters = KMeans(n_clusters=k, n_init=5, random_state=seed).fit_predict(points_of(rfm_table))
    spent = rfm_table["monetary"].groupby(clusters).sum()
    rank = spent.rank(method="first").astype(int) - 1
    return pd.Series(rank.loc[clusters].to_numpy(), index=rfm_table.index, name="segment")
