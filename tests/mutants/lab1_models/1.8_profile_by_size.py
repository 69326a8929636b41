# exercise: 1.8
# file: customers.py
# caught by: test_the_profile_describes_each_segment
# misconception: the largest segment first is as good an order
# says: sorted

import pandas as pd


def profile_segments(rfm_table: pd.DataFrame, labels: pd.Series) -> pd.DataFrame:
    groups = rfm_table.groupby(labels.rename("segment"))
    profile = groups[["recency_days", "frequency", "monetary"]].mean()
    profile.insert(0, "customers", groups.size())
    profile["revenue_share"] = groups["monetary"].sum() / rfm_table["monetary"].sum()
    return profile.sort_values("customers", ascending=False)
