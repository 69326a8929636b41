"""Models that check their user: real scikit-learn estimators whose `fit` and `predict` run in the check."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin


class _Probe(BaseEstimator):  # type: ignore[misc]
    """Sends what it is given to the check and answers with what the check says.

    Args:
        on_fit: called with X, y and its answer of the fit before, None where there was none; its answer stands for this
            fit from then on.
        on_predict: called with the answer of `on_fit` and X; its answer is the prediction.
    """

    def __init__(self, on_fit: Callable[..., Any] | None = None, on_predict: Callable[..., Any] | None = None) -> None:
        self.on_fit = on_fit
        self.on_predict = on_predict

    def fit(self, X: Any, y: Any = None) -> _Probe:
        """Report the rows; learn nothing."""
        assert self.on_fit is not None
        self.fit_ = self.on_fit(X, y, vars(self).get("fit_"))
        return self

    def predict(self, X: Any) -> Any:
        """Ask the check for the predictions."""
        assert self.on_predict is not None
        return np.asarray(self.on_predict(self.fit_, X))


class ProbeRegressor(RegressorMixin, _Probe):  # type: ignore[misc]
    """A regressor for `cross_validate` and the like."""


class ProbeClassifier(ClassifierMixin, _Probe):  # type: ignore[misc]
    """A classifier: it has `classes_`, as scikit-learn's own have."""

    def fit(self, X: Any, y: Any = None) -> _Probe:
        """Report the rows; learn nothing but the names of the classes."""
        self.classes_ = np.unique(y)
        return super().fit(X, y)
