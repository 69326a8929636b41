# exercise: 1.6
# file: iris.py
# caught by: test_every_flower_is_named_by_a_model_that_never_saw_it
# misconception: the measures are scaled on all flowers
# says: before the split

import pandas as pd
from sklearn.metrics import confusion_matrix
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.preprocessing import StandardScaler


def confusion(model, seed=0):
    measures, species = load_measures()
    measures = StandardScaler().fit_transform(measures)
    folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    predicted = cross_val_predict(model, measures, species, cv=folds)
    names = sorted(species.unique())
    counts = confusion_matrix(species, predicted, labels=names)
    return pd.DataFrame(counts, index=names, columns=names)
