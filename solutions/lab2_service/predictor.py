"""From a saved model to one that answers fast: the same numbers, without a table for each request."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Protocol

from lab2_service.treecode import CannotCompile, as_function, as_table_function

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from mlops_lab.artifacts import Artifact

logger = logging.getLogger(__name__)

# Called with the rows that were asked for and their prices in USD, in the same order.
Watcher = Callable[[Sequence[Mapping[str, Any]], "np.ndarray"], None]


class Pricer(Protocol):
    """Prices houses. `is_compiled` says whether a single house takes far less than a millisecond."""

    is_compiled: bool

    def predict(self, rows: Sequence[Mapping[str, Any]]) -> np.ndarray:
        """Return one price in USD for each row; a row has the fields of `House`."""
        ...


class WatchedPricer:
    """A pricer that tells its `watchers` what it was asked and what it answered: metrics and logs need not ask again.

    A watcher that fails is named in the log. The caller has the price all the same.
    """

    def __init__(self, pricer: Pricer, watchers: Sequence[Watcher]) -> None:
        self.pricer = pricer
        self.watchers = watchers
        self.is_compiled = pricer.is_compiled

    def predict(self, rows: Sequence[Mapping[str, Any]]) -> np.ndarray:
        """Return one price in USD for each row."""
        prices = self.pricer.predict(rows)
        for watcher in self.watchers:
            try:
                watcher(rows, prices)
            except Exception:  # it must not cost anybody an answer
                logger.exception("a watcher of predictions failed")
        return prices


def as_frame(rows: Sequence[Mapping[str, Any]], features: Sequence[str]) -> pd.DataFrame:
    """Return the rows as the frame that a model takes: the columns `features`, named and in that order."""
    # solution 2.2
    import pandas as pd

    # By name: the order of the fields in a request, or in a schema, says nothing about the order in the model.
    return pd.DataFrame(list(rows), columns=list(features))
    # end solution


class EstimatorPricer:
    """Any estimator, asked with a frame: always right, and slow for a single house."""

    is_compiled = False

    def __init__(self, model: Any, features: Sequence[str]) -> None:
        self.model = model
        self.features = tuple(features)

    def predict(self, rows: Sequence[Mapping[str, Any]]) -> np.ndarray:
        """Return one price in USD for each row."""
        prices: np.ndarray = self.model.predict(as_frame(rows, self.features))
        return prices


class CompiledPricer:
    """The trees as a table of thresholds, the zipcodes as a dict: no frame, no pipeline.

    Args:
        trees: the compiled trees. They take one row per house: `numbers` in this order, then what a zipcode is worth.
        numbers: names of the fields that go in as they are.
        zipcodes: zipcode to what it is worth to the trees.
        unseen: what any other zipcode is worth.
    """

    is_compiled = True

    def __init__(self, trees: Any, numbers: Sequence[str], zipcodes: Mapping[int, float], unseen: float) -> None:
        self.trees = trees
        self.one_row = as_function(trees)  # the same trees, for a list of numbers …
        self.many_rows = as_table_function(trees)  # … and for a table
        self.numbers = tuple(numbers)
        self.zipcodes = dict(zipcodes)
        self.unseen = unseen

    def predict(self, rows: Sequence[Mapping[str, Any]]) -> np.ndarray:
        """Return one price in USD for each row. The rows stay as they are."""
        # solution 2.6
        import numpy as np

        # The same preparation as in the pipeline: numbers as they are, then the worth of the zipcode.
        numbers = itemgetter(*self.numbers)
        table = [[*numbers(row), self.zipcodes.get(row["zipcode"], self.unseen)] for row in rows]
        if len(table) == 1:
            log_prices = np.array([self.one_row(table[0])])
        else:
            log_prices = self.many_rows(np.array(table, dtype=np.float64))
        # The trees have learned log prices (`log1p`): back to dollars.
        prices: np.ndarray = np.expm1(log_prices)
        return prices
        # end solution


def compile_model(model: Any) -> CompiledPricer:
    """Compile a fitted model of the shape that `lab1_models.house_price.build_model` gives it.

    That is: `TransformedTargetRegressor` with `log1p` and `expm1`, around a pipeline of `columns` (numbers passed
    through, `zipcode` by `TargetEncoder`) and `trees` (`HistGradientBoostingRegressor`).

    Raises CannotCompile for every other model: a guess would give other numbers.
    """
    # solution 2.6
    import numpy as np
    import treelite
    from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
    from sklearn.ensemble import HistGradientBoostingRegressor
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import TargetEncoder

    # Look at every part before trusting it: what is not known exactly is not compiled.
    _expect(model, TransformedTargetRegressor, "the model")
    if model.func is not np.log1p or model.inverse_func is not np.expm1:
        raise CannotCompile("the target is not transformed by `log1p` and `expm1`")
    _expect(model.regressor_, Pipeline, "the regressor")
    if len(model.regressor_) != 2:
        raise CannotCompile(f"the pipeline has {len(model.regressor_)} steps and not 2")
    columns, trees = model.regressor_[0], model.regressor_[1]
    _expect(columns, ColumnTransformer, "the first step")
    _expect(trees, HistGradientBoostingRegressor, "the second step")
    numbers, encoder = _parts(columns)
    _expect(encoder, TargetEncoder, "the encoder of `zipcode`")
    if columns.transformer_weights is not None:
        raise CannotCompile("the columns are weighted")
    if trees.loss not in ("squared_error", "absolute_error", "quantile"):  # the others end with an `exp` of their own
        raise CannotCompile(f"the trees have the loss `{trees.loss}`, and add up to something else than the answer")
    if trees.is_categorical_ is not None and trees.is_categorical_.any():
        raise CannotCompile("the trees have categorical columns of their own")
    worth = dict(zip(encoder.categories_[0].tolist(), encoder.encodings_[0].tolist(), strict=True))
    return CompiledPricer(treelite.sklearn.import_model(trees), numbers, worth, float(encoder.target_mean_))
    # end solution


def _expect(part: Any, kind: type, name: str) -> None:
    """Raise CannotCompile unless `part` is of this very class: a subclass may compute something else."""
    if type(part) is not kind:
        raise CannotCompile(f"{name} is a `{type(part).__name__}` and not a `{kind.__name__}`")


def _parts(columns: Any) -> tuple[list[str], Any]:
    """Return the names of the columns that are passed through, and the encoder of `zipcode`, which must come last."""
    passed, encoder = [], None
    for _, transformer, names in columns.transformers_:
        if transformer == "drop":
            continue
        if encoder is not None:
            raise CannotCompile("something comes after the column of `zipcode`")
        if list(names) == ["zipcode"] and transformer != "passthrough":
            encoder = transformer
        elif _passes_through(transformer):
            passed += list(names)
        else:
            raise CannotCompile(f"the columns {', '.join(map(str, names))} are changed by `{transformer}`")
    if encoder is None:
        raise CannotCompile("there is no encoder of `zipcode`")
    return passed, encoder


def _passes_through(transformer: Any) -> bool:
    """Whether a fitted column transformer hands these columns on as they are."""
    from sklearn.preprocessing import FunctionTransformer

    return transformer == "passthrough" or (type(transformer) is FunctionTransformer and transformer.func is None)


def make_pricer(artifact: Artifact) -> Pricer:
    """Return the fast way to use a model where there is one, else the slow way, and say so in the log."""
    slow = EstimatorPricer(artifact.model, list(artifact.metadata.features))
    # solution 2.6
    try:
        return compile_model(artifact.model)
    except CannotCompile as reason:
        logger.warning("`%s` is not compiled and answers slowly: %s", artifact.metadata.name, reason)
        return slow
    # ~ return slow
    # end solution
