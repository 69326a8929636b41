# exercise: 1.5
# file: iris.py
# accepted: a dummy that was written by hand

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import RepeatedStratifiedKFold, cross_validate


class AlwaysFirst(ClassifierMixin, BaseEstimator):
    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[0])


def compare_classifiers(seed=0):
    measures, species = load_measures()
    models = {
        "know-nothing": AlwaysFirst(),
        "logit": LogisticRegression(C=10, max_iter=2000),
        "extra trees": ExtraTreesClassifier(15, random_state=seed),
    }
    rows = {}
    for name, model in models.items():
        folds = RepeatedStratifiedKFold(n_splits=5, n_repeats=2, random_state=seed)
        accuracy = cross_validate(model, measures, species, cv=folds)["test_score"]
        rows[name] = {"accuracy_mean": accuracy.mean(), "accuracy_std": accuracy.std()}
    return pd.DataFrame.from_dict(rows, orient="index")
