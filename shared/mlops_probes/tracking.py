"""What checks of lab 4 put beside the learner's code: a store of MLflow's to write to, small models, broken ones."""

from __future__ import annotations

import importlib
import logging
import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, RegressorMixin

# What the small models look at. The other columns are none of their business.
COLUMNS = ["sqft_living", "grade", "lat", "bathrooms", "view", "sqft_living15"]


def use_store(database: str, **environment: str) -> None:
    """Have MLflow write to this SQLite file in the worker's folder; add to the environment.

    A learner who names a server gets an answer soon: there is none.
    """
    os.environ |= {
        "MLFLOW_TRACKING_URI": f"sqlite:///{os.path.abspath(database)}",
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
        "MLFLOW_HTTP_REQUEST_TIMEOUT": "2",
        **environment,
    }


def prepare_worker() -> None:
    """What the workers of lab 1 need, and an MLflow that does not chat."""
    from mlops_probes import prepare

    os.environ |= {"MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    for name in ("mlflow", "mlflow.sklearn", "alembic"):
        logging.getLogger(name).setLevel(logging.ERROR)
    prepare.prepare_worker()


def small_model(alpha: float = 1.0) -> Any:
    """An untrained estimator that takes raw sales and learns in a millisecond; its setting is `ridge__alpha`."""
    from sklearn.compose import ColumnTransformer
    from sklearn.linear_model import Ridge
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import StandardScaler

    columns = ColumnTransformer([("numbers", StandardScaler(), COLUMNS)])
    return Pipeline([("columns", columns), ("ridge", Ridge(alpha=alpha))])


class Broken(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """An estimator that raises a ValueError with this text: in `fit`, or in `predict` where that is said."""

    def __init__(self, text: str = "", where: str = "fit") -> None:
        self.text = text
        self.where = where

    def fit(self, X: Any, y: Any) -> Broken:
        """Learn the mean, or fail."""
        self.mean_ = float(np.mean(y))
        return self._maybe("fit")

    def predict(self, X: Any) -> Any:
        """Answer with the mean, or fail."""
        self._maybe("predict")
        return np.full(len(X), self.mean_)

    def _maybe(self, where: str) -> Broken:
        if where == self.where:
            raise ValueError(self.text)
        return self


def learned(model: Any) -> list[str]:
    """What an estimator and its parts have learned: the names that end with `_`."""
    parts = [model, *getattr(model, "get_params", dict)().values()]
    own = [vars(part) for part in parts if hasattr(part, "get_params") and not isinstance(part, type)]
    return [name for names in own for name in names if name.endswith("_") and not name.startswith("_")]


def ask_logged(uri: str, frame: pd.DataFrame) -> Any:
    """What a logged model answers, loaded as a service would do it: with its signature enforced."""
    import mlflow

    return np.asarray(mlflow.pyfunc.load_model(uri).predict(frame), dtype=float)


def end_open_run() -> bool:
    """Whether a run is still open; it is ended, so that the next one is not nested in it."""
    import mlflow

    is_open = mlflow.active_run() is not None
    while mlflow.active_run() is not None:
        mlflow.end_run("KILLED")
    return is_open


def logged_run(fingerprint: str, frame: pd.DataFrame | None) -> str:
    """A finished run that was trained on a table, with the tags that `package.module:function` makes of it; its id."""
    import mlflow

    module, _, name = fingerprint.partition(":")
    with mlflow.start_run() as run:
        mlflow.set_tags({} if frame is None else getattr(importlib.import_module(module), name)(frame))
    return str(run.info.run_id)


def with_path(target: str, run: str, path: str) -> Any:
    """Call `package.module:function` with a run and a path."""
    module, _, name = target.partition(":")
    return getattr(importlib.import_module(module), name)(run, Path(path))


def pointer_as_data(target: str, path: str) -> dict[str, Any]:
    """What `package.module:function` reads in a `.dvc` file, as plain values."""
    module, _, name = target.partition(":")
    pointer = getattr(importlib.import_module(module), name)(Path(path))
    return {"path": Path(pointer.path).as_posix(), "md5": pointer.md5, "size": pointer.size}
