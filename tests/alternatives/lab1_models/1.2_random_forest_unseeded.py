# exercise: 1.2
# file: house_price.py
# accepted: a random forest with parallel jobs and no seed, zipcode by target encoding

import numpy as np
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import RandomForestRegressor
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import TargetEncoder

NUMBERS = [
    "bedrooms",
    "bathrooms",
    "sqft_living",
    "grade",
    "condition",
    "view",
    "yr_built",
    "lat",
    "long",
    "sqft_living15",
]


def build_model():
    columns = ColumnTransformer([("numbers", "passthrough", NUMBERS), ("zipcode", TargetEncoder(), ["zipcode"])])
    forest = RandomForestRegressor(60, min_samples_leaf=2, n_jobs=-1)
    return TransformedTargetRegressor(
        Pipeline([("columns", columns), ("forest", forest)]), func=np.log2, inverse_func=np.exp2
    )
