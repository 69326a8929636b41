# exercise: 1.8
# file: customers.py
# caught by: test_a_few_large_customers_do_not_bend_the_segments
# misconception: scaled to 0 to 1, but without the logarithm
# says: without the logarithm


def points_of(rfm_table):
    measures = rfm_table[["recency_days", "frequency", "monetary"]]
    return ((measures - measures.min()) / (measures.max() - measures.min())).to_numpy()
