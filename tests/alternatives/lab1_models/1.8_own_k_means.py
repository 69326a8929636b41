# exercise: 1.8
# file: customers.py
# accepted: K-Means written with NumPy, scaled with the standard deviation of pandas

import numpy as np
import pandas as pd
from sklearn.metrics import silhouette_score

MEASURES = ["recency_days", "frequency", "monetary"]


def points_of(rfm_table):
    logs = np.log(rfm_table[MEASURES].astype(float) + 1)
    return ((logs - logs.mean()) / logs.std()).to_numpy()


def _k_means(points, k, seed):
    best = None
    for start in range(12):
        rng = np.random.default_rng([seed, start])
        centres = points[rng.choice(len(points), 1)]
        while len(centres) < k:
            near = ((points[:, None] - centres[None]) ** 2).sum(axis=2).min(axis=1)
            centres = np.vstack([centres, points[rng.choice(len(points), p=near / near.sum())]])
        for _ in range(40):
            labels = ((points[:, None] - centres[None]) ** 2).sum(axis=2).argmin(axis=1)
            centres = np.array(
                [points[labels == n].mean(axis=0) if (labels == n).any() else points[0] for n in range(k)]
            )
        inertia = ((points - centres[labels]) ** 2).sum()
        if best is None or inertia < best[0]:
            best = inertia, labels
    return best


def segment_customers(rfm_table, k=4, seed=0):
    _, labels = _k_means(points_of(rfm_table), k, seed)
    means = [rfm_table["monetary"].to_numpy()[labels == n].mean() for n in range(k)]
    rank = np.argsort(np.argsort(means))
    return pd.Series(rank[labels], index=rfm_table.index, name="segment")


def choose_k(rfm_table, ks):
    points = points_of(rfm_table)
    fits = {k: _k_means(points, k, 0) for k in ks}
    return pd.DataFrame(
        {
            "silhouette": {k: silhouette_score(points, labels) for k, (_, labels) in fits.items()},
            "inertia": {k: inertia for k, (inertia, _) in fits.items()},
        }
    ).rename_axis("k")


def profile_segments(rfm_table, labels):
    parts = {n: rfm_table[labels == n] for n in sorted(labels.unique())}
    rows = {n: {"customers": len(part), **part[MEASURES].mean()} for n, part in parts.items()}
    profile = pd.DataFrame.from_dict(rows, orient="index")
    profile["revenue_share"] = profile["customers"] * profile["monetary"] / rfm_table["monetary"].sum()
    return profile.rename_axis("segment")
