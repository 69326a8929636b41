# exercise: 1.6
# file: iris.py
# caught by: test_every_flower_is_named_by_a_model_that_never_saw_it
# misconception: the model names the flowers that it was trained on
# says: by heart

import pandas as pd
from sklearn.base import clone
from sklearn.metrics import confusion_matrix
from sklearn.model_selection import StratifiedKFold


def confusion(model, seed=0):
    measures, species = load_measures()
    folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    predicted = clone(model).fit(measures, species).predict(measures)
    names = sorted(species.unique())
    counts = confusion_matrix(species, predicted, labels=names)
    return pd.DataFrame(counts, index=names, columns=names)
