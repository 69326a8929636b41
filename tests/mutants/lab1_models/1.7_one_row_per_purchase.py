# exercise: 1.7
# file: customers.py
# caught by: test_every_customer_known_by_then_has_one_row
# misconception: not grouped
# says: one row per customer

import pandas as pd


def rfm(purchases, as_of):
    as_of = pd.Timestamp(as_of)
    known = purchases[purchases["date"] <= as_of]
    table = known.set_index("customer_id")
    return pd.DataFrame(
        {"recency_days": (as_of - table["date"]).dt.days, "frequency": 1, "monetary": table["dollar_value"]}
    )
