# exercise: 1.5
# file: iris.py
# caught by: test_the_dummy_is_right_for_a_third
# misconception: a table that somebody typed
# says: none was trained

import pandas as pd


def compare_classifiers(seed=0):
    names = ["dummy", "logistic regression", "random forest"]
    return pd.DataFrame({"accuracy_mean": [0.333, 0.953, 0.947], "accuracy_std": [0.0, 0.042, 0.04]}, index=names)
