# exercise: 1.8
# file: customers.py
# caught by: test_the_profile_describes_each_segment
# misconception: segments cut by position, not by label
# says: `recency_days`

import numpy as np
import pandas as pd


def profile_segments(rfm_table, labels):
    rows = np.array_split(np.arange(len(rfm_table)), labels.nunique())
    parts = [rfm_table.iloc[part] for part in rows]
    profile = pd.DataFrame([part.mean() for part in parts]).rename_axis("segment")
    profile.insert(0, "customers", labels.value_counts().sort_index())
    return profile.assign(revenue_share=[part["monetary"].sum() / rfm_table["monetary"].sum() for part in parts])
