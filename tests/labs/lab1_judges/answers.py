"""Calls that leave open what the exercises leave open, and small words for messages."""

from __future__ import annotations

import contextlib
from typing import Any

import pandas as pd

from labkit.checks import LabHandle, LearnerError, expect, fail

SAYINGS = {
    "truth value of a": "`and`, `or` and `not` do not work on columns: use `&`, `|` and `~`, with brackets around each "
    "comparison: `(a < b) & ~c`.",
    "'rand_'": "`&` binds more tightly than `<`: put brackets around each comparison: `(a < b) & ~c`.",
    "'ror_'": "`|` binds more tightly than `<`: put brackets around each comparison: `(a < b) | c`.",
    "unsupported operand type(s) for &": "`&` binds more tightly than `<`: put brackets around each comparison.",
    "identically-labeled": "`==` and `!=` compare row by row: `a.isin(b)` asks whether each value of `a` is in `b`.",
    "Sparse data was passed": "These trees take no sparse table: `OneHotEncoder(sparse_output=False, …)`.",
    "Input X contains infinity": "The logarithm of 0 is minus infinity: `np.log1p` has an answer for 0, too.",
    "not 'Timestamp'": "A date is no number: do not name `date` among the columns of the model.",
}
"""What pandas and scikit-learn say about common slips, and what it means."""


def explain(error: LearnerError) -> None:
    """Say what a message of pandas or scikit-learn means, where it is one of the common ones."""
    error.help = error.help or next((text for words, text in SAYINGS.items() if words in error.message), "")


def looked_at(lab: LabHandle, module: str, function: str, *args: Any, **kwargs: Any) -> tuple[Any, Any]:
    """Call a function; return its answer, and its first argument as it is after the call."""
    answer, after = called(lab, module, function, *args, **kwargs)
    return answer, after[0]


def called(lab: LabHandle, module: str, function: str, *args: Any, **kwargs: Any) -> tuple[Any, tuple[Any, ...]]:
    """Call a function; return its answer, and its arguments as they are after the call."""
    target = f"{lab._package}.{module}:{function}"
    lab._called(module, function)
    try:
        told = lab.make("mlops_probes.prepare:call", target, *args, doing=f"`{function}(…)`", **kwargs)
    except LearnerError as error:
        explain(error)
        raise
    if not isinstance(told, tuple) or len(told) != 2 or not isinstance(told[1], tuple) or len(told[1]) != len(args):
        fail(expected=f"`{function}(…)` leaves its process as it was", found="an answer of another form")
    return told[0], told[1]


def on_day(lab: LabHandle, module: str, function: str, frame: pd.DataFrame, day: pd.Timestamp) -> tuple[Any, Any]:
    """Call a function of a table and a day, which may be a Timestamp or text; both must give the same."""
    text = day.strftime("%Y-%m-%d")
    try:
        answer, after = looked_at(lab, module, function, frame, day)
    except LearnerError as error:
        with contextlib.suppress(LearnerError):
            looked_at(lab, module, function, frame, text)
            error.help = f"The text '{text}' works, the Timestamp does not: `pd.Timestamp(day)` takes both."
        raise
    again, _ = looked_at(lab, module, function, frame, text)
    if not _alike(answer, again):
        fail(
            expected=f"`{function}(…)` gives the same for the text '{text}' and for the Timestamp of that day",
            found="two different answers",
            help="`pd.Timestamp(day)` takes both, and two days are compared as days, not as texts.",
        )
    return answer, after


def _alike(answer: Any, again: Any) -> bool:
    if isinstance(answer, (tuple, list)) and isinstance(again, (tuple, list)):
        return len(answer) == len(again) and all(map(_alike, answer, again))
    return not isinstance(answer, pd.DataFrame) or answer.equals(again)


def stays_untrained(is_trained: bool, instead: str) -> None:
    """Fail where the model that was passed in was trained."""
    expect.that(
        not is_trained,
        expected="`model` itself stays untrained",
        found="it was trained",
        help=f"Whoever called still has it: {instead}",
    )


def few(values: Any) -> str:
    """The first values as text."""
    items = [str(value) for value in list(values)[:3]]
    return ", ".join(items) + (", …" if len(list(values)) > 3 else "")
