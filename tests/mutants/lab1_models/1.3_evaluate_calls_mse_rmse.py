# exercise: 1.3
# file: house_price.py
# caught by: test_evaluate_measures_a_trained_model
# misconception: `evaluate` gives the mean squared error as `rmse`; the cross-validation has its own
# says: MSE

import pandas as pd
from sklearn.base import clone
from sklearn.metrics import mean_absolute_error, mean_squared_error, r2_score, root_mean_squared_error
from sklearn.model_selection import GroupKFold


def evaluate(model, sales):
    actual, predicted = sales["price"], model.predict(sales)
    return {
        "rmse": mean_squared_error(actual, predicted),
        "mae": mean_absolute_error(actual, predicted),
        "r2": r2_score(actual, predicted),
    }


def cross_validate_model(model, sales, folds=5):
    rows = []
    for train_rows, test_rows in GroupKFold(folds).split(sales, groups=sales["id"]):
        train, test = sales.iloc[train_rows], sales.iloc[test_rows]
        fitted = clone(model).fit(train, train["price"])
        actual, predicted = test["price"], fitted.predict(test)
        rmse = root_mean_squared_error(actual, predicted)
        mae, r2 = mean_absolute_error(actual, predicted), r2_score(actual, predicted)
        rows.append({"rmse": rmse, "mae": mae, "r2": r2})
    return pd.DataFrame(rows)
