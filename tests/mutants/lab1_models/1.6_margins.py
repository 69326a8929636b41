# exercise: 1.6
# file: iris.py
# caught by: test_rows_are_true_and_columns_predicted
# misconception: sums as a further row and column
# says: named after the species

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.metrics import confusion_matrix
from sklearn.model_selection import KFold, StratifiedKFold, cross_val_predict, train_test_split
from sklearn.preprocessing import StandardScaler


def confusion(model, seed=0):
    measures, species = load_measures()
    folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    predicted = cross_val_predict(model, measures, species, cv=folds)
    names = sorted(species.unique())
    counts = confusion_matrix(species, predicted, labels=names)
    return pd.crosstab(species, predicted, margins=True)
