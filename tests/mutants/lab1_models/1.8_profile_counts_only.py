# exercise: 1.8
# file: customers.py
# caught by: test_the_profile_describes_each_segment
# misconception: only how many
# says: mean `recency_days`

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_score
from sklearn.preprocessing import StandardScaler


def profile_segments(rfm_table, labels):
    return labels.value_counts().sort_index().to_frame("customers")
