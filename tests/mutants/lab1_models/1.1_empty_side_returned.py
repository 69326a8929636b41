# exercise: 1.1
# file: house_price.py
# caught by: test_an_empty_side_raises_value_error
# misconception: an empty side is returned without a word
# says: ValueError


def split_by_time(sales, cutoff):
    test = sales[sales["date"] >= cutoff]
    return sales[(sales["date"] < cutoff) & ~sales["id"].isin(test["id"])], test
