# exercise: 1.1
# file: house_price.py
# caught by: test_a_house_sold_on_both_sides_is_in_test_only
# misconception: the later sale gives way, not the earlier one
# says: not the later one


def split_by_time(sales, cutoff):
    train = sales[sales["date"] < cutoff]
    test = sales[(sales["date"] >= cutoff) & ~sales["id"].isin(train["id"])]
    if train.empty or test.empty:
        raise ValueError("empty side")
    return train, test
