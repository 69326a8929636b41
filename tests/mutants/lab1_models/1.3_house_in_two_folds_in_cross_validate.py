# exercise: 1.3
# file: house_price.py
# caught by: test_a_house_is_never_in_two_folds
# misconception: cross_validate without groups
# says: GroupKFold

import pandas as pd
from sklearn.model_selection import cross_validate


def cross_validate_model(model, sales, folds=5):
    names = {"rmse": "neg_root_mean_squared_error", "mae": "neg_mean_absolute_error", "r2": "r2"}
    scores = cross_validate(model, sales, sales["price"], cv=folds, scoring=names)
    table = pd.DataFrame({name: scores[f"test_{name}"] for name in names})
    return table.assign(rmse=-table["rmse"], mae=-table["mae"])
