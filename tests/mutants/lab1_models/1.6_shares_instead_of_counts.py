# exercise: 1.6
# file: iris.py
# caught by: test_every_flower_is_named_by_a_model_that_never_saw_it
# misconception: shares of each row
# says: shares

import pandas as pd
from sklearn.metrics import confusion_matrix
from sklearn.model_selection import StratifiedKFold, cross_val_predict


def confusion(model, seed=0):
    measures, species = load_measures()
    folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    predicted = cross_val_predict(model, measures, species, cv=folds)
    names = sorted(species.unique())
    counts = confusion_matrix(species, predicted, labels=names, normalize="true")
    return pd.DataFrame(counts, index=names, columns=names)
