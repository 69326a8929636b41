# exercise: 1.8
# file: customers.py
# caught by: test_money_does_not_decide_alone
# misconception: segments by what customers spend and when, not by how often
# says: frequency

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.preprocessing import StandardScaler


def segment_customers(rfm_table, k=4, seed=0):
    points = StandardScaler().fit_transform(np.log1p(rfm_table[["recency_days", "monetary"]]))
    labels = pd.Series(KMeans(k, n_init=10, random_state=seed).fit_predict(points), index=rfm_table.index)
    order = rfm_table["monetary"].groupby(labels).mean().rank().astype(int) - 1
    return labels.map(order)
