# exercise: 1.8
# file: customers.py
# caught by: test_choose_k_shows_how_many_kinds_there_are
# misconception: inertia is a mean distance
# says: Inertia is a sum

import pandas as pd


def choose_k(rfm_table, ks):
    from sklearn.cluster import KMeans
    from sklearn.metrics import silhouette_score

    points, rows = points_of(rfm_table), {}
    for k in ks:
        fitted = KMeans(n_clusters=k, n_init=5, random_state=0).fit(points)
        silhouette = silhouette_score(points, fitted.labels_)
        rows[k] = {"inertia": fitted.inertia_ / len(points), "silhouette": silhouette}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("k")
