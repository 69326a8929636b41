# exercise: 1.8
# file: customers.py
# caught by: test_the_profile_describes_each_segment
# misconception: only how many
# says: not so for `recency_days`


def profile_segments(rfm_table, labels):
    return labels.value_counts().sort_index().to_frame("customers")
