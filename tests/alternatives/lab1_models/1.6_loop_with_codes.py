# exercise: 1.6
# file: iris.py
# accepted: codes from scikit-learn and a loop over ten folds

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.model_selection import StratifiedKFold


def confusion(model, seed=0):
    iris = load_iris()
    counts = np.zeros((3, 3), dtype=int)
    for train, test in StratifiedKFold(10, shuffle=True, random_state=seed).split(iris.data, iris.target):
        predicted = clone(model).fit(iris.data[train], iris.target[train]).predict(iris.data[test])
        np.add.at(counts, (iris.target[test], predicted), 1)
    return pd.DataFrame(counts, index=iris.target_names, columns=iris.target_names)
