# exercise: 1.4
# file: house_price.py
# accepted: successive halving on folds of time

import pandas as pd
from scipy.stats import uniform
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import HalvingRandomSearchCV, TimeSeriesSplit


def tune_model(sales, n_candidates=20, seed=0):
    ordered = sales.sort_values("date")
    search = HalvingRandomSearchCV(
        build_model(),
        {"regressor__trees__learning_rate": uniform(0.02, 0.3)},
        n_candidates=n_candidates,
        resource="n_samples",
        min_resources=40,
        cv=TimeSeriesSplit(2),
        random_state=seed,
        scoring="neg_mean_squared_error",
    ).fit(ordered, ordered["price"])
    return search.best_estimator_, pd.DataFrame(search.cv_results_).sort_values("rank_test_score")
