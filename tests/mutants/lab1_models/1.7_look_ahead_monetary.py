# exercise: 1.7
# file: customers.py
# caught by: test_purchases_after_as_of_change_nothing
# misconception: money that is spent later is counted
# says: look-ahead

import pandas as pd


def rfm(purchases, as_of):
    as_of = pd.Timestamp(as_of)
    known = purchases[purchases["date"] <= as_of]
    table = known.groupby("customer_id").agg(
        last=("date", "max"), frequency=("date", "size"), monetary=("dollar_value", "sum")
    )
    table["monetary"] = purchases.groupby("customer_id")["dollar_value"].sum()
    table["recency_days"] = (as_of - table.pop("last")).dt.days
    return table
