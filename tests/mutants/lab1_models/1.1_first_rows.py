# exercise: 1.1
# file: house_price.py
# caught by: test_train_is_before_the_cutoff_and_test_from_it_on
# misconception: the first 80 % of the rows, of a file that is not sorted by date
# says: not sorted by date


def split_by_time(sales, cutoff):
    rows = int(len(sales) * 0.8)
    return sales.iloc[:rows], sales.iloc[rows:]
