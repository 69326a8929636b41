# exercise: 1.1
# file: house_price.py
# caught by: test_no_other_sale_is_lost
# misconception: `<` for train and `>` for test
# says: first day of the test set


def split_by_time(sales, cutoff):
    test = sales[sales["date"] > cutoff]
    train = sales[(sales["date"] < cutoff) & ~sales["id"].isin(test["id"])]
    if train.empty or test.empty:
        raise ValueError("one side is empty")
    return train, test
