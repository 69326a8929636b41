"""Judges a cross-validation (1.3) by a model that tells the check which rows it was given."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from lab1_judges.answers import called, stays_untrained
from lab1_judges.samples import KEYS, Generator, draw_sales
from labkit.checks import LabHandle, LearnerError, expect, fail

METRICS = ("rmse", "mae", "r2")
Rows = np.ndarray
MOST_LETTERS = 120
BY_INDEX = (
    "pandas subtracts row by row of the same index: predictions that become a Series need the index of `sales`, or "
    "take `.to_numpy()` of both sides."
)
OUTSIDE = (
    "What learns from data or changes it (scaling, encoding, a log of the price) belongs into the estimator, which "
    "does it anew in each fold: done before the split, it has seen the test rows."
)


@dataclass
class ProbeRun:
    """One cross-validation of a probe: the rows of each training, the rows that were then asked for, the answer."""

    sales: pd.DataFrame
    folds: int
    predicted: Rows
    trained: list[Rows] = field(default_factory=list)
    asked: list[Rows] = field(default_factory=list)
    refitted: bool = False
    problem: dict[str, Any] = field(default_factory=dict)
    answer: Any = None
    after: Any = None
    is_trained: bool = False

    def on_fit(self, table: Any, prices: Any = None, earlier: Any = None) -> int:
        """Note a training; return its number. `earlier` is that of the model's training before, if there was one."""
        rows = self._rows(table)
        self._same_prices(prices, rows)
        if isinstance(earlier, int) and 0 <= earlier < len(self.trained):
            self.refitted |= not np.array_equal(np.sort(rows), np.sort(self.trained[earlier]))
        self.trained.append(rows)
        self.asked.append(np.empty(0, dtype=int))
        return len(self.trained) - 1

    def on_predict(self, number: Any, table: Any) -> Rows:
        """Note which rows are asked for; answer with a price that only the check knows."""
        rows = self._rows(table)
        if isinstance(number, int) and 0 <= number < len(self.asked):
            self.asked[number] = np.union1d(self.asked[number], rows)
        predicted: Rows = self.predicted[rows]
        return predicted

    @property
    def parts(self) -> list[tuple[Rows, Rows]]:
        """For each distinct fold the rows trained on, and the rows that were asked for and not trained on."""
        parts = {}
        for trained, asked in zip(self.trained, self.asked, strict=True):
            unseen = np.setdiff1d(asked, trained)
            if len(unseen):
                parts[unseen.tobytes()] = (trained, unseen)
        return list(parts.values())

    def _rows(self, table: Any) -> Rows:
        known = [name for name in KEYS if name in table] if isinstance(table, pd.DataFrame) else []
        if not known:
            self._refuse("the model gets the raw sales, as a table with their column names", expect.shown(table), "")
        keys = pd.to_numeric(table[known[0]], errors="coerce").to_numpy(dtype=float)
        rows = pd.Index(self.sales[known[0]].astype(float)).get_indexer(keys)
        if (rows < 0).any():
            self._refuse("the model gets the raw values of `sales`", f"`{known[0]}` has other values", OUTSIDE)
        self._same_values(table, rows)
        return rows

    def _same_values(self, table: pd.DataFrame, rows: Rows) -> None:
        self._no_leak(table)
        for name in table.columns.intersection(self.sales.columns):
            raw = self.sales[name].iloc[rows]
            if name in ("date", "price"):
                continue
            values = pd.to_numeric(table[name].astype(object), errors="coerce").to_numpy(dtype=float)
            if not np.allclose(values, raw.to_numpy(dtype=float), rtol=1e-6):
                self._refuse("the model gets the raw values of `sales`", f"`{name}` has other values", OUTSIDE)

    def _no_leak(self, table: pd.DataFrame) -> None:
        """Refuse a new column, such as an encoding that was made of all prices."""
        for name in [name for name in table.columns if name not in self.sales.columns]:
            found = f"it gets a column `{str(name)[:40]}` that `sales` does not have"
            self._refuse("the model gets the columns of `sales`", found, OUTSIDE)

    def _same_prices(self, prices: Any, rows: Rows) -> None:
        actual = self.sales["price"].to_numpy(dtype=float)[rows]
        try:
            given = np.asarray(prices, dtype=float).ravel()
        except (TypeError, ValueError):
            given = np.empty(0)
        if given.shape == actual.shape and np.allclose(given, actual, rtol=1e-6):
            return
        found, help_text = expect.shown(prices), "The second argument of `fit` is the column `price` of the same rows."
        if given.shape == actual.shape and given.max() < 20:
            found = f"numbers between {given.min():.4g} and {given.max():.4g}, such as logarithms"
            help_text = "The model takes dollars and gives dollars: its logarithm is inside it."
        elif given.shape == actual.shape:
            other = int((~np.isclose(given, actual)).sum())
            found = f"{other} of {len(rows)} rows come with another price than their own"
        self._refuse("the model is trained on the prices of its rows, in dollars", found, help_text)

    def _refuse(self, expected: str, found: str, help_text: str) -> None:
        self.problem = self.problem or {"expected": expected, "found": found, "help": help_text}
        raise ValueError(f"expected: {expected}; found: {found}")


