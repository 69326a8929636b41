# exercise: 1.8
# file: customers.py
# caught by: test_choose_k_shows_how_many_kinds_there_are
# misconception: an iterable can be read as often as one likes
# says: index `k`

import pandas as pd


def choose_k(rfm_table, ks):
    from sklearn.cluster import KMeans
    from sklearn.metrics import silhouette_score

    points = points_of(rfm_table)
    fits = [KMeans(n_clusters=k, n_init=5, random_state=0).fit(points) for k in ks]
    rows = {"inertia": [fit.inertia_ for fit in fits], "silhouette": [silhouette_score(points, f.labels_) for f in fits]}
    return pd.DataFrame(rows, index=pd.Index(list(ks) or range(len(fits)), name="k"))
