# exercise: 1.1
# file: house_price.py
# caught by: test_rows_keep_their_order_and_sales_is_not_changed
# misconception: the rows come back in another order
# says: order


def split_by_time(sales, cutoff):
    ordered = sales.sort_values("date")
    test = ordered[ordered["date"] >= cutoff]
    train = ordered[(ordered["date"] < cutoff) & ~ordered["id"].isin(test["id"])]
    if train.empty or test.empty:
        raise ValueError("empty side")
    return train, test
