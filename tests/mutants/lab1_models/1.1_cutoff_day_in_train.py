# exercise: 1.1
# file: house_price.py
# caught by: test_train_is_before_the_cutoff_and_test_from_it_on
# misconception: sales of the cutoff day are in train
# says: cutoff day

import pandas as pd


def split_by_time(sales, cutoff):
    is_train = sales["date"] <= pd.Timestamp(cutoff)
    test = sales[~is_train]
    train = sales[is_train & ~sales["id"].isin(test["id"])]
    if train.empty or test.empty:
        raise ValueError("empty side")
    return train, test
