"""The model of lab 2 as a BentoML service, as BentoML's documentation writes one. It runs in an environment of its own.

`$MODEL_FILE` is the joblib file of the artifact.
"""

from __future__ import annotations

import os

import bentoml  # type: ignore[import-not-found, unused-ignore]
import joblib
import numpy as np
import pandas as pd


@bentoml.service(workers=1)
class HousePrices:
    """Prices of houses; `{"houses": [{…}]}` in, a list of prices out."""

    def __init__(self) -> None:
        self.model = joblib.load(os.environ["MODEL_FILE"])

    @bentoml.api  # type: ignore[untyped-decorator, unused-ignore]
    def predict(self, houses: pd.DataFrame) -> np.ndarray:
        """Return one price in USD for each house."""
        prices: np.ndarray = self.model.predict(houses)
        return prices
