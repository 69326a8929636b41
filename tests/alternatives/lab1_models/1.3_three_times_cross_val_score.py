# exercise: 1.3
# file: house_price.py
# accepted: cross_val_score once for each metric

import pandas as pd
from sklearn.model_selection import GroupKFold, cross_val_score


def cross_validate_model(model, sales, folds=5):
    def scores(name):
        return cross_val_score(
            model, sales, sales["price"], groups=sales["id"], cv=GroupKFold(n_splits=folds), scoring=name
        )

    mse = -scores("neg_mean_squared_error")
    return pd.DataFrame({"rmse": mse**0.5, "mae": scores("neg_mean_absolute_error") * -1, "r2": scores("r2")})
