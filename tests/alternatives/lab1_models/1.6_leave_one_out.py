# exercise: 1.6
# file: iris.py
# accepted: each flower is a fold of its own

import numpy as np
import pandas as pd
from sklearn.metrics import confusion_matrix
from sklearn.model_selection import (
    LeaveOneOut,
    cross_val_predict,
)


def confusion(model, seed=0):
    measures, species = load_measures()
    rows = np.random.default_rng(seed).permutation(len(species))
    measures, species = measures.to_numpy()[rows], species.to_numpy()[rows]
    predicted = cross_val_predict(model, measures, species, cv=LeaveOneOut())
    names = ["setosa", "versicolor", "virginica"]
    return pd.DataFrame(confusion_matrix(species, predicted, labels=names), names, names).astype(float)
