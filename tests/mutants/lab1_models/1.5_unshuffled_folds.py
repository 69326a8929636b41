# exercise: 1.5
# file: iris.py
# caught by: test_folds_are_stratified_shuffled_and_repeated
# misconception: folds in the order of a file that is sorted by species
# says: sorted by species

import pandas as pd
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def compare_classifiers(seed=0):
    measures, species = load_measures()
    models = {
        "dummy": DummyClassifier(),
        "logistic": make_pipeline(StandardScaler(), LogisticRegression()),
        "forest": RandomForestClassifier(10, random_state=0),
    }
    folds = KFold(5)
    rows = {}
    for name, model in models.items():
        scores = cross_val_score(model, measures, species, cv=folds)
        rows[name] = {"accuracy_mean": scores.mean(), "accuracy_std": scores.std()}
    table = pd.DataFrame(rows).T
    return table
