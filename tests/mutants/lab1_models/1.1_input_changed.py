# exercise: 1.1
# file: house_price.py
# caught by: test_rows_keep_their_order_and_sales_is_not_changed
# misconception: the caller's table gets a new column
# says: same after the call


def split_by_time(sales, cutoff):
    sales["is_test"] = sales["date"] >= cutoff
    test = sales[sales["is_test"]]
    train = sales[~sales["is_test"] & ~sales["id"].isin(test["id"])]
    if train.empty or test.empty:
        raise ValueError("empty side")
    return train.drop(columns="is_test"), test.drop(columns="is_test")
