# exercise: 1.7
# file: customers.py
# caught by: test_frequency_and_monetary_add_up_purchases
# misconception: mean per purchase
# says: mean per purchase

import pandas as pd


def rfm(purchases, as_of):
    as_of = pd.Timestamp(as_of)
    known = purchases[purchases["date"] <= as_of]
    table = known.groupby("customer_id").agg(
        last=("date", "max"), frequency=("date", "size"), monetary=("dollar_value", "mean")
    )
    table["recency_days"] = (as_of - table.pop("last")).dt.days
    return table
