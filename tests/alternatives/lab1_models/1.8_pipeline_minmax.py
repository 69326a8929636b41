# exercise: 1.8
# file: customers.py
# accepted: one pipeline, scaled to 0 to 1, ordered by the median; counts in the profile

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler

MEASURES = ["recency_days", "frequency", "monetary"]


def segment_customers(rfm_table, k=4, seed=0):
    steps = make_pipeline(FunctionTransformer(np.log1p), MinMaxScaler(), KMeans(n_clusters=k, random_state=seed))
    found = pd.Series(steps.fit_predict(rfm_table[MEASURES]), index=rfm_table.index)
    order = rfm_table.groupby(found)["monetary"].median().sort_values().index
    return found.map({old: new for new, old in enumerate(order)}).astype("int8")


def choose_k(rfm_table, ks):
    points = MinMaxScaler().fit_transform(np.log1p(rfm_table[MEASURES]))
    rows = []
    for k in ks:
        model = KMeans(n_clusters=k, random_state=0).fit(points)
        rows.append({"k": k, "inertia": model.inertia_, "silhouette": silhouette_score(points, model.labels_)})
    return pd.DataFrame(rows)


def profile_segments(rfm_table, labels):
    table = rfm_table.assign(segment=labels)
    return table.groupby("segment").agg(
        {"recency_days": "mean", "frequency": "mean", "monetary": ["mean", "sum", "count"]}
    )
