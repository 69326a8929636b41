# exercise: 1.8
# file: customers.py
# caught by: test_money_does_not_decide_alone
# misconception: raw dollars decide alone
# says: without scaling


def points_of(rfm_table):
    measures = rfm_table[["recency_days", "frequency", "monetary"]]
    return measures.to_numpy(dtype=float)
