# exercise: 1.2
# file: house_price.py
# caught by: test_build_model_returns_an_untrained_estimator
# misconception: the scaler is fitted on all the data before anything is split
# says: before the split

import numpy as np
from mlops_lab.datasets import load_house_sales
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

NUMBERS = ["sqft_living", "bathrooms", "grade", "condition", "view", "yr_built", "lat", "long", "sqft_living15"]


def build_model():
    scaler = StandardScaler().fit(load_house_sales()[NUMBERS])
    from sklearn.preprocessing import FunctionTransformer

    zipcode = OneHotEncoder(handle_unknown="ignore")
    columns = ColumnTransformer(
        [("numbers", FunctionTransformer(scaler.transform), NUMBERS), ("zipcode", zipcode, ["zipcode"])]
    )
    return TransformedTargetRegressor(make_pipeline(columns, Ridge()), func=np.log, inverse_func=np.exp)
