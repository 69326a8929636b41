# exercise: 1.3
# file: house_price.py
# accepted: folds and metrics by hand, NumPy only; sorted, other order of the folds

import copy

import numpy as np
import pandas as pd


def cross_validate_model(model, sales, folds=5):
    houses = np.random.default_rng(7).permutation(np.unique(sales["id"]))
    fold_of = {house: number % folds for number, house in enumerate(houses)}
    fold = np.array([fold_of[house] for house in sales["id"]])
    table = pd.DataFrame(columns=["fold", "r2", "mae", "rmse"])
    for number in reversed(range(folds)):
        train, test = sales[fold != number], sales[fold == number].sort_values("date")
        fitted = copy.deepcopy(model)
        fitted.fit(train, train["price"].to_numpy())
        y, p = test["price"].to_numpy(float), np.asarray(fitted.predict(test), float)
        e = y - p
        table.loc[len(table)] = [
            number,
            1 - (e @ e) / np.sum((y - y.mean()) ** 2),
            np.abs(e).mean(),
            np.sqrt(np.mean(e * e)),
        ]
    return table.set_index("fold")
