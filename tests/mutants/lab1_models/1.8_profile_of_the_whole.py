# exercise: 1.8
# file: customers.py
# caught by: test_the_profile_describes_each_segment
# misconception: the mean of all customers in each row
# says: mean `recency_days`

import pandas as pd


def profile_segments(rfm_table, labels):
    sizes = labels.value_counts().sort_index()
    means = pd.DataFrame({k: rfm_table.mean() for k in sizes.index}).T
    means.insert(0, "customers", sizes)
    return means.assign(revenue_share=sizes / len(labels)).rename_axis("segment")
