# exercise: 1.2
# file: house_price.py
# caught by: test_build_model_returns_an_untrained_estimator
# misconception: one model for all callers: trained once, it is trained for everybody
# says: same object

import numpy as np
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

NUMBERS = ["sqft_living", "bathrooms", "grade", "condition", "view", "yr_built", "lat", "long", "sqft_living15"]


MODEL = TransformedTargetRegressor(
    make_pipeline(
        ColumnTransformer(
            [
                ("numbers", StandardScaler(), NUMBERS),
                ("zipcode", OneHotEncoder(handle_unknown="ignore", sparse_output=False), ["zipcode"]),
            ]
        ),
        Ridge(),
    ),
    func=np.log,
    inverse_func=np.exp,
)


def build_model():
    return MODEL
