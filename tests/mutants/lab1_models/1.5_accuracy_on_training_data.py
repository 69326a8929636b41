# exercise: 1.5
# file: iris.py
# caught by: test_accuracy_is_that_of_the_test_folds
# misconception: takes the train scores
# says: training data

import pandas as pd
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import RepeatedStratifiedKFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def compare_classifiers(seed=0):
    measures, species = load_measures()
    models = {
        "dummy": DummyClassifier(),
        "logistic": make_pipeline(StandardScaler(), LogisticRegression()),
        "forest": RandomForestClassifier(10, random_state=0),
    }
    folds = RepeatedStratifiedKFold(n_splits=5, n_repeats=3, random_state=seed)
    rows = {}
    for name, model in models.items():
        scores = cross_validate(model, measures, species, cv=folds, return_train_score=True)["train_score"]
        rows[name] = {"accuracy_mean": scores.mean(), "accuracy_std": scores.std()}
    table = pd.DataFrame(rows).T
    return table
