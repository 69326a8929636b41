# exercise: 1.6
# file: iris.py
# caught by: test_rows_are_true_and_columns_predicted
# misconception: sums as a further row and column
# says: named after the species

import pandas as pd
from sklearn.metrics import confusion_matrix
from sklearn.model_selection import StratifiedKFold, cross_val_predict


def confusion(model, seed=0):
    measures, species = load_measures()
    folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    predicted = cross_val_predict(model, measures, species, cv=folds)
    names = sorted(species.unique())
    counts = confusion_matrix(species, predicted, labels=names)
    return pd.crosstab(species, predicted, margins=True)
