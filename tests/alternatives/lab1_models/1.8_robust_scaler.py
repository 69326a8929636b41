# exercise: 1.8
# file: customers.py
# accepted: a robust scaler and ten starts; a profile in another order of columns, rounded

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_score
from sklearn.preprocessing import RobustScaler

MEASURES = ["recency_days", "frequency", "monetary"]


def points_of(rfm_table):
    return RobustScaler().fit_transform(np.log1p(rfm_table.loc[:, MEASURES].to_numpy(dtype=float)))


def segment_customers(rfm_table, k=4, seed=0):
    model = KMeans(k, n_init=10, random_state=seed).fit(points_of(rfm_table))
    spent = np.array([rfm_table["monetary"][model.labels_ == n].mean() for n in range(k)])
    new = {old: place for place, old in enumerate(np.argsort(spent))}
    return pd.Series([new[label] for label in model.labels_], index=rfm_table.index, name="segment")


def choose_k(rfm_table, ks):
    points = points_of(rfm_table)
    ks = list(ks)
    models = [KMeans(k, n_init=10, random_state=1).fit(points) for k in ks]
    table = pd.DataFrame({"k": ks, "inertia": [m.inertia_ for m in models]})
    table["silhouette"] = [silhouette_score(points, m.labels_) for m in models]
    return table.set_index("k")


def profile_segments(rfm_table, labels):
    groups = rfm_table.groupby(labels)
    share = (groups["monetary"].sum() / rfm_table["monetary"].sum()).round(3)
    means = groups[MEASURES].mean().round(1)
    return means.assign(revenue_share=share, customers=labels.value_counts().sort_index())
