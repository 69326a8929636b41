# exercise: 1.7
# file: customers.py
# caught by: test_every_customer_known_by_then_has_one_row
# misconception: sorts the table it was given
# says: it was changed

import numpy as np
import pandas as pd


def rfm(purchases: pd.DataFrame, as_of: str | pd.Timestamp) -> pd.DataFrame:
    as_of = pd.Timestamp(as_of)
    purchases.sort_values("date", inplace=True)
    known = purchases[purchases["date"] <= as_of]
    table = known.groupby("customer_id").agg(
        last_purchase=("date", "max"), frequency=("date", "size"), monetary=("dollar_value", "sum")
    )
    table.insert(0, "recency_days", (as_of - table.pop("last_purchase")).dt.days)
    return table
