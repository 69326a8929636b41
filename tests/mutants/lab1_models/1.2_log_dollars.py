# exercise: 1.2
# file: house_price.py
# caught by: test_predictions_are_prices_in_dollars
# misconception: predicts the logarithm of the price
# says: log dollars

import numpy as np
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

NUMBERS = ["sqft_living", "bathrooms", "grade", "condition", "view", "yr_built", "lat", "long", "sqft_living15"]


def build_model():
    zipcode = OneHotEncoder(handle_unknown="ignore")
    columns = ColumnTransformer([("numbers", StandardScaler(), NUMBERS), ("zipcode", zipcode, ["zipcode"])])
    pipeline = make_pipeline(columns, Ridge())
    return TransformedTargetRegressor(pipeline, func=np.log1p, inverse_func=np.positive, check_inverse=False)
