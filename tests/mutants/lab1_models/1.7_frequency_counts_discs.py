# exercise: 1.7
# file: customers.py
# caught by: test_frequency_and_monetary_add_up_purchases
# misconception: counts discs
# says: count purchases

import pandas as pd


def rfm(purchases, as_of):
    as_of = pd.Timestamp(as_of)
    known = purchases[purchases["date"] <= as_of]
    table = known.groupby("customer_id").agg(
        last=("date", "max"), frequency=("number_of_cds", "sum"), monetary=("dollar_value", "sum")
    )
    table["recency_days"] = (as_of - table.pop("last")).dt.days
    return table
