# exercise: 1.7
# file: customers.py
# accepted: a loop and dictionaries, in the order of their first row

import pandas as pd


def rfm(purchases, as_of):
    as_of = pd.Timestamp(as_of)
    found = {}
    for row in purchases.itertuples(index=False):
        if row.date > as_of:
            continue
        one = found.setdefault(row.customer_id, {"last": row.date, "frequency": 0, "monetary": 0.0})
        one["last"] = max(one["last"], row.date)
        one["frequency"] += 1
        one["monetary"] += row.dollar_value
    rows = [{"customer_id": name, "recency_days": (as_of - one.pop("last")).days, **one} for name, one in found.items()]
    return pd.DataFrame(rows).set_index("customer_id")
