# exercise: 1.8
# file: customers.py
# caught by: test_labels_are_ordered_by_what_customers_spend
# misconception: takes the order of the clusters (argsort) for their rank
# says: number them anew

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.preprocessing import StandardScaler


def segment_customers(rfm_table, k=4, seed=0):
    points = StandardScaler().fit_transform(np.log1p(rfm_table[["recency_days", "frequency", "monetary"]]))
    clusters = KMeans(k, n_init=10, random_state=seed).fit_predict(points)
    spent = rfm_table["monetary"].groupby(clusters).mean()
    order = np.argsort(spent.to_numpy())
    return pd.Series(order[clusters], index=rfm_table.index)
