# exercise: 1.7
# file: customers.py
# caught by: test_every_customer_known_by_then_has_one_row
# misconception: a Timedelta instead of a number
# says: number of days

import pandas as pd


def rfm(purchases, as_of):
    as_of = pd.Timestamp(as_of)
    known = purchases[purchases["date"] <= as_of]
    table = known.groupby("customer_id").agg(
        last=("date", "max"), frequency=("date", "size"), monetary=("dollar_value", "sum")
    )
    table["recency_days"] = as_of - table.pop("last")
    return table
