# exercise: 1.5
# file: iris.py
# accepted: out-of-fold predictions, cut into their folds again, two columns of measures only; a search among the models

import numpy as np
import pandas as pd
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import (
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_predict


def compare_classifiers(seed=0):
    measures, species = load_measures()
    petals = measures[["petal length (cm)", "petal width (cm)"]]
    models = {
        "dummy": DummyClassifier(strategy="prior"),
        "logistic": GridSearchCV(LogisticRegression(max_iter=300), {"C": [1.0, 10.0]}, cv=StratifiedKFold(3)),
        "random forest": RandomForestClassifier(15, random_state=seed),
    }
    table = pd.DataFrame(index=list(models), columns=["accuracy_mean", "accuracy_std"], dtype=float)
    for name, model in models.items():
        scores = []
        for repeat in range(2):
            folds = StratifiedKFold(5, shuffle=True, random_state=1000 * seed + repeat)
            named = cross_val_predict(model, petals, species, cv=folds)
            scores += [accuracy_score(species.iloc[test], named[test]) for _, test in folds.split(petals, species)]
        table.loc[name] = [np.mean(scores), np.std(scores)]
    return table
