# exercise: 1.1
# file: house_price.py
# caught by: test_an_empty_side_raises_value_error
# misconception: looks at the sides before the resold houses are taken out
# says: sold again


def split_by_time(sales, cutoff):
    train, test = sales[sales["date"] < cutoff], sales[sales["date"] >= cutoff]
    if train.empty or test.empty:
        raise ValueError("empty side")
    return train[~train["id"].isin(test["id"])], test
