# exercise: 1.5
# file: iris.py
# accepted: mean and deviation of the training flowers, by hand in each fold

import pandas as pd
from sklearn.base import clone
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import RepeatedStratifiedKFold


def compare_classifiers(seed=0):
    measures, species = load_measures()
    X, y = measures.to_numpy(), species.to_numpy()
    models = {
        "dummy": DummyClassifier(),
        "logistic": LogisticRegression(max_iter=500),
        "forest": RandomForestClassifier(15),
    }
    scores = {name: [] for name in models}
    for train, test in RepeatedStratifiedKFold(n_splits=5, n_repeats=2, random_state=seed).split(X, y):
        middle, spread = X[train].mean(axis=0), X[train].std(axis=0)
        for name, model in models.items():
            fitted = clone(model).fit((X[train] - middle) / spread, y[train])
            scores[name].append((fitted.predict((X[test] - middle) / spread) == y[test]).mean())
    table = pd.DataFrame(scores).agg(["mean", "std"]).T
    return table.rename(columns={"mean": "accuracy_mean", "std": "accuracy_std"})
