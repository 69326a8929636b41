"""The month's pipeline: a file of sales becomes a registered version, or a reason why not. With Prefect.

    ingest → validate → features → train → evaluate → gate → register

The tasks hand on the names of tables (see `storage`), never the tables: a name is small, and says which rows are meant.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import os
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
from prefect import Flow, Task, flow, get_client, runtime, serve, task
from prefect.artifacts import (
    create_image_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)
from prefect.cache_policies import INPUTS, NO_CACHE, TASK_SOURCE
from prefect.client.schemas.filters import FlowFilter, FlowFilterName, FlowRunFilter, FlowRunFilterState
from prefect.client.schemas.filters import FlowRunFilterStateType as StateIs
from prefect.client.schemas.objects import FlowRun, State, StateType, TaskRun
from prefect.schedules import Cron
from prefect.states import Crashed
from prefect.tasks import exponential_backoff

from lab5_pipeline import storage, training
from lab5_pipeline.storage import MonthRefused
from mlops_lab.files import write_atomically

logger = logging.getLogger(__name__)

WEBHOOK = "PIPELINE_WEBHOOK"
"""The environment variable with the address that hears of failures; nobody hears of them where it is not set."""
AT_MOST = 0.9
"""A model is registered where its error is at most this share of that of the best guess without a model."""
SEATTLE = "America/Los_Angeles"


# The tasks.


def failed_outside(task: Task[..., Any], run: TaskRun, state: State[Any]) -> bool:
    """Say whether a task failed for a reason outside of our code, which may be gone in a moment.

    That is an `OSError` (the share, the network), and an error of MLflow's client that such a one is the cause of. A
    month that is refused and a bug of our own fail in the same way the next time.
    """
    # TODO 5.4: From a file to a version
    raise NotImplementedError


# Options of tasks. KEPT: what was computed is computed again only where the inputs or the task's own lines are others.
# A task that stands elsewhere may have it, too.
# OUTSIDE: three more attempts, each after a longer wait than the last one, the first within 10 s, and not all at the
# same moment.
# TODO 5.4: From a file to a version
KEPT: dict[str, Any] = {}
OUTSIDE: dict[str, Any] = {}


@task(name="ingest", timeout_seconds=300, **KEPT, **OUTSIDE)
def ingest(path: str, sha256: str, warehouse: str) -> str:
    """Read a landed file once, and keep it as a blob; return the blob's name.

    Raises:
        MonthRefused: where the file has another content than `sha256` says: somebody replaced it meanwhile.
    """
    # TODO 5.4: From a file to a version
    raise NotImplementedError


@task(name="validate", timeout_seconds=300, **KEPT)
def validate(raw: str, previous: str | None, warehouse: str) -> dict[str, str]:
    """Hold the rows against the contract of 5.2; return the names of `good` and `quarantined`, and the `report`.

    `previous` is the report of the month before, as JSON, as is `report`.
    """
    from lab5_pipeline.contract import BatchReport, check_batch, split_valid

    split = split_valid(storage.get(raw, Path(warehouse)))
    report = check_batch(split, BatchReport.from_json(previous) if previous else None)
    parts = {"good": split.good, "quarantined": split.quarantined}
    return {name: storage.put(part, Path(warehouse)) for name, part in parts.items()} | {"report": report.to_json()}


@task(name="features", timeout_seconds=600, **KEPT)
def features(parts: dict[str, str], warehouse: str) -> str:
    """Make one training table of the good rows of all months so far (month → blob); return its name."""
    import pandas as pd

    from lab5_pipeline.features import training_frame

    sales = pd.concat([storage.get(name, Path(warehouse)) for name in parts.values()], ignore_index=True)
    return storage.put(training_frame(sales), Path(warehouse))


@task(name="train", timeout_seconds=1800, **KEPT, **OUTSIDE)
def train(table: str, month: str, warehouse: str) -> str:
    """Train on what came before the month, and return the id of MLflow's run.

    The run has the tag `pipeline.key`: month and table. Where there is such a run already, nothing is trained.
    """
    # TODO 5.4: From a file to a version
    raise NotImplementedError


@task(name="evaluate", timeout_seconds=600, **KEPT, **OUTSIDE)
def evaluate(run_id: str, table: str, month: str, warehouse: str) -> dict[str, Any]:
    """Ask the model of the run for the newest sales.

    Returns `mae`, the mean absolute error in USD; `guess_mae`, the same of the median price of what was trained on; and
    `predictions`, the name of a table with `id`, `date`, `price` and `predicted`.
    """
    before, newest = training.split_newest(storage.get(table, Path(warehouse)), month)
    predicted = training.load_model(run_id).predict(training.inputs_of(newest))
    predictions = newest[["id", "date", "price"]].assign(predicted=predicted)
    return {
        "mae": float((predictions["predicted"] - predictions["price"]).abs().mean()),
        "guess_mae": float((before["price"].median() - newest["price"]).abs().mean()),
        "predictions": storage.put(predictions, Path(warehouse)),
    }


@task(name="gate", timeout_seconds=60, **KEPT)
def gate(mae: float, guess_mae: float) -> None:
    """Let a model through whose error is at most `AT_MOST` times that of the best guess.

    Raises:
        MonthRefused: with both figures, also where one of them is NaN.
    """
    # TODO 5.4: From a file to a version
    raise NotImplementedError


@task(name="register", timeout_seconds=300, cache_policy=NO_CACHE, **OUTSIDE)
def register(run_id: str) -> int:
    """Return the version of the run's model in MLflow's registry, registered where it is not there yet.

    The registry stands outside and is asked each time: what it said last month may no longer be so.
    """
    # TODO 5.4: From a file to a version
    raise NotImplementedError


# Around the tasks.


def notify(flow: Flow[..., Any], flow_run: FlowRun, state: State[Any]) -> None:
    """Tell the webhook that a flow failed: a POST of `{"text": "2015-03: <reason>"}`, all in one line."""
    # TODO 5.4: From a file to a version
    raise NotImplementedError


@contextlib.contextmanager
def one_run(month: str, warehouse: Path) -> Iterator[None]:
    """Hold the right to run a month for the length of a `with` block. It ends with the process, however that ends.

    Raises:
        MonthRefused: at once, where somebody else holds it.
    """
    # TODO 5.4: From a file to a version
    raise NotImplementedError


def keeping(step: Task[..., Any], warehouse: Path) -> Callable[..., Any]:
    """Return the task with its results in the warehouse. With the tables they go, and then nothing counts as done."""
    return step.with_options(result_storage=Path(warehouse, "results"))


def show(figures: dict[str, Any], report: dict[str, Any], month: str, warehouse: Path) -> None:
    """Put the figures and a plot onto the page of this run, as two artifacts, each with a `key`.

    A table has `mae`, `guess_mae`, `rows`, `good` and `quarantined`. An image is the picture of `training.draw`.
    """
    # TODO 5.4: From a file to a version
    raise NotImplementedError


@flow(name="monthly", on_failure=[notify])
def monthly(month: str, *, landing: Path, warehouse: Path) -> dict[str, Any]:
    """Turn the landed file of a month into a version in the registry.

    Runs the seven tasks in their order. Publishes the good rows as the month's one partition of `sales`, the refused
    ones as that of `quarantine`, what the model said as that of `predictions`, and the report of the batch. Where the
    batch is refused, or where it is not of this month, `quarantine` is published all the same, and nothing else.

    To run a month again changes nothing and computes nothing; a file with another content is another month's work.

    Returns `month`, `version`, `mae` and `guess_mae` (USD), `rows`, `good` and `quarantined`.

    Raises:
        MonthRefused: with the reason. No task after the one that refused is run.
    """
    # TODO 5.4: From a file to a version
    raise NotImplementedError


# Many months, and every month.


def end_dead_runs(name: str, parameters: dict[str, Any]) -> int:
    """Tell Prefect that its running runs of a flow with these parameters have crashed; return how many there were.

    Who holds the right to run a month knows that nobody else does. The run of this very process is left alone.
    """
    # TODO 5.5: Many months, and every month
    raise NotImplementedError


@flow(name="backfill", on_failure=[notify])
def backfill(first: str, last: str, *, landing: Path, warehouse: Path) -> dict[str, int]:
    """Run `monthly` for each month from `first` to `last`, both included, the oldest first; return month → version.

    A progress artifact with the key `backfill` goes from 0 to 100 with the months that are over, well or not. A month
    that fails does not hold up the others. A backfill that was killed is resumed by running it again: what was done is
    not done again, and the killed runs count as crashed.

    Raises:
        MonthRefused: at the end, with each month that failed and its reason, and no other; at once where there is no
            month.
    """
    # TODO 5.5: Many months, and every month
    raise NotImplementedError


def month_due(moment: datetime) -> str:
    """Return the month that is complete at `moment` (with its time zone), `2015-02`: the one before, in Seattle.

    Raises:
        ValueError: where `moment` has no time zone.
    """
    # TODO 5.5: Many months, and every month
    raise NotImplementedError


@flow(name="newest-month")
def newest_month(*, landing: Path, warehouse: Path) -> dict[str, Any]:
    """Run the month that is due. What counts is when this run was planned, not when a worker was free for it."""
    return monthly(month_due(runtime.flow_run.scheduled_start_time), landing=landing, warehouse=warehouse)


def deploy(*, landing: Path, warehouse: Path) -> None:
    """Serve `newest_month` as the deployment `newest-month/every-month`, until the process is ended.

    It is planned for 06:00 of the second day of each month in Seattle, in summer and in winter, with these folders as
    absolute paths. Its concurrency limit is 1: one run at a time.
    """
    # TODO 5.5: Many months, and every month
    raise NotImplementedError


def watch_landing(
    folder: Path,
    start: Callable[[str], object],
    *,
    memory: Path,
    quiet: float = 5.0,
    every: float = 1.0,
    stop: Callable[[], bool] = lambda: False,
) -> None:
    """Call `start("2015-03")` for each file `2015-03.parquet` or `2015-03.csv` in a folder, once, when it is whole.

    Looks each `every` seconds, and asks `stop()` once before each look. A file is whole where its size and its time of
    change have been the same for `quiet` seconds. Other names are left alone. Months that become whole at the same time
    are started in their order, one after the other.

    Once: a file that has the content of the last one of its name starts nothing, neither after a restart nor when it is
    copied anew. `memory` is the file that this is kept in. A file with another content starts its month again. Where
    `start` raises, this is logged, and the watch goes on; such a file is not tried again either. Where the process dies
    in the middle of `start`, the file is started anew by the next watch.
    """
    # TODO 5.6: A file that arrives starts its month
    raise NotImplementedError
