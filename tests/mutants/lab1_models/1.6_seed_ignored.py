# exercise: 1.6
# file: iris.py
# caught by: test_the_folds_are_shuffled_by_the_seed
# misconception: the same folds for every seed
# says: random_state=seed

import pandas as pd
from sklearn.metrics import confusion_matrix
from sklearn.model_selection import StratifiedKFold, cross_val_predict


def confusion(model, seed=0):
    measures, species = load_measures()
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    predicted = cross_val_predict(model, measures, species, cv=folds)
    names = sorted(species.unique())
    counts = confusion_matrix(species, predicted, labels=names)
    return pd.DataFrame(counts, index=names, columns=names)
