# exercise: 1.2
# file: house_price.py
# caught by: test_predictions_are_prices_in_dollars
# misconception: a one-hot encoder's sparse table goes to trees that take none
# says: sparse_output=False

import numpy as np
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder


def build_model():
    encode = OneHotEncoder(handle_unknown="ignore", sparse_output=True)
    columns = ColumnTransformer([("zipcode", encode, ["zipcode"])], sparse_threshold=1.0)
    trees = HistGradientBoostingRegressor(random_state=0)
    return TransformedTargetRegressor(make_pipeline(columns, trees), func=np.log1p, inverse_func=np.expm1)
