# exercise: 1.2
# file: house_price.py
# caught by: test_the_model_learns_log_prices
# misconception: learns plain dollars, so that one villa outweighs ten cottages
# says: log prices

from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

NUMBERS = ["sqft_living", "bathrooms", "grade", "condition", "view", "yr_built", "lat", "long", "sqft_living15"]


def build_model():
    zipcode = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    columns = ColumnTransformer([("numbers", "passthrough", NUMBERS), ("zipcode", zipcode, ["zipcode"])])
    return make_pipeline(columns, HistGradientBoostingRegressor(max_iter=60, random_state=0))
