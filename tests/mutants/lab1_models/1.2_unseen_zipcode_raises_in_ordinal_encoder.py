# exercise: 1.2
# file: house_price.py
# caught by: test_an_unseen_zipcode_gets_a_price
# misconception: an ordinal encoder without a code for the unknown
# says: handle_unknown

import numpy as np
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder

NUMBERS = ["sqft_living", "bathrooms", "grade", "condition", "view", "yr_built", "lat", "long", "sqft_living15"]


def build_model():
    columns = ColumnTransformer([("zipcode", OrdinalEncoder(), ["zipcode"]), ("numbers", "passthrough", NUMBERS)])
    trees = HistGradientBoostingRegressor(categorical_features=[0], max_iter=60, random_state=0)
    return TransformedTargetRegressor(make_pipeline(columns, trees), func=np.log, inverse_func=np.exp)
