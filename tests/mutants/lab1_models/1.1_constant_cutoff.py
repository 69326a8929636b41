# exercise: 1.1
# file: house_price.py
# caught by: test_train_is_before_the_cutoff_and_test_from_it_on
# misconception: cuts at the course's own day, whatever `cutoff` says
# says: argument `cutoff`

import pandas as pd


def split_by_time(sales, cutoff):
    day = pd.Timestamp("2015-01-01")
    test = sales[sales["date"] >= day]
    train = sales[(sales["date"] < day) & ~sales["id"].isin(test["id"])]
    if train.empty or test.empty:
        raise ValueError("empty side")
    return train, test
