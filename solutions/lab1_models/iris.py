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
    # solution 1.5
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    from sklearn.dummy import DummyClassifier
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import RepeatedStratifiedKFold, cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    measures, species = load_measures()
    # The dummy says what a model without any knowledge reaches. The scaler learns inside each fold.
    models = {
        "dummy": DummyClassifier(strategy="most_frequent"),
        "logistic regression": make_pipeline(StandardScaler(), LogisticRegression()),
        "linear discriminant analysis": LinearDiscriminantAnalysis(),
        "random forest": RandomForestClassifier(n_estimators=15, random_state=seed),
    }
    # The file is sorted by species: shuffle, keep a third of each species in every fold, and repeat, because
    # 30 flowers in a fold are few. Every model sees the same folds.
    folds = RepeatedStratifiedKFold(n_splits=5, n_repeats=3, random_state=seed)
    scores = {name: cross_val_score(model, measures, species, cv=folds) for name, model in models.items()}
    table = pd.DataFrame(
        {name: {"accuracy_mean": score.mean(), "accuracy_std": score.std()} for name, score in scores.items()}
    ).T
    return table.rename_axis("model").sort_values("accuracy_mean", ascending=False)
    # end solution


def confusion(model: Any, seed: int = 0) -> pd.DataFrame:
    """Count which species `model` takes for which: rows are the true species, columns the predicted ones.

    Each of the 150 flowers is predicted once, by a copy of `model` that was not trained on it (stratified, shuffled
    folds), so the table sums to 150. `model` itself stays untrained.
    """
    # solution 1.6
    from sklearn.metrics import confusion_matrix
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    measures, species = load_measures()
    # Every prediction comes from a fold that did not see the flower.
    folds = StratifiedKFold(n_splits=5, shuffle=True, random_state=seed)
    predicted = cross_val_predict(model, measures, species, cv=folds)
    # Name the species on both sides: without names nobody knows which side is the truth.
    names = sorted(species.unique())
    counts = confusion_matrix(species, predicted, labels=names)
    return pd.DataFrame(counts, index=pd.Index(names, name="true"), columns=pd.Index(names, name="predicted"))
    # end solution
