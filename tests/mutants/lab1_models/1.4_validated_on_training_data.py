# exercise: 1.4
# file: house_price.py
# caught by: test_validation_is_later_than_training
# misconception: each candidate is judged on what it was trained on
# says: remembering

import numpy as np
import pandas as pd
from scipy.stats import randint, uniform
from sklearn.model_selection import ParameterSampler

SPACE = {
    "regressor__trees__learning_rate": uniform(0.02, 0.3),
    "regressor__trees__max_leaf_nodes": randint(5, 40),
}


def tune_model(sales, n_candidates=20, seed=0):
    rows = []
    for settings in ParameterSampler(SPACE, n_candidates, random_state=seed):
        model = build_model().set_params(**settings).fit(sales, sales["price"])
        rows.append(
            {**settings, "rmse": np.sqrt(np.mean((model.predict(sales) - sales["price"]) ** 2)), "model": model}
        )
    results = pd.DataFrame(rows).sort_values("rmse", ignore_index=True)
    return results["model"][0], results.drop(columns="model")
