# exercise: 1.2
# file: house_price.py
# caught by: test_columns_that_are_no_features_change_nothing
# misconception: the number of the house in the register is a feature
# says: only a name

import numpy as np
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

NUMBERS = ["sqft_living", "bathrooms", "grade", "condition", "view", "yr_built", "lat", "long", "sqft_living15"]


def build_model():
    zipcode = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    columns = ColumnTransformer([("numbers", "passthrough", [*NUMBERS, "id"]), ("zipcode", zipcode, ["zipcode"])])
    trees = HistGradientBoostingRegressor(max_iter=60, random_state=0)
    return TransformedTargetRegressor(make_pipeline(columns, trees), func=np.log, inverse_func=np.exp)
