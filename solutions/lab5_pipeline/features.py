"""Features from the sales before: what buyers paid around here lately. One definition, for training and for serving.

Prices are in US dollars, areas in square feet.
"""

from __future__ import annotations

import pandas as pd

DAYS = 90
"""How far a feature looks back."""

FEATURES = ("zip_price_sqft", "zip_sales")
"""The columns that this module makes."""


def zipcode_features(sales: pd.DataFrame, as_of: str | pd.Timestamp) -> pd.DataFrame:
    """Describe each zipcode as it was known when the day `as_of` began, from its sales on the `DAYS` days before.

    Index `zipcode`, sorted; `zip_price_sqft` is the median price per square foot of `sqft_living`, `zip_sales` how many
    sales there were. Sales on the day itself and later are not seen, whatever hour `as_of` has. A zipcode without sales
    on those days has no row. `sales` is not changed.
    """
    # solution 5.3
    # The window first: nothing below can look ahead.
    day = pd.Timestamp(as_of).normalize()
    known = sales[(sales["date"] < day) & (sales["date"] >= day - pd.Timedelta(days=DAYS))]
    per_sqft = (known["price"] / known["sqft_living"]).groupby(known["zipcode"])
    return pd.DataFrame({"zip_price_sqft": per_sqft.median(), "zip_sales": per_sqft.size()})
    # end solution


def training_frame(sales: pd.DataFrame) -> pd.DataFrame:
    """Give each sale what was known about its zipcode when the day of its sale began, as `zipcode_features` tells it.

    Returns `sales`, with its index and its order, and beside its columns those of `FEATURES`.
    Where there were no sales before, `zip_price_sqft` is NaN and `zip_sales` is 0. `sales` is not changed.
    """
    # solution 5.3
    # The very function that serves is asked for each day: two definitions would drift apart.
    rows = sales.reset_index(drop=True)
    parts = [zipcode_features(rows.head(0), "2015-01-01")]  # of no sales, too, the table has its columns
    for _, houses in rows.groupby("date"):
        day = houses["date"].iloc[0]
        parts.append(zipcode_features(rows, day).reindex(houses["zipcode"]).set_axis(houses.index))
    known = pd.concat(parts).sort_index().set_axis(sales.index)
    number = known["zip_sales"].fillna(0).astype("int64")
    return sales.assign(zip_price_sqft=known["zip_price_sqft"], zip_sales=number)
    # end solution
