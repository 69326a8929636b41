# exercise: 1.3
# file: house_price.py
# caught by: test_a_house_is_never_in_two_folds
# misconception: a random fold for each sale, so that a house is learned and asked for
# says: never in two folds

import pandas as pd
from sklearn.base import clone
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error
from sklearn.model_selection import KFold


def cross_validate_model(model, sales, folds=5):
    rows = []
    for train_rows, test_rows in KFold(folds, shuffle=True, random_state=0).split(sales):
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
    return pd.DataFrame(rows)
