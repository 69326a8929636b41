# exercise: 1.5
# file: iris.py
# accepted: out-of-fold predictions, accuracy of each repeat, two columns of measures only

import numpy as np
import pandas as pd
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import (
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict


def compare_classifiers(seed=0):
    measures, species = load_measures()
    petals = measures[["petal length (cm)", "petal width (cm)"]]
    models = {
        "dummy": DummyClassifier(strategy="prior"),
        "logistic": LogisticRegression(max_iter=300),
        "random forest": RandomForestClassifier(15, random_state=seed),
    }
    table = pd.DataFrame(index=list(models), columns=["accuracy_mean", "accuracy_std"], dtype=float)
    for name, model in models.items():
        scores = []
        for repeat in range(5):
            folds = StratifiedKFold(5, shuffle=True, random_state=seed + repeat * 17)
            scores.append(accuracy_score(species, cross_val_predict(model, petals, species, cv=folds)))
        table.loc[name] = [np.mean(scores), np.std(scores)]
    return table
