# exercise: 1.4
# file: house_price.py
# accepted: encodes and scales within each fold by hand, cross-validates by month

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor, make_column_transformer
from sklearn.ensemble import RandomForestRegressor
from sklearn.model_selection import ParameterSampler
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder


def tune_model(sales, n_candidates=20, seed=0):
    space = {"max_depth": list(range(2, 30)), "min_samples_leaf": list(range(1, 30))}
    candidates = list(ParameterSampler(space, n_candidates, random_state=seed))
    months = np.sort(sales["date"].dt.to_period("M").unique())
    starts = [months[int(len(months) * share)] for share in (0.5, 0.7, 0.85)]
    rows = []
    for number, settings in enumerate(candidates):
        model = wrap(RandomForestRegressor(8, random_state=0, **settings))
        errors = []
        for start in starts:
            month = sales["date"].dt.to_period("M")
            train, valid = sales[month < start], sales[month >= start]
            fitted = clone(model).fit(train, train["price"])
            errors.append(float(np.sqrt(np.mean((fitted.predict(valid) - valid["price"]) ** 2))))
        rows += [{"candidate": number, **settings, "fold": fold, "rmse": error} for fold, error in enumerate(errors)]
    table = pd.DataFrame(rows)
    winner = candidates[table.groupby("candidate")["rmse"].mean().idxmin()]
    return wrap(RandomForestRegressor(8, random_state=0, **winner)).fit(sales, sales["price"]), table


def wrap(forest):
    columns = make_column_transformer(
        ("passthrough", ["sqft_living", "grade", "lat", "long"]), (OneHotEncoder(handle_unknown="ignore"), ["zipcode"])
    )
    return TransformedTargetRegressor(make_pipeline(columns, forest), func=np.log1p, inverse_func=np.expm1)
