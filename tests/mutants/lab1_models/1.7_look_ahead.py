# exercise: 1.7
# file: customers.py
# caught by: test_purchases_after_as_of_change_nothing
# misconception: purchases after as_of are counted
# says: look-ahead

import pandas as pd


def rfm(purchases, as_of):
    as_of = pd.Timestamp(as_of)
    known = purchases
    table = known.groupby("customer_id").agg(
        last=("date", "max"), frequency=("date", "size"), monetary=("dollar_value", "sum")
    )
    table["recency_days"] = (as_of - table.pop("last")).dt.days
    return table
