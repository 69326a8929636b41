"""A training of week 4 with MLflow and without, and a thousand metrics: medians and ratios of one run."""

from __future__ import annotations

import contextlib
import logging
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.common import median, table
from mlops_lab.services import running

METRICS = 1_000
PARAMS = {"regressor__trees__max_iter": 150}


def measure(repeats: int, rows: int) -> list[str]:
    """Train with a record and without one, and log a thousand metrics; return the table."""
    os.environ |= {"OMP_NUM_THREADS": "1", "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false"}
    os.environ |= {"MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true", "DO_NOT_TRACK": "true"}
    logging.disable(logging.WARNING)
    sales = _sales(rows)
    plain = median(lambda: train_plainly(*sales), repeats)
    found = [("a training, without MLflow", f"{plain:.2f} s", "")]
    for name, store in (("a SQLite file", _file), ("a server", _server)):
        with store():
            tracked = median(lambda: train_tracked(*sales), repeats)
            together, alone = (median(action, repeats) for action in (log_together, log_one_by_one))
        found += [
            (f"the same, recorded in {name}", f"{tracked:.2f} s", f"{tracked / plain:.2f} ×"),
            (f"{METRICS:,} metrics, in batches, {name}", f"{together:.2f} s", ""),
            (f"{METRICS:,} metrics, one by one, {name}", f"{alone:.2f} s", f"{alone / together:.0f} ×"),
        ]
    return table(("", "time", "ratio"), (46, 10, 10), found)


def _sales(rows: int) -> tuple[Any, Any]:
    from lab1_models.house_price import CUTOFF, split_by_time
    from mlops_lab.datasets import load_house_sales

    return split_by_time(load_house_sales().sample(rows, random_state=0), CUTOFF)


def train_plainly(train: Any, test: Any) -> None:
    """The work of `log_training`, whose results go into a folder: folds, model, metrics, pictures, artifact."""
    import pandas as pd

    from lab1_models.house_price import FEATURES, build_model, cross_validate_model, save_model
    from mlops_lab import plots

    model = build_model().set_params(**PARAMS)
    cross_validate_model(model, train)
    fitted = model.fit(train[FEATURES], train["price"])
    predicted = pd.Series(fitted.predict(test[FEATURES]), test.index)
    with tempfile.TemporaryDirectory() as folder:
        plots.save_png(plots.predicted_against_actual(test["price"], predicted), Path(folder, "one.png"))
        plots.save_png(plots.residuals_by_month(test["date"], test["price"], predicted), Path(folder, "two.png"))
        save_model(fitted, train, test, folder)


def train_tracked(train: Any, test: Any) -> None:
    """The training of 4.1."""
    from lab1_models.house_price import build_model
    from lab4_tracking.tracking import log_training

    log_training(train, test, build_model(), PARAMS)


def log_together() -> None:
    """A thousand metrics of one run, sent in one batch."""
    import mlflow
    from mlflow.entities import Metric

    with mlflow.start_run() as run:
        now = int(1_000 * time.time())
        metrics = [Metric("loss", 1 / (step + 1), now, step) for step in range(METRICS)]
        mlflow.MlflowClient().log_batch(run.info.run_id, metrics=metrics)


def log_one_by_one() -> None:
    """The same with one call for each."""
    import mlflow

    with mlflow.start_run():
        for step in range(METRICS):
            mlflow.log_metric("loss", 1 / (step + 1), step=step)


@contextlib.contextmanager
def _file() -> Iterator[None]:
    import mlflow

    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
        mlflow.set_experiment("bench")
        yield


@contextlib.contextmanager
def _server() -> Iterator[None]:
    import mlflow

    with tempfile.TemporaryDirectory() as folder, running("mlflow", Path(folder)) as server:
        mlflow.set_tracking_uri(server.url)
        mlflow.set_experiment("bench")
        yield
