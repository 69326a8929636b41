# exercise: 1.2
# file: house_price.py
# caught by: test_zipcode_is_a_name_not_a_number
# misconception: zipcode is encoded by prices that were computed from all the data beforehand
# says: zipcode

import numpy as np
from mlops_lab.datasets import load_house_sales
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

NUMBERS = ["sqft_living", "bathrooms", "grade", "condition", "view", "yr_built", "lat", "long", "sqft_living15"]


def build_model():
    sales = load_house_sales()
    known = np.log(sales["price"]).groupby(sales["zipcode"]).mean().to_dict()
    encode = FunctionTransformer(lambda frame: frame.map(lambda name: known.get(name, 13.0)))
    columns = ColumnTransformer([("numbers", StandardScaler(), NUMBERS), ("zipcode", encode, ["zipcode"])])
    return TransformedTargetRegressor(make_pipeline(columns, Ridge()), func=np.log, inverse_func=np.exp)
