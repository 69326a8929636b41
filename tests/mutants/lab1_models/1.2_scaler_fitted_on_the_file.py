# exercise: 1.2
# file: house_price.py
# caught by: test_the_model_learns_in_fit_from_the_given_sales
# misconception: `fit` learns the scale from the file of all sales, with the test set in it
# says: file of all sales

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import TransformedTargetRegressor
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

NUMBERS = ["sqft_living", "bathrooms", "grade", "condition", "view", "yr_built", "lat", "long", "sqft_living15"]


class Scaled(TransformerMixin, BaseEstimator):
    def fit(self, X, y=None):
        from mlops_lab.datasets import load_house_sales

        self.scaler_ = StandardScaler().fit(load_house_sales()[NUMBERS])
        self.names_ = OneHotEncoder(handle_unknown="ignore", sparse_output=False).fit(X[["zipcode"]])
        return self

    def transform(self, X):
        return np.hstack([self.scaler_.transform(X[NUMBERS]), self.names_.transform(X[["zipcode"]])])


def build_model():
    return TransformedTargetRegressor(make_pipeline(Scaled(), Ridge()), func=np.log, inverse_func=np.exp)
