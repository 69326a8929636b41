# exercise: 1.1
# file: house_price.py
# caught by: test_train_is_before_the_cutoff_and_test_from_it_on
# misconception: `&` before `<`
# says: brackets around each comparison


def split_by_time(sales, cutoff):
    test = sales[sales["date"] >= cutoff]
    train = sales[sales["date"] < cutoff & ~sales["id"].isin(test["id"])]
    if train.empty or test.empty:
        raise ValueError("one side is empty")
    return train, test
