# exercise: 1.8
# file: customers.py
# caught by: test_money_does_not_decide_alone
# misconception: clusters of one column
# says: without scaling

import numpy as np


def points_of(rfm_table):
    measures = rfm_table[["recency_days", "frequency", "monetary"]]
    return np.log1p(measures[["monetary"]]).to_numpy()
