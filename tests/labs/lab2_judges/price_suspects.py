"""Why prices differ (2.6): each usual mistake is made here once more, and named where it gives the very numbers."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from lab2_judges.models import Models, numbers_of

CLOSE = 1e-6
"""Relative difference that is allowed."""
UNKNOWN = (
    "None of the usual mistakes gives these very numbers. Hold what the trees get beside what the pipeline hands "
    "them, for one house: `model.regressor_[0].transform(frame)`, with all digits."
)
ORDER = (
    "Does each value go into the column that the trees learned it from? The order is that of the "
    "`ColumnTransformer`: first the numbers as it names them, then the encoded zipcode."
)
House = dict[str, Any]


def explain(found: np.ndarray, wanted: np.ndarray, models: Models, houses: list[House]) -> str:
    """The mistake that gives these prices, in words; `UNKNOWN` where none does.

    Args:
        found, wanted: prices in USD, one for each house.
    """
    for help, prices in _suspects(wanted, models, houses):
        if prices.shape == found.shape and np.allclose(found, prices, rtol=CLOSE, atol=0.0):
            return help
    if np.allclose(np.sort(found), np.sort(wanted), rtol=CLOSE):
        return "The prices are right and in another order: each belongs to the row at its own place."
    if np.allclose(found, wanted, rtol=0.02):
        return (
            "The prices are nearly right: digits get lost on the way. Values stay `float64` until the trees have them, "
            "and a price is not rounded."
        )
    return UNKNOWN


def _suspects(wanted: np.ndarray, models: Models, houses: list[House]) -> Iterator[tuple[str, np.ndarray]]:
    """What is said of a mistake, and the prices that it leads to."""
    yield "Each price is a dollar too high: `exp` does not undo `log1p`, `expm1` does.", wanted + 1.0
    for digits in (0, -2, -3):
        yield "The prices are rounded: `predict` returns them with all digits.", np.round(wanted, digits)
    yield "These are thousands of dollars; the answer is in dollars.", wanted / 1000.0
    short = [{name: float(np.float32(value)) for name, value in house.items()} for house in houses]
    yield (
        "The numbers were put into single precision: a value at a threshold then goes the other way. The trees compare "
        "with `float64`.",
        models.prices(short),
    )
    low, mean = "nothing, or for the cheapest one", "the mean over the zipcodes"  # the trees rarely tell the first two
    for worth, name in zip(wrong_worths(models), (low, low, mean), strict=True):
        yield (
            f"An unseen zipcode is taken for {name}. The encoder has its own answer: `target_mean_`, the mean over the "
            "sales that it was fitted on.",
            with_unseen(models, houses, worth),
        )
    for row in _rows(models):
        yield ORDER, _prices_of_rows(models, [row(house) for house in houses])


def _rows(models: Models) -> list[Callable[[House], list[float]]]:
    """Ways to put a house into the wrong columns."""
    encoder = encoder_of(models.estimators["house_price"])
    worths = dict(zip(encoder.categories_[0].tolist(), encoder.encodings_[0].tolist(), strict=True))
    names = numbers_of(models.estimators["house_price"])
    of_frame = [name for name in models.metadata["house_price"].features if name != "zipcode"]

    def worth(house: House) -> float:
        return float(worths.get(house["zipcode"], encoder.target_mean_))

    return [
        lambda house: [*(house[name] for name in house if name != "zipcode"), worth(house)],
        lambda house: [*(house[name] for name in of_frame), worth(house)],
        lambda house: [*(house[name] for name in sorted(names)), worth(house)],
        lambda house: [worth(house), *(house[name] for name in names)],
        lambda house: [*(house[name] for name in names), house["zipcode"]],
        lambda house: [house[name] for name in models.metadata["house_price"].features],
        lambda house: list(house.values()),
    ]


def _prices_of_rows(models: Models, rows: list[list[float]]) -> np.ndarray:
    trees = models.estimators["house_price"].regressor_[-1]
    return np.expm1(trees.predict(np.array(rows, dtype=np.float64)))


def wrong_worths(models: Models) -> tuple[float, float, float]:
    """What an unseen zipcode is not worth: nothing, as much as the cheapest one, the mean over the zipcodes."""
    worths = encoder_of(models.estimators["house_price"]).encodings_[0]
    return 0.0, float(worths.min()), float(worths.mean())


def with_unseen(models: Models, houses: list[House], worth: float) -> np.ndarray:
    """The prices that a model gives when an unseen zipcode is worth this much."""
    other = copy.deepcopy(models.estimators["house_price"])
    encoder_of(other).target_mean_ = worth
    return np.asarray(other.predict(models.frame("house_price", houses)))


def encoder_of(model: Any) -> Any:
    """The fitted encoder of the zipcode."""
    return model.regressor_[0].named_transformers_["zipcode"]
