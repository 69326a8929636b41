# exercise: 1.8
# file: customers.py
# caught by: test_money_does_not_decide_alone
# misconception: the logarithm, but no scaling
# says: without scaling

import numpy as np


def points_of(rfm_table):
    measures = rfm_table[["recency_days", "frequency", "monetary"]]
    return np.log1p(measures).to_numpy()
