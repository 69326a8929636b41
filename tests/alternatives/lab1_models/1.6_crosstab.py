# exercise: 1.6
# file: iris.py
# accepted: a crosstab of out-of-fold predictions, species in another order

import pandas as pd
from sklearn.model_selection import StratifiedKFold, cross_val_predict


def confusion(model, seed=0):
    measures, species = load_measures()
    folds = StratifiedKFold(n_splits=3, shuffle=True, random_state=seed)
    predicted = pd.Series(cross_val_predict(model, measures, species, cv=folds), index=species.index)
    table = pd.crosstab(species, predicted, rownames=["actual"], colnames=["guess"])
    order = ["virginica", "versicolor", "setosa"]
    return table.reindex(index=order, columns=order, fill_value=0)
