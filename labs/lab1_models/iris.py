"""Iris species: compare classifiers fairly, and see which flowers are taken for which.

Each function imports what it alone needs, so that each exercise can be read by itself.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from mlops_lab.datasets import load_flowers


def load_measures() -> tuple[pd.DataFrame, pd.Series]:
    """Return four measures (centimetres) of 150 flowers, and their species, in the order of the file."""
    flowers = load_flowers()
    return flowers.drop(columns="species"), flowers["species"]


def compare_classifiers(seed: int = 0) -> pd.DataFrame:
    """Compare classifiers on the iris data by repeated stratified cross-validation.

    The index is the name of the model: at least a dummy, logistic regression and one tree ensemble. Columns
    `accuracy_mean` and `accuracy_std`, over all folds of all repeats (fractions, 0 to 1). The same `seed` gives the
    same folds.
    """
    # TODO 1.5: Compare classifiers fairly
    raise NotImplementedError


def confusion(model: Any, seed: int = 0) -> pd.DataFrame:
    """Count which species `model` takes for which: rows are the true species, columns the predicted ones.

    Each of the 150 flowers is predicted once, by a copy of `model` that was not trained on it (stratified, shuffled
    folds), so the table sums to 150. `model` itself stays untrained.
    """
    # TODO 1.6: See which flower is taken for which
    raise NotImplementedError
