# exercise: 1.2
# file: house_price.py
# caught by: test_an_unseen_zipcode_gets_a_price
# misconception: the encoder has no answer for a zipcode that it never saw
# says: handle_unknown

import numpy as np
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

NUMBERS = ["sqft_living", "bathrooms", "grade", "condition", "view", "yr_built", "lat", "long", "sqft_living15"]


def build_model():
    columns = ColumnTransformer([("numbers", StandardScaler(), NUMBERS), ("zipcode", OneHotEncoder(), ["zipcode"])])
    return TransformedTargetRegressor(make_pipeline(columns, Ridge()), func=np.log, inverse_func=np.exp)
