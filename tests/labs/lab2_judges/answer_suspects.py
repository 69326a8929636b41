"""Why an answer of 2.2 differs: a usual mistake is named only where it gives the very numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from lab2_judges import inputs
from lab2_judges.models import Models

ORDER_HELP = (
    "The usual reason: the fields of a request come in any order, and the model has an order of its own. Make a frame "
    "whose columns are named and in the order of `metadata.features`."
)
NO_ORDER_HELP = (
    "Print the frame that the model is asked with, and what it says: the answer holds that, and nothing else."
)


def by_place(models: Models, name: str, request: dict[str, Any]) -> list[pd.DataFrame]:
    """The frames of a request whose values stand below the wrong columns: in its own order, another one, or sorted."""
    features = list(models.metadata[name].features)
    schema = {"house_price": inputs.HOUSE, "iris": inputs.FLOWER, "customer_segment": inputs.CUSTOMER}[name]
    orders = [list(request), list(schema), sorted(schema)]
    return [
        pd.DataFrame([[float(request[field]) for field in order]], columns=features)
        for order in orders
        if order != features
    ]


def why_price(found: float, wanted: float, models: Models, house: dict[str, Any]) -> str:
    """What a wrong price comes from, where a usual mistake gives this very number."""
    if abs(found - wanted - 1) < 0.01:
        return "It is a dollar too high: `exp` does not undo `log1p`, `expm1` does."
    if np.isclose(found, wanted / 1_000, rtol=1e-3):
        return "These are thousands of dollars; the answer is in dollars."
    if any(np.isclose(found, round(wanted, digits)) for digits in (-1, -2, -3, -4)):
        return "Is it rounded? To the dollar is fine, and no more."
    model = models.estimators["house_price"]
    if any(np.isclose(found, model.predict(frame)[0]) for frame in by_place(models, "house_price", house)):
        return ORDER_HELP
    return NO_ORDER_HELP


def why_shares(found: dict[str, float], wanted: dict[str, float], models: Models, request: dict[str, float]) -> str:
    """What wrong probabilities come from, where a usual mistake gives these very numbers."""
    numbers, right = np.array([found[name] for name in wanted]), np.array(list(wanted.values()))
    if np.allclose(numbers, 100 * right, atol=0.06):
        return "These are percent. A probability is between 0 and 1."
    if np.allclose(np.sort(numbers), np.sort(right), atol=5e-4):
        return "The numbers are right and stand below other names: `model.classes_` has the names in their order."
    model = models.estimators["iris"]
    if any(
        np.allclose(numbers, model.predict_proba(frame)[0], atol=5e-4) for frame in by_place(models, "iris", request)
    ):
        return ORDER_HELP
    if np.allclose(numbers, right, atol=0.01):
        return "Is it rounded? Three digits are fine, fewer are not."
    return NO_ORDER_HELP


def why_segment(found: object, wanted: int, models: Models, request: dict[str, float]) -> str:
    """What a wrong segment may come from."""
    model = models.estimators["customer_segment"]
    if any(found == int(model.predict(frame)[0]) for frame in by_place(models, "customer_segment", request)):
        return ORDER_HELP
    return "Segments are counted from 0." if found == wanted + 1 else NO_ORDER_HELP
