# exercise: 1.1
# file: house_price.py
# caught by: test_a_house_sold_on_both_sides_is_in_test_only
# misconception: a house that was sold twice is learned and asked for
# says: both sides


def split_by_time(sales, cutoff):
    train = sales[sales["date"] < cutoff]
    test = sales[sales["date"] >= cutoff]
    if train.empty or test.empty:
        raise ValueError("empty side")
    return train, test
