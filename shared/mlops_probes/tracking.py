"""What checks of lab 4 put beside the learner's code: a store of MLflow's to write to, small models, broken ones."""

from __future__ import annotations

import importlib
import logging
import os
import time
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


class Diverged(Exception):
    """No other error of Python's: who catches it has to catch each `Exception`."""


class Broken(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """An estimator that raises with this text: a ValueError in `fit`, or Diverged in `predict` where that is said.

    It raises where it is given `rows` rows or more.
    """

    def __init__(self, text: str = "", where: str = "fit", rows: int = 0) -> None:
        self.text = text
        self.where = where
        self.rows = rows

    def fit(self, X: Any, y: Any) -> Broken:
        """Learn the mean, or fail."""
        self.mean_ = float(np.mean(y))
        return self._maybe("fit", len(X))

    def predict(self, X: Any) -> Any:
        """Answer with the mean, or fail."""
        self._maybe("predict", len(X))
        return np.full(len(X), self.mean_)

    def _maybe(self, where: str, rows: int) -> Broken:
        if where == self.where and rows >= self.rows:
            raise ValueError(self.text) if where == "fit" else Diverged(self.text)
        return self


def learned(model: Any) -> list[str]:
    """What an estimator and its parts have learned: the names that end with `_`."""
    parts = [model, *getattr(model, "get_params", dict)().values()]
    own = [vars(part) for part in parts if hasattr(part, "get_params") and not isinstance(part, type)]
    return [name for names in own for name in names if name.endswith("_") and not name.startswith("_")]


def alpha_of(model: Any) -> float:
    """The setting of a `small_model`."""
    return float(model.get_params()["ridge__alpha"])


def ask_logged(uri: str, frame: pd.DataFrame) -> Any:
    """What a logged model answers, loaded as a service would do it: with its signature enforced."""
    import mlflow

    return np.asarray(mlflow.pyfunc.load_model(uri).predict(frame), dtype=float)


def columns_of(uri: str) -> list[str]:
    """The columns that a logged model of scikit-learn was trained on, in their order."""
    import mlflow

    return [str(name) for name in getattr(mlflow.sklearn.load_model(uri), "feature_names_in_", ())]


def end_open_run() -> bool:
    """Whether a run is still open; it is ended, so that the next one is not nested in it."""
    import mlflow

    is_open = mlflow.active_run() is not None
    while mlflow.active_run() is not None:
        mlflow.end_run("KILLED")
    return is_open


ASKED: list[str] = []
"""The `label` of a `Lookup`, once for each time that one was asked in this process."""


class Lookup(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """A model whose answers the check has written: for each `sqft_lot` a price.

    Args:
        answers: prices by `sqft_lot`.
        one: seconds that it takes for one row, the first time, the second time, …; the last ones go on.
        many: seconds that it takes for more of them.
        label: what stands in `ASKED`.
    """

    def __init__(
        self,
        answers: dict[int, float] | None = None,
        one: tuple[float, ...] = (0.0,),
        many: float = 0.0,
        label: str = "",
    ) -> None:
        self.answers = answers
        self.one = one
        self.many = many
        self.label = label

    def fit(self, X: Any, y: Any = None) -> Lookup:
        """Learn nothing."""
        self.times_ = 0
        return self

    def predict(self, X: pd.DataFrame) -> Any:
        """Look up the prices."""
        assert self.answers is not None
        ASKED.append(self.label)
        if len(X) == 1:
            time.sleep(self.one[min(self.times_, len(self.one) - 1)])
            self.times_ += 1
        else:
            time.sleep(self.many)
        return np.array([self.answers[int(key)] for key in X["sqft_lot"]])


def asked(label: str) -> int:
    """How often models of this label were asked so far."""
    return ASKED.count(label)


def add_versions(name: str, frame: pd.DataFrame, versions: list[dict[str, Any]]) -> list[int]:
    """Log a `Lookup` for each entry and register it; return the versions.

    An entry has what `Lookup` takes. The signature takes the columns `inputs`; those of `floats` are numbers with a
    fraction, and with `bare` there is no signature at all.
    """
    import warnings

    import mlflow
    from mlflow.models import infer_signature

    found = []
    with mlflow.start_run():
        for one in versions:
            seconds, many = tuple(one.get("one", (0.0,))), one.get("many", 0.0)
            model = Lookup(one["answers"], seconds, many, one.get("label", "")).fit(None)
            inputs = frame[one["inputs"]].head(2).astype(dict.fromkeys(one.get("floats", []), float))
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                signature = False if one.get("bare") else infer_signature(inputs, np.array([1.0, 2.0]))
            logged = mlflow.sklearn.log_model(
                model,
                name="model",
                signature=signature,
                pip_requirements=["scikit-learn"],
                serialization_format="cloudpickle",
            )
            found.append(int(mlflow.register_model(logged.model_uri, name).version))
    return found


def lock(name: str) -> None:
    """Take the lock of a registered model, as a process that is at work."""
    import mlflow

    mlflow.MlflowClient().create_registered_model(f"{name}.lock")


def unlock(name: str) -> None:
    """Give it back."""
    import mlflow

    mlflow.MlflowClient().delete_registered_model(f"{name}.lock")


def point(name: str, alias: str, version: int) -> None:
    """Let an alias point to a version."""
    import mlflow

    mlflow.MlflowClient().set_registered_model_alias(name, alias, str(version))


def unpoint(name: str, alias: str) -> None:
    """Let an alias point to no version."""
    import mlflow

    mlflow.MlflowClient().delete_registered_model_alias(name, alias)


class Tuner:
    """Stands in for lab 1's search, `package.module`, until the worker ends: answers at once, with these results."""

    def __init__(self, module: str, results: pd.DataFrame) -> None:
        owner: Any = importlib.import_module(module)
        self.calls: list[list[Any]] = []

        def tune_model(sales: pd.DataFrame, n_candidates: int = 20, seed: int = 0) -> tuple[Any, pd.DataFrame]:
            self.calls.append([len(sales), n_candidates, seed])
            return small_model().fit(sales, sales["price"]), results.head(n_candidates).copy()

        owner.tune_model = tune_model


class Restless(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """An estimator that answers otherwise after each training: it has no seed."""

    def fit(self, X: Any, y: Any) -> Restless:
        """Learn the mean, more or less."""
        self.mean_ = float(np.mean(y)) * float(np.random.default_rng().uniform(0.5, 1.5))
        return self

    def predict(self, X: Any) -> Any:
        """Answer with it."""
        return np.full(len(X), self.mean_)


def add_run(experiment: str, status: str) -> str:
    """Make a run without a model that has ended with this status."""
    import mlflow

    client = mlflow.MlflowClient()
    known = client.get_experiment_by_name(experiment)
    run = client.create_run(known.experiment_id if known else client.create_experiment(experiment))
    client.log_metric(run.info.run_id, "rmse", 1.0)
    if status != "RUNNING":
        client.set_terminated(run.info.run_id, status)
    return str(run.info.run_id)


def logged_run(fingerprint: str, frame: pd.DataFrame | None) -> str:
    """A finished run that was trained on a table, with the tags that `package.module:function` makes of it; its id."""
    import mlflow

    module, _, name = fingerprint.partition(":")
    with mlflow.start_run() as run:
        mlflow.set_tags({} if frame is None else getattr(importlib.import_module(module), name)(frame))
    return str(run.info.run_id)


def set_status(run: str, status: str) -> None:
    """Say otherwise how a run has ended, or that it has not."""
    import mlflow

    mlflow.MlflowClient().update_run(run, status)


def tag_run(run: str, name: str, value: str) -> None:
    """Tag a run that has ended."""
    import mlflow

    mlflow.MlflowClient().set_tag(run, name, value)


def relog(run: str, name: str, factor: float) -> None:
    """Let the last value of a metric be that many times what it was."""
    import mlflow

    client = mlflow.MlflowClient()
    last = max(client.get_metric_history(run, name), key=lambda one: one.timestamp)
    client.log_metric(run, name, last.value * factor, timestamp=last.timestamp + 1_000, step=last.step)


def with_path(target: str, run: str, path: str) -> Any:
    """Call `package.module:function` with a run and a path."""
    module, _, name = target.partition(":")
    return getattr(importlib.import_module(module), name)(run, Path(path))


def pointer_as_data(target: str, path: str) -> dict[str, Any]:
    """What `package.module:function` reads in a `.dvc` file, as plain values."""
    module, _, name = target.partition(":")
    pointer = getattr(importlib.import_module(module), name)(Path(path))
    return {"path": Path(pointer.path).as_posix(), "md5": pointer.md5, "size": pointer.size}
