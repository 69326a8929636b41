"""Models with a part that is not what it looks like: of a class of its own, with another answer."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.preprocessing import TargetEncoder


class DoubledTrees(HistGradientBoostingRegressor):  # type: ignore[misc]
    """Trees of a class of their own, which answer twice as much."""

    def predict(self, X: Any) -> np.ndarray:
        """Return an answer for each row."""
        return np.asarray(2.0 * super().predict(X))


class DoubledEncoder(TargetEncoder):  # type: ignore[misc]
    """An encoder of which a zipcode is worth twice as much once the model is trained."""

    def transform(self, X: Any) -> np.ndarray:
        """Return what each zipcode is worth."""
        return np.asarray(2.0 * super().transform(X))
