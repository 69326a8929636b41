# exercise: 1.8
# file: customers.py
# accepted: one pipeline, scaled to 0 to 1, K-Means in the pipeline; one aggregation for the profile

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler

MEASURES = ["recency_days", "frequency", "monetary"]


SCALE = make_pipeline(FunctionTransformer(np.log1p), MinMaxScaler())


def points_of(rfm_table):
    return SCALE.fit_transform(rfm_table[MEASURES])


def segment_customers(rfm_table, k=4, seed=0):
    steps = make_pipeline(*SCALE, KMeans(n_clusters=k, n_init=5, random_state=seed))
    found = pd.Series(steps.fit_predict(rfm_table[MEASURES]), index=rfm_table.index)
    order = rfm_table.groupby(found)["monetary"].mean().sort_values().index
    return found.map({old: new for new, old in enumerate(order)}).astype("int8").rename("segment")


def choose_k(rfm_table, ks):
    points = points_of(rfm_table)
    rows = []
    for k in ks:
        model = KMeans(n_clusters=k, n_init=3, random_state=0).fit(points)
        rows.append({"k": k, "inertia": model.inertia_, "silhouette": silhouette_score(points, model.labels_)})
    return pd.DataFrame(rows).set_index("k")


def profile_segments(rfm_table, labels):
    table = rfm_table.assign(segment=labels, revenue_share=rfm_table["monetary"] / rfm_table["monetary"].sum())
    kinds = {"recency_days": "mean", "frequency": "mean", "monetary": "mean", "revenue_share": "sum"}
    profile = table.groupby("segment").agg(kinds)
    profile["customers"] = table["segment"].value_counts()
    return profile
