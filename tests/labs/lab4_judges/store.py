"""What stands in a store of MLflow's, read as data: the worker wrote it, so nothing of it is trusted or run."""

from __future__ import annotations

import contextlib
import math
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from labkit.checks import LabHandle, expect, fail

TEMPLATE = "mlflow.db"
DATABASE = "record.db"  # another name than the one that MLflow takes by itself: the environment has to be heard
MOST_ROWS = 50_000
STEPS = 2_000_000  # of SQLite's machine, in thousands: a view that runs in circles ends there

Metric = tuple[str, float, int]


@dataclass
class Run:
    """One run: `metrics` are (name, value, step) in the order they were logged."""

    id: str
    name: str
    experiment: str
    status: str
    ended: bool
    artifacts: str
    deleted: bool
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    metrics: list[Metric] = field(default_factory=list)

    @property
    def parent(self) -> str:
        """The id of the run that it is nested in, or nothing."""
        return self.tags.get("mlflow.parentRunId", "")

    def last(self, name: str) -> float | None:
        """The value of a metric that was logged last."""
        values = [value for key, value, _ in self.metrics if key == name]
        return values[-1] if values else None


@dataclass
class LoggedModel:
    """One logged model, of MLflow 3: it belongs to a run, and has a folder of its own."""

    id: str
    name: str
    run: str
    folder: str


@dataclass
class Version:
    """One version of a registered model."""

    name: str
    number: int
    run: str
    source: str
    tags: dict[str, str] = field(default_factory=dict)


@dataclass
class Store:
    """All that the checks look at."""

    runs: list[Run]
    experiments: list[str]
    models: list[LoggedModel]
    versions: list[Version]
    aliases: dict[tuple[str, str], int]
    model_tags: dict[str, dict[str, str]]
    registered: list[str]

    def run(self, number: str) -> Run | None:
        """The run of an id."""
        return next((run for run in self.runs if run.id == number), None)

    def of(self, experiment: str) -> list[Run]:
        """The runs of an experiment."""
        return [run for run in self.runs if run.experiment == experiment]

    def version(self, number: int, name: str = "house-price") -> Version | None:
        """One version of a registered model."""
        found = (one for one in self.versions if one.name == name and one.number == number)
        return next(found, None)

    def alias(self, alias: str, name: str = "house-price") -> int | None:
        """The version that an alias points to."""
        return self.aliases.get((name, alias))


def prepare(lab: LabHandle, template: Path | bytes, **environment: str) -> None:
    """Give the worker a fresh store, or one of the check's own, and tell MLflow of it."""
    content = template if isinstance(template, bytes) else fresh(template)
    lab.write_bytes(DATABASE, content)
    lab.make("mlops_probes.tracking:use_store", DATABASE, **environment)


def fresh(template: Path) -> bytes:
    """An empty store. The template was made for a server: here, artifacts lie in the folder beside it."""
    with contextlib.closing(sqlite3.connect(":memory:")) as database:
        database.deserialize((template / TEMPLATE).read_bytes())
        database.execute("update experiments set artifact_location = 'mlruns/' || experiment_id")
        database.commit()
        return database.serialize()


def read(lab: LabHandle) -> Store:
    """Read what the learner's code has left in the worker's store."""
    content = lab.read_bytes(DATABASE)
    if not isinstance(content, bytes):
        fail(expected="the store of MLflow as it was prepared", found=expect.shown(content))
    with contextlib.closing(sqlite3.connect(":memory:")) as database:
        with _readable():
            database.deserialize(content)
        return load(database)


def load(database: sqlite3.Connection) -> Store:
    """Read a store through a connection."""
    with _readable():
        database.execute("pragma trusted_schema = off")
        database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 20_000_000)
        left = iter(range(STEPS))
        database.set_progress_handler(lambda: int(next(left, None) is None), 1_000)
        return _load(database)


@contextlib.contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, MemoryError, OverflowError, TypeError, ValueError) as error:
        fail(
            expected="the store of MLflow as it was prepared",
            found=f"what cannot be read: {error}",
            help="Write to the store through MLflow only.",
        )


def _rows(database: sqlite3.Connection, query: str) -> list[tuple[Any, ...]]:
    return database.execute(query).fetchmany(MOST_ROWS)


def _load(database: sqlite3.Connection) -> Store:
    experiments = {number: str(name) for number, name in _rows(database, "select experiment_id, name from experiments")}
    query = "select run_uuid, name, experiment_id, status, end_time, artifact_uri, lifecycle_stage from runs"
    runs = {
        str(number): Run(
            id=str(number),
            name=str(name or ""),
            experiment=experiments.get(experiment, ""),
            status=str(status),
            ended=end is not None,
            artifacts=_path(uri),
            deleted=stage != "active",
        )
        for number, name, experiment, status, end, uri, stage in _rows(database, f"{query} order by start_time, rowid")
    }
    nowhere = Run("", "", "", "", False, "", True)
    for number, key, value in _rows(database, "select run_uuid, key, value from params"):
        runs.get(number, nowhere).params[str(key)] = str(value)
    for number, key, value in _rows(database, "select run_uuid, key, value from tags"):
        runs.get(number, nowhere).tags[str(key)] = str(value)
    query = "select run_uuid, key, value, step, is_nan from metrics order by step, timestamp, rowid"
    for number, key, value, step, is_nan in _rows(database, query):
        runs.get(number, nowhere).metrics.append((str(key), math.nan if is_nan else float(value), int(step)))
    query = (
        "select model_id, name, source_run_id, artifact_location from logged_models where lifecycle_stage = 'active'"
    )
    models = [
        LoggedModel(str(number), str(name), str(run or ""), _path(folder))
        for number, name, run, folder in _rows(database, query)
    ]
    registered = [str(name) for (name,) in _rows(database, "select name from registered_models")]
    return Store(list(runs.values()), list(experiments.values()), models, *_registry(database), registered)


def _registry(
    database: sqlite3.Connection,
) -> tuple[list[Version], dict[tuple[str, str], int], dict[str, dict[str, str]]]:
    query = "select name, version, run_id, source from model_versions where current_stage != 'Deleted_Internal'"
    versions = {
        (str(name), int(number)): Version(str(name), int(number), str(run or ""), str(source or ""))
        for name, number, run, source in _rows(database, f"{query} order by version")
    }
    for name, number, key, value in _rows(database, "select name, version, key, value from model_version_tags"):
        if found := versions.get((name, number)):
            found.tags[str(key)] = str(value)
    aliases = {
        (str(name), str(alias)): int(number)
        for name, alias, number in _rows(database, "select name, alias, version from registered_model_aliases")
    }
    tags: dict[str, dict[str, str]] = {}
    for name, key, value in _rows(database, "select name, key, value from registered_model_tags"):
        tags.setdefault(str(name), {})[str(key)] = str(value)
    return list(versions.values()), aliases, tags


def _path(uri: object) -> str:
    return str(uri or "").removeprefix("file://")
