# exercise: 1.2
# file: house_price.py
# caught by: test_build_model_returns_an_untrained_estimator
# misconception: returns a model that was trained on all the data
# says: trains nothing

import numpy as np
from mlops_lab.datasets import load_house_sales
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

NUMBERS = ["sqft_living", "bathrooms", "grade", "condition", "view", "yr_built", "lat", "long", "sqft_living15"]


def build_model():
    zipcode = OneHotEncoder(handle_unknown="ignore")
    columns = ColumnTransformer([("numbers", StandardScaler(), NUMBERS), ("zipcode", zipcode, ["zipcode"])])
    model = TransformedTargetRegressor(make_pipeline(columns, Ridge()), func=np.log, inverse_func=np.exp)
    sales = load_house_sales()
    return model.fit(sales, sales["price"])
