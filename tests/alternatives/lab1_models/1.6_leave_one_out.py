# exercise: 1.6
# file: iris.py
# accepted: each flower is a fold of its own

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


from sklearn.metrics import confusion_matrix
from sklearn.model_selection import LeaveOneOut


def confusion(model, seed=0):
    measures, species = load_measures()
    rows = np.random.default_rng(seed).permutation(len(species))
    measures, species = measures.to_numpy()[rows], species.to_numpy()[rows]
    predicted = cross_val_predict(model, measures, species, cv=LeaveOneOut())
    names = ["setosa", "versicolor", "virginica"]
    return pd.DataFrame(confusion_matrix(species, predicted, labels=names), names, names).astype(float)
