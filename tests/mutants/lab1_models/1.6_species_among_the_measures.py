# exercise: 1.6
# file: iris.py
# caught by: test_every_flower_is_named_by_a_model_that_never_saw_it
# misconception: the answer is among the columns to learn from
# says: answer is among the questions

import pandas as pd
from sklearn.metrics import confusion_matrix
from sklearn.model_selection import StratifiedKFold, cross_val_predict


def confusion(model, seed=0):
    flowers = load_flowers()
    table = flowers.assign(species=flowers["species"].astype("category").cat.codes)
    folds = StratifiedKFold(n_splits=5, shuffle=True, random_state=seed)
    predicted = cross_val_predict(model, table, flowers["species"], cv=folds)
    names = sorted(flowers["species"].unique())
    return pd.DataFrame(confusion_matrix(flowers["species"], predicted, labels=names), index=names, columns=names)
