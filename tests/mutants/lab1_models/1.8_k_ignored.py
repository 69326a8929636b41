# exercise: 1.8
# file: customers.py
# caught by: test_labels_are_ordered_by_what_customers_spend
# misconception: always four segments
# says: gives the labels

import pandas as pd
from sklearn.cluster import KMeans


def segment_customers(rfm_table, k=4, seed=0):
    clusters = KMeans(4, n_init=5, random_state=seed).fit_predict(points_of(rfm_table))
    rank = rfm_table["monetary"].groupby(clusters).mean().rank().astype(int) - 1
    return pd.Series(rank.loc[clusters].to_numpy(), index=rfm_table.index)
