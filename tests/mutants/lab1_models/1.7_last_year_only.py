# exercise: 1.7
# file: customers.py
# caught by: test_every_purchase_counts
# misconception: what is long ago does not count
# says: missing

import numpy as np
import pandas as pd


def rfm(purchases: pd.DataFrame, as_of: str | pd.Timestamp) -> pd.DataFrame:
    as_of = pd.Timestamp(as_of)
    known = purchases[purchases["date"] <= as_of]
    known = known[known["date"] > as_of - pd.Timedelta(days=365)]
    table = known.groupby("customer_id").agg(
        last_purchase=("date", "max"), frequency=("date", "size"), monetary=("dollar_value", "sum")
    )
    table.insert(0, "recency_days", (as_of - table.pop("last_purchase")).dt.days)
    return table
