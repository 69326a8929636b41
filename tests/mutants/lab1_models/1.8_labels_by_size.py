# exercise: 1.8
# file: customers.py
# caught by: test_labels_are_ordered_by_what_customers_spend
# misconception: the largest segment is 0
# says: order

import pandas as pd
from sklearn.cluster import KMeans


def segment_customers(rfm_table, k=4, seed=0):
    clusters = KMeans(k, n_init=5, random_state=seed).fit_predict(points_of(rfm_table))
    rank = pd.Series(clusters).value_counts().rank(method="first", ascending=False).astype(int) - 1
    return pd.Series(rank.loc[clusters].to_numpy(), index=rfm_table.index)
