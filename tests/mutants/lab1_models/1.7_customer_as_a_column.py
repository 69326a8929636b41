# exercise: 1.7
# file: customers.py
# caught by: test_every_customer_known_by_then_has_one_row
# misconception: a column is as good as an index
# says: index `customer_id`

import pandas as pd


def rfm(purchases: pd.DataFrame, as_of: str | pd.Timestamp) -> pd.DataFrame:
    as_of = pd.Timestamp(as_of)
    groups = purchases[purchases["date"] <= as_of].groupby("customer_id")
    table = groups.agg(frequency=("date", "size"), monetary=("dollar_value", "sum"))
    table.insert(0, "recency_days", (as_of - groups["date"].max()).dt.days)
    return table.reset_index()
