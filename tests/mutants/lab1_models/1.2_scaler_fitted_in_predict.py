# exercise: 1.2
# file: house_price.py
# caught by: test_a_price_does_not_depend_on_the_other_houses
# misconception: fits a scaler on the houses that are asked for
# says: learns anew in `predict`

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import TransformedTargetRegressor
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

NUMBERS = ["sqft_living", "bathrooms", "grade", "condition", "view", "yr_built", "lat", "long", "sqft_living15"]


class Scaled(TransformerMixin, BaseEstimator):
    def fit(self, X, y=None):
        self.names_ = OneHotEncoder(handle_unknown="ignore", sparse_output=False).fit(X[["zipcode"]])
        return self

    def transform(self, X):
        return np.hstack([StandardScaler().fit_transform(X[NUMBERS]), self.names_.transform(X[["zipcode"]])])


def build_model():
    return TransformedTargetRegressor(make_pipeline(Scaled(), Ridge()), func=np.log, inverse_func=np.exp)
