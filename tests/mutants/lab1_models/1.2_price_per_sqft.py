# exercise: 1.2
# file: house_price.py
# caught by: test_predictions_are_prices_in_dollars
# misconception: makes price per square foot out of the price itself
# says: leaking column

import numpy as np
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

NUMBERS = ["sqft_living", "bathrooms", "grade", "condition", "view", "yr_built", "lat", "long", "sqft_living15"]


def build_model():
    add = FunctionTransformer(lambda frame: frame.assign(per_sqft=frame["price"] / frame["sqft_living"]))
    zipcode = OneHotEncoder(handle_unknown="ignore")
    columns = ColumnTransformer(
        [("numbers", StandardScaler(), [*NUMBERS, "per_sqft"]), ("zipcode", zipcode, ["zipcode"])]
    )
    return TransformedTargetRegressor(make_pipeline(add, columns, Ridge()), func=np.log, inverse_func=np.exp)
