# exercise: 1.3
# file: house_price.py
# caught by: test_metrics_are_in_dollars_on_unseen_rows
# misconception: scores of scikit-learn as they come
# says: turn the sign

import pandas as pd
from sklearn.model_selection import GroupKFold, cross_validate


def cross_validate_model(model, sales, folds=5):
    names = {"rmse": "neg_root_mean_squared_error", "mae": "neg_mean_absolute_error", "r2": "r2"}
    scores = cross_validate(model, sales, sales["price"], groups=sales["id"], cv=GroupKFold(folds), scoring=names)
    return pd.DataFrame({name: scores[f"test_{name}"] for name in names})
