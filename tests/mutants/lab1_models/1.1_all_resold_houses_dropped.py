# exercise: 1.1
# file: house_price.py
# caught by: test_no_other_sale_is_lost
# misconception: every house that was sold twice is dropped from train
# says: same side


def split_by_time(sales, cutoff):
    test = sales[sales["date"] >= cutoff]
    train = sales[(sales["date"] < cutoff) & ~sales["id"].duplicated(keep=False)]
    if train.empty or test.empty:
        raise ValueError("empty side")
    return train, test
