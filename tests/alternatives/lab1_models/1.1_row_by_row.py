# exercise: 1.1
# file: house_price.py
# accepted: a loop over the rows, with a new index for each side

import pandas as pd


def split_by_time(sales, cutoff):
    cutoff = pd.Timestamp(cutoff)
    test_houses = {row.id for row in sales.itertuples() if row.date >= cutoff}
    train, test = [], []
    for place, row in enumerate(sales.itertuples()):
        if row.date >= cutoff:
            test.append(place)
        elif row.id not in test_houses:
            train.append(place)
    if not train or not test:
        raise ValueError("one side is empty")
    return sales.iloc[train].reset_index(drop=True), sales.iloc[test].reset_index(drop=True)
