# exercise: 1.5
# file: iris.py
# caught by: test_folds_are_stratified_shuffled_and_repeated
# misconception: no folds at all
# says: training data

import pandas as pd
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression


def compare_classifiers(seed=0):
    measures, species = load_measures()
    models = {
        "dummy": DummyClassifier(),
        "logistic": LogisticRegression(max_iter=1000),
        "forest": RandomForestClassifier(10),
    }
    scores = {name: model.fit(measures, species).score(measures, species) for name, model in models.items()}
    return pd.DataFrame({name: {"accuracy_mean": score, "accuracy_std": 0.01} for name, score in scores.items()}).T
