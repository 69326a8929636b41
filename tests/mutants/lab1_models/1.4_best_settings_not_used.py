# exercise: 1.4
# file: house_price.py
# caught by: test_the_best_candidate_learns_from_all_sales
# misconception: searches, then trains build_model() as it was
# says: settings that no candidate had

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
        tried.append({**settings, "rmse": np.sqrt(np.mean((model.predict(future) - future["price"]) ** 2))})
    results = pd.DataFrame(tried)
    return build_model().fit(sales, sales["price"]), results.sort_values("rmse", ignore_index=True)
