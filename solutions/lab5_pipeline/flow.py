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
    # solution 5.4
    from mlflow.exceptions import MlflowException

    error = state.result(raise_on_failure=False)
    while isinstance(error, MlflowException):
        error = error.__cause__ or error.__context__
    return isinstance(error, OSError)
    # end solution


# Options of tasks. KEPT: what was computed is computed again only where the inputs or the task's own lines are others.
# A task that stands elsewhere may have it, too.
# OUTSIDE: three more attempts, each after a longer wait than the last one, the first within 10 s, and not all at the
# same moment.
# solution 5.4
KEPT: dict[str, Any] = {"cache_policy": INPUTS + TASK_SOURCE, "persist_result": True}
OUTSIDE: dict[str, Any] = {
    "retries": 3,
    "retry_delay_seconds": exponential_backoff(1),
    "retry_jitter_factor": 0.5,
    "retry_condition_fn": failed_outside,
}
# end solution
# ~ KEPT: dict[str, Any] = {}
# ~ OUTSIDE: dict[str, Any] = {}


@task(name="ingest", timeout_seconds=300, **KEPT, **OUTSIDE)
def ingest(path: str, sha256: str, warehouse: str) -> str:
    """Read a landed file once, and keep it as a blob; return the blob's name.

    Raises:
        MonthRefused: where the file has another content than `sha256` says: somebody replaced it meanwhile.
    """
    # solution 5.4
    data = Path(path).read_bytes()
    if storage.digest(data) != sha256:
        raise MonthRefused(f"{path} was replaced while it was read")
    return storage.put(storage.parse_sales(path, data), Path(warehouse))
    # end solution


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
    # solution 5.4
    key = f"{month} {table}"
    known = training.find_run(key)
    if known is not None:
        return known
    before, _ = training.split_newest(storage.get(table, Path(warehouse)), month)
    return training.log_run(training.fit(before), before, {"pipeline.key": key, "pipeline.month": month})
    # end solution


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
    # solution 5.4
    if not mae <= AT_MOST * guess_mae:
        raise MonthRefused(
            f"the model's error of {mae:,.0f} USD is over {AT_MOST:.0%} of the {guess_mae:,.0f} USD of a plain guess"
        )
    # end solution


@task(name="register", timeout_seconds=300, cache_policy=NO_CACHE, **OUTSIDE)
def register(run_id: str) -> int:
    """Return the version of the run's model in MLflow's registry, registered where it is not there yet.

    The registry stands outside and is asked each time: what it said last month may no longer be so.
    """
    # solution 5.4
    return training.find_version(run_id) or training.register_version(run_id)
    # end solution


# Around the tasks.


def notify(flow: Flow[..., Any], flow_run: FlowRun, state: State[Any]) -> None:
    """Tell the webhook that a flow failed: a POST of `{"text": "2015-03: <reason>"}`, all in one line."""
    # solution 5.4
    url = os.environ.get(WEBHOOK)
    if url:
        error = state.result(raise_on_failure=False)
        reason = " ".join(f"{flow_run.parameters.get('month', flow.name)}: {error or type(error).__name__}".split())
        httpx.post(url, json={"text": reason}, timeout=10).raise_for_status()
    # end solution


