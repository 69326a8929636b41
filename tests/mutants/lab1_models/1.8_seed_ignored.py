# exercise: 1.8
# file: customers.py
# caught by: test_labels_are_ordered_by_what_customers_spend
# misconception: one start, drawn anew each time
# says: same `seed`

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans


def segment_customers(rfm_table, k=4, seed=0):
    start = np.random.randint(1_000_000)
    clusters = KMeans(k, n_init=1, max_iter=2, init="random", random_state=start).fit_predict(points_of(rfm_table))
    rank = rfm_table["monetary"].groupby(clusters).mean().rank(method="first").astype(int) - 1
    return pd.Series(rank.loc[clusters].to_numpy(), index=rfm_table.index)
