# exercise: 1.3
# file: house_price.py
# accepted: scikit-learn's cross_validate with groups and parallel jobs

import pandas as pd
from sklearn.model_selection import GroupKFold, cross_validate


def cross_validate_model(model, sales, folds=5):
    scores = cross_validate(
        model,
        sales.drop(columns="price"),
        sales["price"],
        groups=sales["id"],
        cv=GroupKFold(folds),
        n_jobs=-1,
        scoring=["neg_root_mean_squared_error", "neg_mean_absolute_error", "r2"],
        return_train_score=True,
    )
    return pd.DataFrame(
        {
            "rmse": -scores["test_neg_root_mean_squared_error"],
            "mae": -scores["test_neg_mean_absolute_error"],
            "r2": scores["test_r2"],
            "fit_seconds": scores["fit_time"],
            "train_r2": scores["train_r2"],
        }
    )
