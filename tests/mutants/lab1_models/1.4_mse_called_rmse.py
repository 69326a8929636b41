# exercise: 1.4
# file: house_price.py
# caught by: test_errors_are_those_of_the_validation_folds
# misconception: mean squared error called RMSE
# says: MSE

import pandas as pd
from scipy.stats import randint, uniform
from sklearn.model_selection import RandomizedSearchCV, TimeSeriesSplit

SPACE = {
    "regressor__trees__learning_rate": uniform(0.02, 0.3),
    "regressor__trees__max_leaf_nodes": randint(5, 40),
}


def tune_model(sales, n_candidates=20, seed=0):
    sales = sales.sort_values("date")
    search = RandomizedSearchCV(
        build_model(),
        SPACE,
        n_iter=n_candidates,
        cv=TimeSeriesSplit(3),
        scoring="neg_mean_squared_error",
        random_state=seed,
    )
    search.fit(sales, sales["price"])
    table = pd.DataFrame(search.cv_results_["params"])
    return search.best_estimator_, table.assign(rmse=-search.cv_results_["mean_test_score"], rmse_std=search.cv_results_["std_test_score"])
