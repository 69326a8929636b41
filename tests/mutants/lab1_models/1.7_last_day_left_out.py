# exercise: 1.7
# file: customers.py
# caught by: test_every_purchase_counts
# misconception: a purchase on the day itself is taken for the future
# says: compare with `<=`

import pandas as pd


def rfm(purchases, as_of):
    as_of = pd.Timestamp(as_of)
    known = purchases[purchases["date"] < as_of]
    table = known.groupby("customer_id").agg(
        last=("date", "max"), frequency=("date", "size"), monetary=("dollar_value", "sum")
    )
    table.insert(0, "recency_days", (as_of - table.pop("last")).dt.days)
    return table
