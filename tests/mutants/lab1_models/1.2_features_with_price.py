# exercise: 1.2
# file: house_price.py
# caught by: test_features_name_what_the_model_needs
# misconception: the price is in the list of columns that `main` trains with
# says: `price` is in it

import numpy as np
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

NUMBERS = ["sqft_living", "bathrooms", "grade", "condition", "view", "yr_built", "lat", "long", "sqft_living15"]


FEATURES = [*NUMBERS, "zipcode", "price"]


def build_model():
    zipcode = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    columns = ColumnTransformer([("numbers", StandardScaler(), NUMBERS), ("zipcode", zipcode, ["zipcode"])])
    return TransformedTargetRegressor(make_pipeline(columns, Ridge()), func=np.log, inverse_func=np.exp)
