# exercise: 1.4
# file: house_price.py
# caught by: test_the_best_candidate_learns_from_all_sales
# misconception: chooses by the error on the training data
# says: smallest error in validation

import numpy as np
import pandas as pd
from scipy.stats import randint, uniform
from sklearn.model_selection import ParameterSampler

SPACE = {
    "regressor__trees__learning_rate": uniform(0.02, 0.3),
    "regressor__trees__max_leaf_nodes": randint(5, 40),
}


def tune_model(sales, n_candidates=20, seed=0):
    ordered = sales.sort_values("date")
    rows = int(len(ordered) * 0.8)
    past, future = ordered.iloc[:rows], ordered.iloc[rows:]
    tried = []
    for settings in ParameterSampler(SPACE, n_candidates, random_state=seed):
        model = build_model().set_params(**settings).fit(past, past["price"])
        errors = [np.sqrt(np.mean((model.predict(part) - part["price"]) ** 2)) for part in (past, future)]
        tried.append({"train_error": errors[0], "rmse": errors[1], "settings": settings})
    results = pd.DataFrame(tried)
    best = results.sort_values("train_error")["settings"].iloc[0]
    model = build_model().set_params(**best).fit(sales, sales["price"])
    return model, results.drop(columns="settings")
