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
    # TODO 5.3: Look back, never ahead
    raise NotImplementedError


def training_frame(sales: pd.DataFrame) -> pd.DataFrame:
    """Give each sale what was known about its zipcode when the day of its sale began, as `zipcode_features` tells it.

    Returns `sales`, with its index and its order, and beside its columns those of `FEATURES`.
    Where there were no sales before, `zip_price_sqft` is NaN and `zip_sales` is 0. `sales` is not changed.
    """
    # TODO 5.3: Look back, never ahead
    raise NotImplementedError
