# exercise: 1.7
# file: customers.py
# caught by: test_recency_counts_from_the_last_purchase_to_as_of
# misconception: counts to the last day of the file
# says: last day of the file

import pandas as pd


def rfm(purchases, as_of):
    as_of = pd.Timestamp(as_of)
    known = purchases[purchases["date"] <= as_of]
    table = known.groupby("customer_id").agg(
        last=("date", "max"), frequency=("date", "size"), monetary=("dollar_value", "sum")
    )
    table["recency_days"] = (purchases["date"].max() - table.pop("last")).dt.days
    return table
