# exercise: 1.3
# file: house_price.py
# caught by: test_one_row_per_fold
# misconception: one row: the mean
# says: One row per fold

import pandas as pd
from sklearn.base import clone
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error
from sklearn.model_selection import GroupKFold


def cross_validate_model(model, sales, folds=5):
    rows = []
    for train_rows, test_rows in GroupKFold(folds).split(sales, groups=sales["id"]):
        train, test = sales.iloc[train_rows], sales.iloc[test_rows]
        fitted = clone(model).fit(train, train["price"])
        actual, predicted = test["price"], fitted.predict(test)
        rows.append(
            {
                "rmse": root_mean_squared_error(actual, predicted),
                "mae": mean_absolute_error(actual, predicted),
                "r2": r2_score(actual, predicted),
            }
        )
    return pd.DataFrame(rows).mean().to_frame().T
