# exercise: 1.2
# file: house_price.py
# caught by: test_zipcode_is_a_name_not_a_number
# misconception: zipcode goes to the trees as a number
# says: zipcode as a number

import numpy as np
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.pipeline import make_pipeline

NUMBERS = ["sqft_living", "bathrooms", "grade", "condition", "view", "yr_built", "lat", "long", "sqft_living15"]


def build_model():
    columns = ColumnTransformer([("numbers", "passthrough", [*NUMBERS, "zipcode"])])
    trees = HistGradientBoostingRegressor(max_iter=60, random_state=0)
    return TransformedTargetRegressor(make_pipeline(columns, trees), func=np.log1p, inverse_func=np.expm1)