@contextlib.contextmanager
def one_run(month: str, warehouse: Path) -> Iterator[None]:
    """Hold the right to run a month for the length of a `with` block. It ends with the process, however that ends.

    Raises:
        MonthRefused: at once, where somebody else holds it.
    """
    # solution 5.4
    path = Path(warehouse, "locks", f"{month}.lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise MonthRefused(f"{month} is being run by somebody else") from None
        yield
    # end solution


def keeping(step: Task[..., Any], warehouse: Path) -> Callable[..., Any]:
    """Return the task with its results in the warehouse. With the tables they go, and then nothing counts as done."""
    return step.with_options(result_storage=Path(warehouse, "results"))


def show(figures: dict[str, Any], report: dict[str, Any], month: str, warehouse: Path) -> None:
    """Put the figures and a plot onto the page of this run, as two artifacts, each with a `key`.

    A table has `mae`, `guess_mae`, `rows`, `good` and `quarantined`. An image is the picture of `training.draw`.
    """
    # solution 5.4
    rows = {"mae": figures["mae"], "guess_mae": figures["guess_mae"]}
    rows |= {name: report[name] for name in ("rows", "good", "quarantined")}
    create_table_artifact(
        [{"figure": name, "value": value} for name, value in rows.items()],
        key="monthly-figures",
        description=f"Figures of {month}; errors in USD",
    )
    picture = training.draw(storage.get(figures["predictions"], warehouse), month)
    create_image_artifact(picture, key="monthly-plot", description=f"Predicted and paid prices of {month}")
    # end solution


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
    # solution 5.4
    where = str(warehouse)
    with one_run(month, warehouse):
        landed = storage.landed_file(month, landing)
        raw = keeping(ingest, warehouse)(str(landed), storage.digest(landed.read_bytes()), where)
        checked = keeping(validate, warehouse)(raw, storage.report_before(month, warehouse), where)
        report = json.loads(checked["report"])
        storage.publish(checked["quarantined"], "quarantine", month, warehouse)
        if not report["accepted"]:
            raise MonthRefused("; ".join(report["problems"]))
        if report["month"] != month:
            raise MonthRefused(f"{landed.name} has the sales of {report['month']}")
        storage.publish(checked["good"], "sales", month, warehouse)
        storage.keep_report(checked["report"], month, warehouse)
        # Later months are not known yet, whoever has run them before.
        parts = {other: name for other, name in storage.partitions("sales", warehouse).items() if other <= month}
        table = keeping(features, warehouse)(parts, where)
        run_id = keeping(train, warehouse)(table, month, where)
        figures = keeping(evaluate, warehouse)(run_id, table, month, where)
        storage.publish(figures["predictions"], "predictions", month, warehouse)
        show(figures, report, month, warehouse)
        keeping(gate, warehouse)(figures["mae"], figures["guess_mae"])
        version = register(run_id)
    told = {name: report[name] for name in ("rows", "good", "quarantined")}
    return {"month": month, "version": version, "mae": figures["mae"], "guess_mae": figures["guess_mae"], **told}
    # end solution


# Many months, and every month.


def end_dead_runs(name: str, parameters: dict[str, Any]) -> int:
    """Tell Prefect that its running runs of a flow with these parameters have crashed; return how many there were.

    Who holds the right to run a month knows that nobody else does. The run of this very process is left alone.
    """
    # solution 5.5
    wanted = FlowRunFilter(state=FlowRunFilterState(type=StateIs(any_=[StateType.RUNNING, StateType.PENDING])))
    with get_client(sync_client=True) as client:
        runs = client.read_flow_runs(flow_filter=FlowFilter(name=FlowFilterName(any_=[name])), flow_run_filter=wanted)
        dead = [
            run
            for run in runs
            if str(run.id) != str(runtime.flow_run.id)
            and all(str(run.parameters.get(key)) == str(value) for key, value in parameters.items())
        ]
        for run in dead:
            client.set_flow_run_state(run.id, Crashed(message="its process has ended"), force=True)
    return len(dead)
    # end solution


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
    # solution 5.5
    import pandas as pd

    months = [str(month) for month in pd.period_range(first, last, freq="M")]
    if not months:
        raise MonthRefused(f"there is no month from {first} to {last}")
    versions, failed = {}, {}
    with one_run("backfill", warehouse):  # one backfill of a warehouse at a time
        end_dead_runs("backfill", {"warehouse": warehouse})
        bar: Any = create_progress_artifact(0.0, key="backfill", description=f"{first} to {last}")
        for done, month in enumerate(months, start=1):
            with contextlib.suppress(MonthRefused), one_run(month, warehouse):
                # Nobody runs it, since we hold it: what Prefect calls running is dead.
                end_dead_runs("monthly", {"month": month, "warehouse": warehouse})
            state = monthly(month, landing=landing, warehouse=warehouse, return_state=True)
            answer: Any = state.result(raise_on_failure=False)
            if state.is_completed():
                versions[month] = answer["version"]
            else:
                failed[month] = answer
            update_progress_artifact(bar, 100 * done / len(months))
    if failed:
        raise MonthRefused("; ".join(f"{month}: {reason}" for month, reason in failed.items()))
    return versions
    # end solution


def month_due(moment: datetime) -> str:
    """Return the month that is complete at `moment` (with its time zone), `2015-02`: the one before, in Seattle.

    Raises:
        ValueError: where `moment` has no time zone.
    """
    # solution 5.5
    import pandas as pd

    if moment.tzinfo is None:
        raise ValueError("a moment without a time zone is no moment")
    here = pd.Timestamp(moment).tz_convert(SEATTLE).tz_localize(None)
    return str(here.to_period("M") - 1)
    # end solution


@flow(name="newest-month")
def newest_month(*, landing: Path, warehouse: Path) -> dict[str, Any]:
    """Run the month that is due. What counts is when this run was planned, not when a worker was free for it."""
    return monthly(month_due(runtime.flow_run.scheduled_start_time), landing=landing, warehouse=warehouse)


def deploy(*, landing: Path, warehouse: Path) -> None:
    """Serve `newest_month` as the deployment `newest-month/every-month`, until the process is ended.

    It is planned for 06:00 of the second day of each month in Seattle, in summer and in winter, with these folders as
    absolute paths. Its concurrency limit is 1: one run at a time.
    """
    # solution 5.5
    folders = {"landing": str(Path(landing).resolve()), "warehouse": str(Path(warehouse).resolve())}
    schedule = Cron("0 6 2 * *", timezone=SEATTLE)
    planned: Any = newest_month.to_deployment("every-month", schedule=schedule, parameters=folders, concurrency_limit=1)
    serve(planned)
    # end solution


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
    # solution 5.6
    done: dict[str, str] = json.loads(memory.read_text(encoding="utf-8")) if memory.exists() else {}
    looks: dict[str, tuple[tuple[int, int], float]] = {}  # name → how it looked, and since when
    settled: dict[str, tuple[int, int]] = {}  # what was started or known already, by how it looked
    while not stop():
        for path in sorted(folder.iterdir()):
            month = storage.month_of(path)
            if month is None:
                continue
            try:
                found = path.stat()
                look = (found.st_size, found.st_mtime_ns)
                if looks.get(path.name, (None,))[0] != look:
                    looks[path.name] = (look, time.monotonic())
                if settled.get(path.name) == look or time.monotonic() - looks[path.name][1] < quiet:
                    continue
                content = storage.digest(path.read_bytes())
            except FileNotFoundError:  # taken away meanwhile
                continue
            if done.get(path.name) != content:
                try:
                    start(month)
                except Exception:
                    logger.exception("%s failed", path.name)
                # Only now: who dies before this starts again, and a month can be run twice without harm.
                done[path.name] = content
                write_atomically(memory, json.dumps(done))
            settled[path.name] = look
        time.sleep(every)
    # end solution
