# exercise: 1.8
# file: customers.py
# caught by: test_the_profile_describes_each_segment
# misconception: the mean of all customers in each row
# says: mean `recency_days`

import pandas as pd


def profile_segments(rfm_table, labels):
    return pd.DataFrame({k: rfm_table.mean() for k in sorted(labels.unique())}).T
