# exercise: 1.2
# file: house_price.py
# caught by: test_columns_that_are_no_features_change_nothing
# misconception: answers with the remembered price where the house was in the training data
# says: by heart

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

NUMBERS = ["sqft_living", "bathrooms", "grade", "condition", "view", "yr_built", "lat", "long", "sqft_living15"]


class Remembering(RegressorMixin, BaseEstimator):
    def fit(self, X, y):
        zipcode = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
        columns = ColumnTransformer([("numbers", StandardScaler(), NUMBERS), ("zipcode", zipcode, ["zipcode"])])
        model = TransformedTargetRegressor(make_pipeline(columns, Ridge()), func=np.log, inverse_func=np.exp)
        self.model_ = model.fit(X, y)
        self.known_ = dict(zip(X["id"], y))
        return self

    def predict(self, X):
        predicted = self.model_.predict(X)
        return np.array([self.known_.get(house, price) for house, price in zip(X["id"], predicted)])


def build_model():
    return Remembering()