def cross_validate(lab: LabHandle, rng: Generator, folds: int = 0) -> ProbeRun:
    """Let the learner's code cross-validate a probe on sales with many houses sold twice, in as many `folds`.

    0: in a number that is drawn.
    """
    sales = draw_sales(rng, 200, sold_twice=60)
    errors = rng.lognormal(0, 0.3, len(sales))
    run = ProbeRun(sales, folds or int(rng.choice([3, 4, 6, 7])), sales["price"].to_numpy() * errors)
    # Functions, not methods: `clone` would copy the object behind a method.
    callbacks = (lambda *given: run.on_fit(*given), lambda *given: run.on_predict(*given))
    probe = lab.make("mlops_probes.spies:ProbeRegressor", *callbacks)
    # In a pipeline: who copies that and not its parts trains the parts of the one that was passed in.
    model = lab.make("sklearn.pipeline:make_pipeline", probe)
    try:
        run.answer, (_, run.after) = called(lab, "house_price", "cross_validate_model", model, sales, folds=run.folds)
    except LearnerError as error:
        if run.problem:
            fail(**run.problem)
        if {"KeyError", "IndexError"} & set(error.base_names):
            error.help = "A splitter gives positions, not labels of the index: take rows with `sales.iloc[…]`."
            if len(error.message) > MOST_LETTERS:  # a KeyError names each of the rows
                error.message = f"{error.message[:MOST_LETTERS]} …"
        raise
    run.is_trained = not probe.lacks("fit_")
    return run


def judge_table(run: ProbeRun) -> None:
    """Fail where the answer is no table of numbers with one row per fold."""
    help_text = "One row per fold: the spread between the folds says how far to trust their mean."
    table = expect.frame(run.answer, "`cross_validate_model(…)`", columns=METRICS)
    expect.that(
        len(table) == run.folds,
        expected=f"folds={run.folds} gives a table of {run.folds} rows",
        found=f"{len(table)} row{'s' * (len(table) != 1)}",
        help=help_text,
    )
    for name in METRICS:
        expect.array(table[name], f"`{name}`", help=BY_INDEX)


def judge_houses(run: ProbeRun) -> None:
    """Fail where a house is trained on and asked for, or the folds are no folds."""
    if not run.parts:
        expected = "each fold is judged by a model that was trained on the other folds"
        if not run.trained:
            help_text = "The argument `model` is the one to judge: train a `clone(model)` for each fold."
            fail(expected=expected, found="`model` was never trained", help=help_text)
        fail(
            expected=expected,
            found="each model was asked for its own training rows only",
            help="A score on training data says how well the model remembers, not how well it will do.",
        )
    ids = run.sales["id"].to_numpy()
    both = [len(np.intersect1d(ids[trained], ids[asked])) for trained, asked in run.parts]
    if any(both):
        fail(
            expected="a house is never in two folds: all sales of an `id` are trained on, or all are judged",
            found=f"in one fold {max(both)} houses are on both sides",
            help="The model is asked for a house that it has learned by heart. `GroupKFold` keeps all rows of a group "
            "in one fold: the group is the `id`.",
        )
    times = np.bincount(np.concatenate([asked for _, asked in run.parts]), minlength=len(ids))
    if (times != 1).any():
        fail(
            expected="each sale is judged in exactly one fold",
            found=f"{int((times == 0).sum())} of {len(ids)} are never judged, {int((times > 1).sum())} more than once",
            help="Folds cut the table into parts, so that each row is in one of them.",
        )
    expect.that(
        len(run.parts) == run.folds,
        expected=f"folds={run.folds} makes {run.folds} folds",
        found=f"{len(run.parts)} folds",
    )


def judge_training_rows(run: ProbeRun) -> None:
    """Fail where a fold's model is trained on some of the other folds' rows only."""
    if not run.parts:
        judge_houses(run)
    expect.that(
        not run.refitted,
        expected="each fold is judged by a model that was trained on the other folds and on nothing before",
        found="a model of one fold was trained again for another",
        help="A model with `warm_start=True` keeps what it has learned, and has then seen its test rows. Make a "
        "`clone(model)` in each fold, not once before them.",
    )
    others = [(trained, len(run.sales) - len(asked)) for trained, asked in run.parts]
    trained, rest = max(others, key=lambda part: abs(len(part[0]) - part[1]) + len(part[0]) - len(np.unique(part[0])))
    expect.that(
        len(np.unique(trained)) == len(trained) == rest,
        expected="each fold is judged by a model that was trained on all the other folds",
        found=f"one model was trained on {len(np.unique(trained))} of the {rest} rows outside its fold"
        + (", some of them more than once" if len(np.unique(trained)) < len(trained) else ""),
        help="Fewer rows make a worse model than the one you will use. In each fold train on everything else.",
    )


