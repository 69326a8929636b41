# exercise: 1.8
# file: customers.py
# caught by: test_distances_are_measured_between_scaled_logarithms
# misconception: the scaled points are for the silhouette, K-Means takes dollars
# says: what `points_of` returns

import pandas as pd


def segment_customers(rfm_table: pd.DataFrame, k: int = 4, seed: int = 0) -> pd.Series:
    from sklearn.cluster import KMeans

    clusters = KMeans(n_clusters=k, n_init=5, random_state=seed).fit_predict(rfm_table)
    spent = rfm_table["monetary"].groupby(clusters).mean()
    rank = spent.rank(method="first").astype(int) - 1
    return pd.Series(rank.loc[clusters].to_numpy(), index=rfm_table.index, name="segment")
