# exercise: 1.5
# file: iris.py
# accepted: arrays from scikit-learn, loops over seeds and folds, a scaler fitted in each fold by hand

import numpy as np
import pandas as pd
from sklearn.datasets import load_iris
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import (
    GradientBoostingClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.preprocessing import StandardScaler


def compare_classifiers(seed=0):
    X, y = load_iris(return_X_y=True)
    models = {
        "Dummy": DummyClassifier(strategy="stratified", random_state=seed),
        "LogReg": LogisticRegression(max_iter=500),
        "GradientBoosting": GradientBoostingClassifier(n_estimators=10),
    }
    found = {name: [] for name in models}
    for repeat in range(3):
        folds = StratifiedKFold(10, shuffle=True, random_state=1000 * seed + repeat)
        for train, test in folds.split(X, y):
            scaler = StandardScaler().fit(X[train])
            for name, model in models.items():
                model.fit(scaler.transform(X[train]), y[train])
                found[name].append(np.mean(model.predict(scaler.transform(X[test])) == y[test]))
    rows = [(name, np.mean(scores), np.std(scores, ddof=1)) for name, scores in found.items()]
    return pd.DataFrame(rows, columns=["model", "accuracy_mean", "accuracy_std"]).set_index("model")
