# exercise: 1.8
# file: customers.py
# caught by: test_the_profile_describes_each_segment
# misconception: segments cut by position, not by label
# says: of each segment

import numpy as np
import pandas as pd


def profile_segments(rfm_table, labels):
    return pd.DataFrame([part.mean() for part in np.array_split(rfm_table, labels.nunique())])
