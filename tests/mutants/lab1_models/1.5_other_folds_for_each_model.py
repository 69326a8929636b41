# exercise: 1.5
# file: iris.py
# caught by: test_folds_are_stratified_shuffled_and_repeated
# misconception: one random generator for all models, so each gets other folds
# says: every model is judged on the same folds

import numpy as np
import pandas as pd
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import RepeatedStratifiedKFold, cross_val_score


def compare_classifiers(seed=0):
    measures, species = load_measures()
    models = {
        "dummy": DummyClassifier(),
        "logistic": LogisticRegression(max_iter=1000),
        "forest": RandomForestClassifier(10, random_state=seed),
    }
    rng = np.random.RandomState(seed)
    folds = RepeatedStratifiedKFold(n_splits=5, n_repeats=2, random_state=rng)
    scores = {name: cross_val_score(model, measures, species, cv=folds) for name, model in models.items()}
    rows = {name: {"accuracy_mean": score.mean(), "accuracy_std": score.std()} for name, score in scores.items()}
    return pd.DataFrame(rows).T
