# exercise: 1.8
# file: customers.py
# accepted: a robust scaler and ten starts; a profile with segments as columns, rounded

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_score
from sklearn.preprocessing import RobustScaler

MEASURES = ["recency_days", "frequency", "monetary"]


def _points(rfm_table):
    return RobustScaler().fit_transform(np.log1p(rfm_table.loc[:, MEASURES].to_numpy(dtype=float)))


def segment_customers(rfm_table, k=4, seed=0):
    model = KMeans(k, n_init=10, random_state=seed).fit(_points(rfm_table))
    spent = np.array([rfm_table["monetary"][model.labels_ == n].mean() for n in range(k)])
    new = {old: place for place, old in enumerate(np.argsort(spent))}
    return pd.Series([float(new[label]) for label in model.labels_], index=rfm_table.index)


def choose_k(rfm_table, ks):
    points = _points(rfm_table)
    models = [KMeans(k, n_init=10, random_state=1).fit(points) for k in ks]
    table = pd.DataFrame({"n_clusters": ks, "inertia": [m.inertia_ for m in models]})
    table["silhouette"] = [silhouette_score(points, m.labels_) for m in models]
    return table.set_index("n_clusters")


def profile_segments(rfm_table, labels):
    return rfm_table.groupby(labels)[MEASURES].mean().round(1).T
