# exercise: 1.8
# file: customers.py
# caught by: test_choose_k_shows_how_many_kinds_there_are
# misconception: the inertia does not depend on k
# says: falls with k

import pandas as pd
from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_score


def choose_k(rfm_table, ks):
    rows = {}
    measures = rfm_table[["recency_days", "frequency", "monetary"]]
    for k in ks:
        points = points_of(rfm_table)
        fitted = KMeans(k, n_init=5, random_state=0).fit(points)
        rows[k] = {
            "inertia": float(KMeans(3, n_init=2, random_state=0).fit(points).inertia_),
            "silhouette": silhouette_score(points, fitted.labels_),
        }
    return pd.DataFrame(rows).T.rename_axis("k")
