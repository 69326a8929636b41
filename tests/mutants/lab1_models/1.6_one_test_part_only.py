# exercise: 1.6
# file: iris.py
# caught by: test_every_flower_is_named_by_a_model_that_never_saw_it
# misconception: counts the 30 flowers of one split
# says: never named

import pandas as pd
from sklearn.base import clone
from sklearn.metrics import confusion_matrix
from sklearn.model_selection import train_test_split


def confusion(model, seed=0):
    measures, species = load_measures()
    train, test, train_species, test_species = train_test_split(
        measures, species, test_size=30, stratify=species, random_state=seed
    )
    names = sorted(species.unique())
    counts = confusion_matrix(test_species, clone(model).fit(train, train_species).predict(test), labels=names)
    return pd.DataFrame(counts, index=names, columns=names)
