# exercise: 1.2
# file: house_price.py
# accepted: boosted trees that take the zipcode as a category of their own, least absolute error

import numpy as np
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder

NUMBERS = [
    "bedrooms",
    "bathrooms",
    "sqft_living",
    "grade",
    "condition",
    "view",
    "yr_built",
    "lat",
    "long",
    "sqft_living15",
]


def build_model():
    encode = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan)
    columns = ColumnTransformer([("zipcode", encode, ["zipcode"]), ("numbers", "passthrough", NUMBERS)])
    trees = HistGradientBoostingRegressor(categorical_features=[0], loss="absolute_error", max_iter=80, random_state=1)
    return TransformedTargetRegressor(make_pipeline(columns, trees), func=np.log1p, inverse_func=np.expm1)
