# exercise: 1.3
# file: house_price.py
# caught by: test_metrics_are_in_dollars_on_unseen_rows
# misconception: each fold is judged on the rows it was trained on
# says: training data

import pandas as pd
from sklearn.base import clone
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error
from sklearn.model_selection import GroupKFold


def cross_validate_model(model, sales, folds=5):
    rows = []
    for train_rows, test_rows in GroupKFold(folds).split(sales, groups=sales["id"]):
        train, test = sales.iloc[train_rows], sales.iloc[test_rows]
        fitted = clone(model).fit(train, train["price"])
        actual, predicted = train["price"], fitted.predict(train)
        rows.append(
            {
                "rmse": root_mean_squared_error(actual, predicted),
                "mae": mean_absolute_error(actual, predicted),
                "r2": r2_score(actual, predicted),
            }
        )
    return pd.DataFrame(rows)
