# exercise: 1.1
# file: house_price.py
# caught by: test_train_is_before_the_cutoff_and_test_from_it_on
# misconception: the split is random, not by time
# says: random split

from sklearn.model_selection import train_test_split


def split_by_time(sales, cutoff):
    train, test = train_test_split(sales, test_size=0.25, random_state=0)
    return train.sort_index(), test.sort_index()
