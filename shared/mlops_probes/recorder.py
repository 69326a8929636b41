"""Sees which rows the learner's models are trained on and asked for, whichever way the training is written."""

from __future__ import annotations

import functools
import threading
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, is_classifier, is_regressor
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.model_selection._search import BaseSearchCV

from mlops_probes.estimators import answer_of, class_names, fingerprint, last_step, settings_of
from mlops_probes.rows import RowBook, as_matrix, as_numbers, leak

Method = Callable[..., Any]
METHODS = ("fit", "fit_transform", "transform", "predict", "predict_proba", "score")


class Recorder:
    """Wraps the methods of all scikit-learn estimators, the learner's own classes included, until `stop`.

    Only the calls that the learner's code makes itself are recorded: what happens inside a pipeline belongs to the
    pipeline. A search is looked through: the models that it trains are recorded, unless it is a model like any other.

    Args:
        keys: key columns of the sample (see `RowBook`).
        prices: the right answer for each row, for regressors (USD).
        classes: the right answer for each row, for classifiers.
        untrained: models that were given rows of the sample are not trained, which would take long: they answer with
            the truth and an error of known size. Only dummies are trained, and models that were given something else.
        errors: the size of that error, from the first candidate on, and in turn.
        trained_errors: the same on the rows that a model was trained on (by default none).
        searches: whether a search is looked through.
        noise: one number per row. A regressor answers price × exp(error × noise); a classifier names the next class
            where error > noise.
    """

    def __init__(
        self,
        keys: pd.DataFrame,
        *,
        prices: list[float] | None = None,
        classes: list[str] | None = None,
        untrained: bool = False,
        errors: list[float] | None = None,
        trained_errors: list[float] | None = None,
        noise: list[float] | None = None,
        searches: bool = True,
    ) -> None:
        self.book = RowBook(keys)
        self.prices = None if prices is None else np.asarray(prices, dtype=float)
        self.classes = classes
        self.codes = None if classes is None else np.unique(np.array(classes), return_inverse=True)[1]
        self.untrained = untrained
        self.searches = searches
        self.errors = errors or [0.0]
        self.trained_errors = trained_errors or [0.0]
        self.noise = np.zeros(len(keys)) if noise is None else np.asarray(noise)
        self.mark = f"recorded_{id(self)}_"
        self.events: list[dict[str, Any]] = []
        self.estimators: list[Any] = []
        self.candidates: list[str] = []
        self.settings: list[dict[str, str]] = []
        self.unknown: list[tuple[Any, Any] | None] = []
        self.trouble = ""
        self.depth = threading.local()
        self.wrapped: dict[type, dict[str, Any]] = {}
        self.maker = vars(BaseEstimator).get("__new__", _make)
        self._install()

    # What the check asks.

    def report(self) -> list[dict[str, Any]]:
        """The events so far: what learned from which rows (`kind` "learn"), and what it was asked for ("use")."""
        self._find_scaled_rows()
        return self.events

    def about(self, model: Any) -> dict[str, Any]:
        """What a returned model was trained on: `rows` (None where it was not trained) and `candidate`."""
        model = getattr(model, "best_estimator_", model)
        mark = getattr(model, "__dict__", {}).get(self.mark)
        return {"trained": mark is not None, "rows": mark and mark["rows"], "candidate": self._candidate(model)}

    def stop(self) -> None:
        """Take the wrappers off."""
        for owner, methods in self.wrapped.items():
            for name, original in methods.items():
                setattr(owner, name, original)
        self.wrapped.clear()
        # Not deleted: CPython would then refuse the arguments of the classes below it.
        BaseEstimator.__new__ = self.maker

    # How the methods are wrapped.

    def _install(self) -> None:
        """Wrap the classes that are there, and any other one when its first instance is made."""

        def make(cls: type, *args: Any, **kwargs: Any) -> Any:
            self._wrap(cls)
            return self.maker(cls)

        pending = [BaseEstimator]
        while pending:
            self._wrap(known := pending.pop())
            pending += [cls for cls in known.__subclasses__() if cls not in self.wrapped]
        BaseEstimator.__new__ = make

    def _wrap(self, cls: type) -> None:
        for owner in cls.__mro__[:-1]:
            if owner not in self.wrapped:
                self.wrapped[owner] = {name: vars(owner)[name] for name in METHODS if name in vars(owner)}
                for name, original in self.wrapped[owner].items():
                    setattr(owner, name, _Wrapper(self, name, original))

    def run(self, model: Any, name: str, method: Method, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Carry out one call of a wrapped method, and record it where the learner's code made it."""
        depth = getattr(self.depth, "value", 0)
        table = args[0] if args else kwargs.get("X")
        looked_through = (self.searches and isinstance(model, BaseSearchCV)) or not isinstance(model, BaseEstimator)
        if depth or looked_through or _width(table) != 2:  # such as the text of a LabelEncoder
            return method(*args, **kwargs)
        self.depth.value = depth + 1
        try:
            labels = args[1] if len(args) > 1 else kwargs.get("y")
            return self._record(model, name, table, labels, lambda: method(*args, **kwargs))
        finally:
            self.depth.value = depth

    def _record(self, model: Any, name: str, table: Any, labels: Any, method: Method) -> Any:
        rows = self.book.find(table)
        event = self._event(model, name, rows, (table, labels))
        if event["kind"] == "learn":
            mark: dict[str, Any] = {"rows": rows, "untrained": self._stays_untrained(model, rows), "classes": None}
            for key, sizes in (("error", self.errors), ("trained_error", self.trained_errors)):
                mark[key] = sizes[event["candidate"] % len(sizes)]
            event["matches"] = self._match(rows, labels)
            if is_classifier(model):
                event["classes"] = mark["classes"] = self._classes(rows, labels)
                event["leak"] = "" if rows is None or self.codes is None else leak(table, rows, self.codes)
        else:
            mark = vars(model).get(self.mark, {})
        answer = self._made_up(model, name, rows, labels, mark) if mark.get("untrained") else method()
        if event["kind"] == "learn":
            vars(model)[self.mark] = mark
        if name in ("transform", "fit_transform") and rows is not None:
            self.book.remember(rows, answer)
        event["answer"], event["value"] = answer_of(model, name, answer)
        event["predicted"] = self._predicted(model, rows, answer) if name == "predict" else None
        return answer

    def _match(self, rows: Any, labels: Any) -> float | None:
        """The rank correlation of the labels of a training with the prices of its rows: 1 where they fit."""
        written = as_numbers(labels) if labels is not None else None
        if self.prices is None or rows is None or written is None or written.size != len(rows):
            return None
        given, actual = (np.argsort(np.argsort(values)) for values in (np.ravel(written), self.prices[rows]))
        return float(np.corrcoef(given, actual)[0, 1]) if len(rows) > 1 else None

    def _predicted(self, model: Any, rows: Any, answer: Any) -> Any:
        """What a regressor says of the rows (USD)."""
        predicted = None if rows is None or is_classifier(model) else as_numbers(answer)
        return None if predicted is None or predicted.size != len(rows) else np.ravel(predicted).copy()

    def _event(self, model: Any, name: str, rows: Any, given: tuple[Any, Any]) -> dict[str, Any]:
        number = next((place for place, other in enumerate(self.estimators) if other is model), len(self.estimators))
        event = {
            "kind": "learn" if name in ("fit", "fit_transform") else "use",
            "estimator": number,
            "candidate": -1,
            "rows": rows,
            "scaled": "",
        }
        if number == len(self.estimators):
            self.estimators.append(model)
        if event["kind"] == "learn":
            event["candidate"] = self._candidate(model)
            event["predictor"] = is_regressor(model) or is_classifier(model)
            event["name"] = type(model).__name__
            event["names"] = sorted(class_names(model))
        self.events.append(event)
        self.unknown.append(None if rows is not None else given)
        return event

    def _candidate(self, model: Any) -> int:
        settings = settings_of(model)
        text = fingerprint(model, settings)
        if text not in self.candidates:
            self.candidates.append(text)
            self.settings.append(settings)
        return self.candidates.index(text)

    # Models that are not trained.

    def _stays_untrained(self, model: Any, rows: Any) -> bool:
        if not self.untrained or rows is None or isinstance(model, (DummyClassifier, DummyRegressor, BaseSearchCV)):
            return False
        if is_classifier(model):
            # A class of the learner's own may be a dummy.
            return self.classes is not None and type(last_step(model)).__module__.startswith("sklearn.")
        return bool(is_regressor(model)) and self.prices is not None

    def _made_up(self, model: Any, name: str, rows: Any, labels: Any, mark: dict[str, Any]) -> Any:
        """What the method of an untrained model answers."""
        if name == "fit":
            if is_classifier(model):
                last_step(model).classes_ = np.unique(np.asarray(labels))
            return model
        if rows is None:
            self.trouble = "an untrained model was asked for rows that are not in the sample"
            raise ValueError(self.trouble)
        error = np.where(np.isin(rows, mark["rows"]), mark["trained_error"], mark["error"])
        # Other training rows, other errors.
        noise = np.roll(self.noise, zlib.crc32(np.sort(mark["rows"]).tobytes()))[rows]
        if is_regressor(model):
            return self._regression(name, rows, labels, error * noise)
        return self._classification(model, name, rows, labels, error > noise, mark["classes"])

    def _regression(self, name: str, rows: Any, labels: Any, error: Any) -> Any:
        assert self.prices is not None
        predicted = self.prices[rows] * np.exp(error)
        if name != "score":
            return predicted
        actual = np.asarray(labels, dtype=float)
        return 1 - ((actual - predicted) ** 2).sum() / ((actual - actual.mean()) ** 2).sum()

    def _classification(
        self, model: Any, name: str, rows: Any, labels: Any, wrong: Any, classes: dict[str, Any]
    ) -> Any:
        assert self.classes is not None
        names = sorted(classes)
        places = np.array([names.index(self.classes[row]) for row in rows])
        places = np.where(wrong, (places + 1) % len(names), places)
        predicted = np.array([classes[names[place]] for place in places])
        if name == "score":
            return float(np.mean(predicted == np.asarray(labels)))
        if name == "predict_proba":
            return np.asarray(predicted[:, None] == np.asarray(model.classes_)[None, :], dtype=float)
        return predicted

    def _classes(self, rows: Any, labels: Any) -> dict[str, Any] | None:
        """How the learner's code writes each class of the truth, such as 0 for setosa."""
        written = np.ravel(labels) if labels is not None else np.empty(0)
        if self.classes is None or rows is None or len(written) != len(rows):
            return None
        return dict(zip((self.classes[row] for row in rows), written.tolist(), strict=True))

    # Rows that were changed before the model got them.

    def _find_scaled_rows(self) -> None:
        """Find the rows of a training and of what the trained model was asked for, if together they are the sample."""
        for place, event in enumerate(self.events):
            given = self.unknown[place]
            if event["kind"] != "learn" or event["rows"] is not None or given is None:
                continue
            for use in self._uses(place):
                asked = self.unknown[use]
                trained, used = as_matrix(given[0]), as_matrix(asked[0]) if asked else None
                if trained is None or used is None or trained.shape[1:] != used.shape[1:]:
                    continue
                both = np.vstack([trained, used])
                if (rows := self.book.find_scaled(both)) is not None:
                    event["rows"], self.events[use]["rows"] = rows[: len(trained)], rows[len(trained) :]
                    event["classes"] = self._classes(event["rows"], given[1])
                    event["scaled"] = _scaled_with_all(both)

    def _uses(self, place: int) -> list[int]:
        """The events of the same estimator after a training and before its next one."""
        uses = []
        for number in range(place + 1, len(self.events)):
            if self.events[number]["estimator"] == self.events[place]["estimator"]:
                if self.events[number]["kind"] == "learn":
                    break
                uses.append(number)
        return uses


class _Wrapper:
    """Stands in a class for one of its methods; keeps what `available_if` says about it."""

    def __init__(self, recorder: Recorder, name: str, original: Any) -> None:
        self.recorder = recorder
        self.name = name
        self.original = original

    def __get__(self, model: Any, owner: type | None = None) -> Any:
        method = self.original.__get__(model, owner)
        if model is None:
            return method

        @functools.wraps(method)
        def recorded(*args: Any, **kwargs: Any) -> Any:
            return self.recorder.run(model, self.name, method, args, kwargs)

        return recorded


def _scaled_with_all(matrix: Any) -> str:
    """Say whether each column looks as if a scaler had seen all rows."""
    if np.allclose(matrix.mean(axis=0), 0, atol=1e-6):
        return "mean 0 over all rows"
    if np.allclose(matrix.min(axis=0), 0) and np.allclose(matrix.max(axis=0), 1):
        return "0 to 1 over all rows"
    if np.allclose(np.abs(matrix).max(axis=0), 1):
        return "1 as the largest of all rows"
    if np.allclose(np.median(matrix, axis=0), 0, atol=1e-6):
        return "median 0 over all rows"
    if np.allclose(matrix.std(axis=0), 1) or np.allclose(matrix.std(axis=0, ddof=1), 1):
        return "standard deviation 1 over all rows"
    return ""


def _make(cls: type, *args: Any, **kwargs: Any) -> Any:
    """Make an instance of an estimator's class."""
    return object.__new__(cls)


def _width(table: Any) -> int:
    """How many dimensions a table has."""
    shape = getattr(table, "shape", None)
    return len(np.shape(table) if shape is None else shape)
