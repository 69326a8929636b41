# exercise: 1.2
# file: house_price.py
# caught by: test_columns_that_are_no_features_change_nothing
# misconception: takes every column but `price` itself, and so price per square foot
# says: leaking column

import numpy as np
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder

NUMBERS = ["sqft_living", "bathrooms", "grade", "condition", "view", "yr_built", "lat", "long", "sqft_living15"]


def build_model():
    drop = FunctionTransformer(lambda frame: frame.drop(columns=["id", "date", "price"], errors="ignore"))
    columns = ColumnTransformer(
        [("zipcode", OneHotEncoder(handle_unknown="ignore"), ["zipcode"])], remainder="passthrough", sparse_threshold=0
    )
    trees = HistGradientBoostingRegressor(max_iter=60, random_state=0)
    return TransformedTargetRegressor(make_pipeline(drop, columns, trees), func=np.log1p, inverse_func=np.expm1)
