# exercise: 1.1
# file: house_price.py
# caught by: test_an_empty_side_raises_value_error, test_train_is_before_the_cutoff_and_test_from_it_on
# misconception: `and` on columns raises a ValueError, which is not the one that was asked for
# says: do not work on columns


def split_by_time(sales, cutoff):
    test = sales[sales["date"] >= cutoff]
    train = sales[(sales["date"] < cutoff) and not sales["id"].isin(test["id"])]
    if train.empty or test.empty:
        raise ValueError("one side is empty")
    return train, test
