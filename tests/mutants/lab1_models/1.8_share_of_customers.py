# exercise: 1.8
# file: customers.py
# caught by: test_the_profile_describes_each_segment
# misconception: share of customers called share of revenue
# says: revenue_share

import numpy as np
import pandas as pd


def profile_segments(rfm_table: pd.DataFrame, labels: pd.Series) -> pd.DataFrame:
    groups = rfm_table.groupby(labels.rename("segment"))
    profile = groups[["recency_days", "frequency", "monetary"]].mean()
    profile.insert(0, "customers", groups.size())
    profile["revenue_share"] = groups.size() / len(rfm_table)
    return profile
