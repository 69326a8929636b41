# exercise: 1.4
# file: house_price.py
# accepted: results are cv_results_ as a frame; the search is what comes back

import pandas as pd
from scipy.stats import loguniform, randint
from sklearn.model_selection import RandomizedSearchCV, TimeSeriesSplit


def tune_model(sales, n_candidates=20, seed=0):
    ordered = sales.sort_values("date").reset_index(drop=True)
    space = {
        "regressor__trees__learning_rate": loguniform(0.02, 0.3),
        "regressor__trees__max_leaf_nodes": randint(5, 40),
    }
    search = RandomizedSearchCV(
        build_model(),
        space,
        n_iter=n_candidates,
        cv=TimeSeriesSplit(n_splits=4),
        random_state=seed,
        n_jobs=-1,
        scoring=["neg_root_mean_squared_error", "r2"],
        refit="neg_root_mean_squared_error",
        return_train_score=True,
    )
    search.fit(ordered, ordered["price"])
    results = pd.DataFrame(search.cv_results_)
    results["rmse"] = -results["mean_test_neg_root_mean_squared_error"]
    return search, results.rename(columns={"std_test_neg_root_mean_squared_error": "rmse_std"})
