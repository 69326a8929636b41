# exercise: 1.5
# file: iris.py
# accepted: cross_validate with a scorer, more models, more columns, rounded

import pandas as pd
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import (
    ExtraTreesClassifier,
    HistGradientBoostingClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import RepeatedStratifiedKFold, cross_validate
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import LabelEncoder, StandardScaler
from sklearn.svm import SVC


def compare_classifiers(seed=0):
    measures, species = load_measures()
    codes = LabelEncoder().fit_transform(species)
    models = [
        ("baseline (most frequent)", DummyClassifier()),
        ("logistic_regression", make_pipeline(StandardScaler(), LogisticRegression())),
        ("extra_trees", ExtraTreesClassifier(20, random_state=seed, n_jobs=-1)),
        ("hist_gradient_boosting", HistGradientBoostingClassifier(max_iter=5)),
        ("knn", make_pipeline(StandardScaler(), KNeighborsClassifier(5))),
        ("svm", SVC()),
    ]
    rows = {}
    for name, model in models:
        splits = list(RepeatedStratifiedKFold(n_splits=3, n_repeats=4, random_state=seed).split(measures, codes))
        scores = cross_validate(model, measures, codes, cv=splits, scoring=["accuracy", "f1_macro"], n_jobs=-1)
        rows[name] = {
            "accuracy_mean": round(scores["test_accuracy"].mean(), 3),
            "accuracy_std": round(scores["test_accuracy"].std(), 3),
            "f1_mean": scores["test_f1_macro"].mean(),
        }
    return pd.DataFrame.from_dict(rows, orient="index")
