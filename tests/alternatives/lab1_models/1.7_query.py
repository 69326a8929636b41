# exercise: 1.7
# file: customers.py
# accepted: a query, no order, days with a fraction

import pandas as pd


def rfm(purchases, as_of):
    day = pd.to_datetime(as_of)
    known = purchases.query("date <= @day").sort_values(["customer_id", "date"])
    groups = known.groupby("customer_id")
    table = groups["dollar_value"].sum().round(2).to_frame("monetary")
    table["frequency"] = groups["date"].count()
    table["recency_days"] = groups["date"].last().rsub(day).dt.total_seconds() / 86_400
    return table.sort_values("monetary", ascending=False)
