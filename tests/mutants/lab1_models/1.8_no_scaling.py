# exercise: 1.8
# file: customers.py
# caught by: test_money_does_not_decide_alone
# misconception: raw dollars decide alone
# says: without scaling

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_score
from sklearn.preprocessing import StandardScaler


def points_of(rfm_table):
    measures = rfm_table[["recency_days", "frequency", "monetary"]]
    return measures.to_numpy(dtype=float)
