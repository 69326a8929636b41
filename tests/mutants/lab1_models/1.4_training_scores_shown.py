# exercise: 1.4
# file: house_price.py
# caught by: test_errors_are_those_of_the_validation_folds
# misconception: shows the error on the training data as that of the validation
# says: mean_train_score

import pandas as pd
from scipy.stats import randint, uniform
from sklearn.model_selection import RandomizedSearchCV, TimeSeriesSplit

SPACE = {
    "regressor__trees__learning_rate": uniform(0.02, 0.3),
    "regressor__trees__max_leaf_nodes": randint(5, 40),
}


def tune_model(sales, n_candidates=20, seed=0):
    ordered = sales.sort_values("date")
    search = RandomizedSearchCV(
        build_model(),
        SPACE,
        n_iter=n_candidates,
        cv=TimeSeriesSplit(3),
        scoring="neg_root_mean_squared_error",
        return_train_score=True,
        random_state=seed,
    )
    search.fit(ordered, ordered["price"])
    results = pd.DataFrame(search.cv_results_["params"])
    results["rmse"] = -search.cv_results_["mean_train_score"]
    results["rmse_std"] = search.cv_results_["std_train_score"]
    return search.best_estimator_, results.sort_values("rmse", ignore_index=True)