def judge_unchanged(run: ProbeRun) -> None:
    """Fail where the model or the table that was passed in is another one after the call."""
    stays_untrained(run.is_trained, "train a fresh `clone(model)` in each fold.")
    expect.that(
        isinstance(run.after, pd.DataFrame) and run.after.equals(run.sales),
        expected="`sales` is the same after the call as before",
        found="it was changed",
        help="Work on a copy.",
    )


def judge_metrics(run: ProbeRun) -> None:
    """Fail where a metric is not that of the unseen rows of its fold, in dollars."""
    judge_table(run)
    if not run.parts:
        judge_houses(run)
    wanted = _scores(run, [asked for _, asked in run.parts], score)
    found = {name: expect.array(run.answer[name], f"`{name}`") for name in METRICS}
    for name in METRICS:
        if not same(found[name], wanted[name], name):
            what = f"`{name}` of the folds, in dollars on the rows not trained on"
            fail(
                expected=f"{what}: {_shown(wanted[name])}",
                found=_shown(found[name]),
                help=explain(run, name, found[name]),
            )
    order = np.argsort(wanted["rmse"])
    by_row = np.argsort(found["rmse"])
    together = all(np.allclose(found[name][by_row], wanted[name][order], rtol=1e-4, atol=1e-3) for name in METRICS)
    expect.that(together, expected="the metrics of a row belong to the same fold", found="they are mixed between folds")


def score(actual: Rows, predicted: Rows) -> dict[str, float]:
    """The three metrics."""
    left = actual - predicted
    return {
        "rmse": float(np.sqrt(np.mean(left**2))),
        "mae": float(np.mean(np.abs(left))),
        "r2": float(1 - (left**2).sum() / ((actual - actual.mean()) ** 2).sum()),
    }


def _spread(actual: Rows, predicted: Rows) -> dict[str, float]:
    return {**score(actual, predicted), "rmse": float(np.std(actual - predicted))}


def _scored_as(function: Callable[[Rows], Rows], actual: Rows, predicted: Rows) -> dict[str, float]:
    return score(function(actual), function(predicted))


def _scores(run: ProbeRun, parts: list[Rows], how: Callable[[Rows, Rows], dict[str, float]]) -> dict[str, Rows]:
    prices = run.sales["price"].to_numpy(dtype=float)
    rows = [how(prices[part], run.predicted[part]) for part in parts]
    return {name: np.array([row[name] for row in rows]) for name in METRICS}


def same(found: Rows, wanted: Rows, name: str) -> bool:
    """Whether two lists of scores are the same but for their order and for rounding."""
    rtol, atol = (0.0, 6e-4) if name == "r2" else (1e-5, 0.0)
    return len(found) == len(wanted) and np.allclose(np.sort(found), np.sort(wanted), rtol=rtol, atol=atol)


def explain(run: ProbeRun, name: str, found: Rows) -> str:
    """Say which mistake gives these numbers."""
    unseen, trained = [asked for _, asked in run.parts], [trained for trained, _ in run.parts]
    right = _scores(run, unseen, score)
    if name == "rmse" and same(found, right["rmse"] ** 2, name):
        return "This is the MSE, in squared dollars: take the square root to be in dollars again."
    for function in (np.log, np.log1p, np.log10):
        logs = _scores(run, unseen, functools.partial(_scored_as, function))
        if same(found, logs[name], name) or (name == "rmse" and same(found, logs[name] ** 2, name)):
            return "This is measured in log dollars: compare prices with predictions in dollars."
    if same(found, _scores(run, trained, score)[name], name):
        return "This is measured on the training data: judge each fold on the rows that were not trained on."
    if same(-found, right[name], name):
        return "scikit-learn's scorers are negative errors (more is better): turn the sign."
    if len(found) > 1 and np.ptp(found) == 0:
        return "All folds have the same number: this looks like a mean, or like one fold measured again and again."
    if name == "rmse" and same(found, right["mae"], name):
        return "This is the mean absolute error."
    if name == "rmse" and same(found, _scores(run, unseen, _spread)["rmse"], name):
        return "This is the standard deviation of the errors, which forgives a model that is always too high."
    if name == "r2" and same(found, _scores(run, unseen, lambda a, p: score(p, a))["r2"], name):
        return "Truth and prediction are swapped: the truth goes first, as in `r2_score(actual, predicted)`."
    if name == "r2" and same(found, np.array([_squared_correlation(run, rows) for rows in unseen]), name):
        return "This is the squared correlation, which forgives a model that is always too high. R² does not."
    return (
        "RMSE is the root of the mean squared error, MAE the mean absolute error, R² as in `sklearn.metrics.r2_score`."
    )


def _squared_correlation(run: ProbeRun, rows: Rows) -> float:
    return float(np.corrcoef(run.sales["price"].to_numpy(dtype=float)[rows], run.predicted[rows])[0, 1] ** 2)


def _shown(values: Rows) -> str:
    return ", ".join(f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}" for value in np.sort(values)[:4]) + (
        ", …" if len(values) > 4 else ""
    )
