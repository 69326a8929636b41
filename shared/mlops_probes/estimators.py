"""What the recorder wants to know about an estimator: its classes, its settings, what it answered."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from sklearn.base import is_classifier


def answer_of(model: Any, name: str, answer: Any) -> tuple[list[Any] | None, float | None]:
    """The classes that a classifier named, and its score."""
    if name == "score":
        return None, float(answer)
    if name == "predict" and is_classifier(model):
        return np.asarray(answer).tolist(), None
    if name == "predict_proba":
        return np.asarray(model.classes_)[np.argmax(answer, axis=1)].tolist(), None
    return None, None


def last_step(model: Any) -> Any:
    """The step of a pipeline that predicts."""
    while hasattr(model, "steps"):
        model = model.steps[-1][1]
    return model


def class_names(model: Any) -> set[str]:
    """The class names of an estimator and of all estimators inside it."""
    names = {base.__name__ for base in type(model).__mro__[:-1]}
    parts = list(getattr(model, "get_params", dict)().values())
    for value in parts:
        if hasattr(value, "get_params") and not isinstance(value, type):
            names |= {base.__name__ for base in type(value).__mro__[:-1]}
    return names


def settings_of(model: Any) -> dict[str, str]:
    """The settings of an estimator by name, as text, without its seeds."""
    settings: dict[str, Any] = getattr(model, "get_params", dict)()
    free = ("random_state", "n_jobs", "verbose")
    return {name: _shown(value) for name, value in settings.items() if not name.endswith(free)}


def fingerprint(model: Any, settings: dict[str, str]) -> str:
    """An estimator's class and settings as text: the same for its clones."""
    return f"{type(model).__name__}({', '.join(sorted(f'{name}={value}' for name, value in settings.items()))})"


def _shown(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(_shown(item) for item in value)}]"
    if hasattr(value, "get_params") or callable(value):
        return getattr(value, "__qualname__", type(value).__name__)
    value = value.item() if isinstance(value, np.generic) else value  # `np.float64(0.1)` is the same setting as 0.1
    return re.sub(r" at 0x[0-9a-f]+", "", repr(value)[:2000])
