# exercise: 1.5
# file: iris.py
# caught by: test_the_table_names_three_kinds_of_models
# misconception: nothing to compare with
# says: a dummy

import pandas as pd
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import RepeatedStratifiedKFold, cross_val_score


def compare_classifiers(seed=0):
    measures, species = load_measures()
    models = {"logistic": LogisticRegression(max_iter=1000), "forest": RandomForestClassifier(10)}
    folds = RepeatedStratifiedKFold(n_splits=5, n_repeats=3, random_state=seed)
    rows = {}
    for name, model in models.items():
        scores = cross_val_score(model, measures, species, cv=folds)
        rows[name] = {"accuracy_mean": scores.mean(), "accuracy_std": scores.std()}
    table = pd.DataFrame(rows).T
    return table
