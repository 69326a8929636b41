# exercise: 1.4
# file: house_price.py
# caught by: test_every_candidate_is_tried_and_listed
# misconception: always twelve candidates
# says: n_candidates=

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
        build_model(), SPACE, n_iter=12, cv=TimeSeriesSplit(3), scoring="neg_mean_absolute_error", random_state=seed
    )
    search.fit(sales, sales["price"])
    return search.best_estimator_, pd.DataFrame(search.cv_results_)
