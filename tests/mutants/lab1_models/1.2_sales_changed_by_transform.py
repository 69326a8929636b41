# exercise: 1.2
# file: house_price.py
# caught by: test_the_model_learns_in_fit_from_the_given_sales
# misconception: a transformer writes into the table of the caller
# says: works on a copy

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

NUMBERS = ["sqft_living", "bathrooms", "grade", "condition", "view", "yr_built", "lat", "long", "sqft_living15"]


class Aged(TransformerMixin, BaseEstimator):
    def fit(self, X, y=None):
        return self

    def transform(self, X):
        X["yr_built"] = 2015 - X["yr_built"]
        return X


def build_model():
    zipcode = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    columns = ColumnTransformer([("numbers", StandardScaler(), NUMBERS), ("zipcode", zipcode, ["zipcode"])])
    return TransformedTargetRegressor(make_pipeline(Aged(), columns, Ridge()), func=np.log, inverse_func=np.exp)
