# exercise: 1.1
# file: house_price.py
# caught by: test_train_is_before_the_cutoff_and_test_from_it_on
# misconception: each row is thrown to one side by chance, house by house
# says: random split

import numpy as np
import pandas as pd


def split_by_time(sales, cutoff):
    cutoff = pd.Timestamp(cutoff)
    if cutoff <= sales["date"].min() or cutoff > sales["date"].max():
        raise ValueError("empty side")
    houses = sales["id"].unique()
    chosen = houses[np.random.default_rng(0).random(len(houses)) < 0.3]
    is_test = sales["id"].isin(chosen)
    return sales[~is_test], sales[is_test]
