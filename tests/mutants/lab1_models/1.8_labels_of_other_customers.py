# exercise: 1.8
# file: customers.py
# caught by: test_labels_are_ordered_by_what_customers_spend
# misconception: sorted on the way: the labels belong to other customers
# says: order

import pandas as pd
from sklearn.cluster import KMeans


def segment_customers(rfm_table, k=4, seed=0):
    ordered = rfm_table.sort_values("monetary")
    clusters = KMeans(k, n_init=5, random_state=seed).fit_predict(points_of(ordered))
    rank = ordered["monetary"].groupby(clusters).mean().rank(method="first").astype(int) - 1
    return pd.Series(rank.loc[clusters].to_numpy(), index=rfm_table.index)
