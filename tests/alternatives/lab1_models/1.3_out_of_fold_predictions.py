# exercise: 1.3
# file: house_price.py
# accepted: cross_val_predict first, metrics per fold afterwards, rounded

import numpy as np
import pandas as pd
from sklearn import metrics
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict


def cross_validate_model(model, sales, folds=5):
    cheap = sales["price"] < sales["price"].median()
    parts = list(StratifiedGroupKFold(folds, shuffle=True, random_state=3).split(sales, cheap, groups=sales["id"]))
    predicted = cross_val_predict(model, sales, sales["price"], cv=parts)
    rows = {}
    for number, (_, test) in enumerate(parts, start=1):
        y, p = sales["price"].iloc[test], predicted[test]
        rows[f"fold {number}"] = {
            "rmse": round(metrics.root_mean_squared_error(y, p)),
            "mae": np.round(metrics.mean_absolute_error(y, p)),
            "r2": round(metrics.r2_score(y, p), 3),
        }
    return pd.DataFrame(rows).T
