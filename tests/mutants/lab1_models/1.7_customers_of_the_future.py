# exercise: 1.7
# file: customers.py
# caught by: test_every_customer_known_by_then_has_one_row
# misconception: customers that have not bought yet get a row of zeros
# says: first purchase is later

import pandas as pd


def rfm(purchases, as_of):
    as_of = pd.Timestamp(as_of)
    known = purchases[purchases["date"] <= as_of]
    table = known.groupby("customer_id").agg(
        last=("date", "max"), frequency=("date", "size"), monetary=("dollar_value", "sum")
    )
    table["recency_days"] = (as_of - table.pop("last")).dt.days
    return table.reindex(purchases["customer_id"].unique(), fill_value=0)
