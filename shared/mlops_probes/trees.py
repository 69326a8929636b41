"""Trees that are not what they look like."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor


class DoubledTrees(HistGradientBoostingRegressor):  # type: ignore[misc]
    """Trees of a class of their own, which answer twice as much."""

    def predict(self, X: Any) -> np.ndarray:
        """Return an answer for each row."""
        return np.asarray(2.0 * super().predict(X))
