# exercise: 1.2
# file: house_price.py
# caught by: test_predictions_are_prices_in_dollars
# misconception: the same price for every house
# says: one price for all

import numpy as np
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.dummy import DummyRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

NUMBERS = ["sqft_living", "bathrooms", "grade", "condition", "view", "yr_built", "lat", "long", "sqft_living15"]


def build_model():
    columns = ColumnTransformer([("numbers", StandardScaler(), NUMBERS)])
    return TransformedTargetRegressor(make_pipeline(columns, DummyRegressor()), func=np.log, inverse_func=np.exp)
