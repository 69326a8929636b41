# exercise: 1.2
# file: house_price.py
# caught by: test_zipcode_is_a_name_not_a_number
# misconception: zipcode does not reach the model
# says: hardly any difference

import numpy as np
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

NUMBERS = ["sqft_living", "bathrooms", "grade", "condition", "view", "yr_built", "lat", "long", "sqft_living15"]


def build_model():
    columns = ColumnTransformer([("numbers", StandardScaler(), NUMBERS)])
    return TransformedTargetRegressor(make_pipeline(columns, Ridge()), func=np.log, inverse_func=np.exp)
