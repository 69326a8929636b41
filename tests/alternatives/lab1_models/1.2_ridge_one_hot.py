# exercise: 1.2
# file: house_price.py
# accepted: a linear model on scaled numbers and one-hot zipcodes

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor, make_column_transformer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder, StandardScaler, TargetEncoder

NUMBERS = ["bedrooms", "bathrooms", "sqft_living", "grade", "condition", "view", "yr_built", "lat", "long", "sqft_living15"]


from sklearn.linear_model import Ridge


def build_model():
    columns = make_column_transformer(
        (StandardScaler(), NUMBERS), (OneHotEncoder(handle_unknown="ignore"), ["zipcode"]), remainder="drop"
    )
    return TransformedTargetRegressor(make_pipeline(columns, Ridge(alpha=1.0)), func=np.log, inverse_func=np.exp)
