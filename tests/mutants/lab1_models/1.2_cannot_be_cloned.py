# exercise: 1.2
# file: house_price.py
# caught by: test_build_model_returns_an_untrained_estimator
# misconception: a class of its own that scikit-learn cannot copy
# says: clone

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

NUMBERS = ["sqft_living", "bathrooms", "grade", "condition", "view", "yr_built", "lat", "long", "sqft_living15"]


class Model(RegressorMixin, BaseEstimator):
    def __init__(self, strength=1.0):
        zipcode = OneHotEncoder(handle_unknown="ignore")
        columns = ColumnTransformer([("numbers", StandardScaler(), NUMBERS), ("zipcode", zipcode, ["zipcode"])])
        self.inner = make_pipeline(columns, Ridge(strength))

    def fit(self, X, y):
        self.inner.fit(X, np.log(y))
        return self

    def predict(self, X):
        return np.exp(self.inner.predict(X))


def build_model():
    return Model()
