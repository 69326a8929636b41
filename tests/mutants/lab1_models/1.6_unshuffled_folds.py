# exercise: 1.6
# file: iris.py
# caught by: test_the_folds_are_shuffled_by_the_seed
# misconception: folds in the order of the file
# says: order of the file

import pandas as pd
from sklearn.metrics import confusion_matrix
from sklearn.model_selection import KFold, cross_val_predict


def confusion(model, seed=0):
    measures, species = load_measures()
    folds = KFold(5)
    predicted = cross_val_predict(model, measures, species, cv=folds)
    names = sorted(species.unique())
    counts = confusion_matrix(species, predicted, labels=names)
    return pd.DataFrame(counts, index=names, columns=names)
