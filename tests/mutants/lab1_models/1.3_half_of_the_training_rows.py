# exercise: 1.3
# file: house_price.py
# caught by: test_each_fold_trains_on_all_other_rows
# misconception: trains on every second row outside the fold
# says: outside its fold

import pandas as pd
from sklearn.base import clone
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error
from sklearn.model_selection import GroupKFold


def evaluate(model, sales):
    actual, predicted = sales["price"], model.predict(sales)
    return {
        "rmse": root_mean_squared_error(actual, predicted),
        "mae": mean_absolute_error(actual, predicted),
        "r2": r2_score(actual, predicted),
    }


def cross_validate_model(model, sales, folds=5):
    rows = []
    for train_rows, test_rows in GroupKFold(folds).split(sales, groups=sales["id"]):
        train_rows = train_rows[::2]
        train, test = sales.iloc[train_rows], sales.iloc[test_rows]
        fitted = clone(model).fit(train, train["price"])
        rows.append(evaluate(fitted, test))
    return pd.DataFrame(rows)
