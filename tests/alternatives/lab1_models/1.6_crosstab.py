# exercise: 1.6
# file: iris.py
# accepted: a crosstab of out-of-fold predictions, species in another order

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import ExtraTreesClassifier, GradientBoostingClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
from sklearn.metrics import accuracy_score
from sklearn.model_selection import RepeatedStratifiedKFold, StratifiedKFold, cross_validate, cross_val_predict
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import LabelEncoder, StandardScaler
from sklearn.svm import SVC


def confusion(model, seed=0):
    measures, species = load_measures()
    folds = StratifiedKFold(n_splits=3, shuffle=True, random_state=seed)
    predicted = pd.Series(cross_val_predict(model, measures, species, cv=folds), index=species.index)
    table = pd.crosstab(species, predicted, rownames=["actual"], colnames=["guess"])
    order = ["virginica", "versicolor", "setosa"]
    return table.reindex(index=order, columns=order, fill_value=0)
