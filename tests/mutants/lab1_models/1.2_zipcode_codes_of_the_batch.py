# exercise: 1.2
# file: house_price.py
# caught by: test_a_price_does_not_depend_on_the_other_houses
# misconception: numbers the zipcodes anew at each call: the codes depend on the houses that are asked for
# says: learns anew in `predict`

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.pipeline import make_pipeline

NUMBERS = ["sqft_living", "bathrooms", "grade", "condition", "view", "yr_built", "lat", "long", "sqft_living15"]


class Codes(TransformerMixin, BaseEstimator):
    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return X[NUMBERS].assign(zipcode=X["zipcode"].astype("category").cat.codes)


def build_model():
    return TransformedTargetRegressor(
        make_pipeline(Codes(), HistGradientBoostingRegressor(max_iter=60, random_state=0)),
        func=np.log,
        inverse_func=np.exp,
    )
