# exercise: 1.2
# file: house_price.py
# caught by: test_a_price_does_not_depend_on_the_other_houses
# misconception: an unknown zipcode gets the mean of the houses that are asked for
# says: is learned in `fit`

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

NUMBERS = ["sqft_living", "bathrooms", "grade", "condition", "view", "yr_built", "lat", "long", "sqft_living15"]


class MeanPrice(TransformerMixin, BaseEstimator):
    def fit(self, X, y):
        self.means_ = y.groupby(X["zipcode"].to_numpy()).mean() if hasattr(y, "groupby") else self._means(X, y)
        return self

    def _means(self, X, y):
        import pandas as pd

        return pd.Series(np.ravel(y)).groupby(X["zipcode"].to_numpy()).mean()

    def transform(self, X):
        found = X["zipcode"].map(self.means_)
        return found.fillna(found.mean()).fillna(13.0).to_numpy()[:, None]


def build_model():
    columns = ColumnTransformer([("numbers", StandardScaler(), NUMBERS), ("zipcode", MeanPrice(), ["zipcode"])])
    return TransformedTargetRegressor(make_pipeline(columns, Ridge()), func=np.log, inverse_func=np.exp)
