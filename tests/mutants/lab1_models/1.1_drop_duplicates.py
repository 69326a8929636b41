# exercise: 1.1
# file: house_price.py
# caught by: test_no_other_sale_is_lost
# misconception: every house keeps one sale only
# says: twice on the same side


def split_by_time(sales, cutoff):
    sales = sales.drop_duplicates("id", keep="last") if len(sales) else sales
    test = sales[sales["date"] >= cutoff]
    train = sales[(sales["date"] < cutoff) & ~sales["id"].isin(test["id"])]
    if train.empty or test.empty:
        raise ValueError("empty side")
    return train, test
