"""The recorder of `mlops_probes.recorder`, from the check's side."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from lab1_judges.samples import Generator
from labkit.checks import LabHandle, LearnerFault, RemoteObject, expect

STATELESS = {"FunctionTransformer", "Normalizer", "Binarizer", "PolynomialFeatures"}
"""Transformers that learn nothing from the rows: scikit-learn has them without a state, or with the columns in it."""
ERRORS = (0.05, 0.1, 0.2, 0.4, 0.6, 0.8)


@contextlib.contextmanager
def recording(lab: LabHandle, keys: pd.DataFrame, **options: Any) -> Iterator[RemoteObject]:
    """Record which rows models are trained on and asked for. `keys` are the columns that name a row."""
    recorder = expect.handle(lab.make("mlops_probes.recorder:Recorder", keys, **options), "the recorder")
    try:
        yield recorder
    finally:
        with contextlib.suppress(LearnerFault):
            recorder.stop()


def events(recorder: RemoteObject) -> list[dict[str, Any]]:
    """What was recorded: plain data, but from the learner's process."""
    found = recorder.report()
    if not isinstance(found, list) or not all(isinstance(event, dict) for event in found):
        return []
    return found


def untrained(rng: Generator, rows: int) -> dict[str, Any]:
    """Options with which models are not trained but answer with an error of known size, another one per candidate.

    On its training rows a candidate errs less, and the best of them there is the worst elsewhere.
    """
    errors = [float(error) for error in rng.permutation(ERRORS)]
    errors[:2] = sorted(errors[:2], reverse=True)  # in the order of the candidates they are never sorted already
    noise = rng.normal(size=rows).tolist()
    return {"untrained": True, "errors": errors, "trained_errors": remembered(errors), "noise": noise}


def remembered(errors: list[float]) -> list[float]:
    """Errors on training rows, in the opposite order of those on other rows."""
    return [(min(ERRORS) + max(ERRORS) - error) / 20 for error in errors]


@dataclass(frozen=True)
class Part:
    """One trained model and the rows it was then asked for.

    `trained` and `unseen` are row numbers of the sample (None where the model got something else); `unseen` were asked
    for and not trained on. `shaped_by` are the rows that a transformer outside the model had learned from before,
    `matches` says how well the prices that it was given fit those of its rows (rank correlation), and `leak` what a
    column gives away that is none of the measures.
    """

    candidate: int
    names: frozenset[str]
    trained: np.ndarray | None
    asked: list[dict[str, Any]]
    unseen: np.ndarray
    shaped_by: np.ndarray
    scaled: str
    classes: dict[str, Any]
    matches: float | None
    leak: str


def parts_of(found: list[dict[str, Any]]) -> list[Part]:
    """Put the events together: each training of a model that predicts, with what it was asked for."""
    parts = []
    for place, event in enumerate(found):
        if event["kind"] != "learn" or not event["predictor"]:
            continue
        asked = []
        for later in found[place + 1 :]:
            if later["estimator"] == event["estimator"]:
                if later["kind"] == "learn":
                    break
                asked.append(later)
        shapers = [
            one["rows"]
            for one in found[:place]
            if one["kind"] == "learn" and not one["predictor"] and not STATELESS & set(one["names"])
        ]
        shapers = [rows for rows in shapers if rows is not None]
        rows = [use["rows"] for use in asked if use["rows"] is not None]
        asked_rows = np.unique(np.concatenate(rows)) if rows else np.empty(0, dtype=int)
        trained = event["rows"]
        # Folds may be prepared before the first training: then it is the one that has learned from these very rows.
        own = [rows for rows in shapers if trained is not None and np.array_equal(np.unique(rows), np.unique(trained))]
        shapers = own or shapers
        parts.append(
            Part(
                candidate=event["candidate"],
                names=frozenset(event["names"]),
                trained=trained,
                asked=asked,
                unseen=asked_rows if trained is None else np.setdiff1d(asked_rows, trained),
                shaped_by=shapers[-1] if shapers else np.empty(0, dtype=int),
                scaled=event["scaled"],
                classes=event.get("classes") or {},
                matches=event.get("matches"),
                leak=str(event.get("leak") or ""),
            )
        )
    return parts
