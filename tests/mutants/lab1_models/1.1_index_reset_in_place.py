# exercise: 1.1
# file: house_price.py
# caught by: test_rows_keep_their_order_and_sales_is_not_changed
# misconception: resets the index of the table that was passed in
# says: index has changed

import pandas as pd


def split_by_time(sales, cutoff):
    cutoff = pd.Timestamp(cutoff)
    sales.reset_index(drop=True, inplace=True)
    test = sales[sales["date"] >= cutoff]
    train = sales[(sales["date"] < cutoff) & ~sales["id"].isin(test["id"])]
    if train.empty or test.empty:
        raise ValueError("empty side")
    return train, test
