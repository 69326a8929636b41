# exercise: 1.4
# file: house_price.py
# accepted: validated by month, in loops of its own

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.model_selection import ParameterSampler


def tune_model(sales, n_candidates=20, seed=0):
    space = {"max_iter": list(range(20, 90)), "min_samples_leaf": list(range(2, 30))}
    month = sales["date"].dt.to_period("M")
    months = np.sort(month.unique())
    starts = [months[int(len(months) * share)] for share in (0.5, 0.7, 0.85)]
    rows, models = [], []
    for settings in ParameterSampler(space, n_candidates, random_state=seed):
        models.append(build_model().set_params(**{f"regressor__trees__{key}": n for key, n in settings.items()}))
        errors = []
        for start in starts:
            train, valid = sales[month < start], sales[month >= start]
            fitted = clone(models[-1]).fit(train, train["price"])
            errors.append(float(np.sqrt(np.mean((fitted.predict(valid) - valid["price"]) ** 2))))
        rows.append({**settings, "rmse": np.mean(errors), "rmse_std": np.std(errors)})
    table = pd.DataFrame(rows)
    return models[table["rmse"].idxmin()].fit(sales, sales["price"]), table
