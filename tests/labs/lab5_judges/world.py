"""Months of sales that land, flows that run on them, and what they leave in the warehouse, MLflow and Prefect."""

from __future__ import annotations

import io
import json
import sqlite3
import tempfile
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lab5_judges import months
from lab5_judges.prefect_api import Prefect
from labkit.checking.doors import Door
from labkit.checks import CheckFailed, LabHandle, expect, fail

DATABASE = "mlflow.db"
WEBHOOK = "PIPELINE_WEBHOOK"
ROWS = 400
"""Rows of a month: enough for a model that passes the gate on every draw, and two bad ones are within the agreed share.
"""
DEAREST = 1_500_000
"""USD; a few dearer houses would decide over the error of a small sample."""


@dataclass
class Run:
    """One run of a flow, and what it changed."""

    answer: Any
    error: tuple[str, str] | None
    flow_run: dict[str, Any]
    posts: list[str]
    fits: int
    versions: list[tuple[int, str]]
    """The versions in the registry afterwards, each with the id of its run."""
    fitted: int = 0
    """How many rows the newest model was trained on, in this run or before."""
    calls: int = 0
    """How often the function that fails was called."""

    @property
    def told(self) -> str:
        """How it ended, in words."""
        return f"{self.error[0]}: {self.error[1][:300]}" if self.error else f"it ended well ({self.answer})"


@dataclass
class World:
    """A worker with a landing folder, a warehouse and a registry, shared by the checks of one exercise."""

    lab: LabHandle
    prefect: Prefect
    rng: np.random.Generator
    on_fit: Callable[[], object] | None = None
    landing: str = ""
    warehouse: str = ""
    stage: Any = None
    _done: dict[str, Any] = field(default_factory=dict)
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    landed: dict[str, bytes] = field(default_factory=dict)

    @classmethod
    def build(
        cls,
        lab: LabHandle,
        door: Door,
        database: Path,
        rng: np.random.Generator,
        on_fit: Callable[[], object] | None = None,
    ) -> World:
        """Prepare the worker: MLflow's file, a quick model, a webhook."""
        world = cls(lab, Prefect(door.url), rng, on_fit)
        world.landing, world.warehouse = f"{lab.folder}/landing", f"{lab.folder}/warehouse"
        lab.write_bytes(DATABASE, (database / DATABASE).read_bytes())
        arguments = (lab._package, DATABASE) if on_fit is None else (lab._package, DATABASE, on_fit)
        world.stage = lab.make("mlops_probes.flows:Stage", *arguments)
        # A backfill goes over the end of a year: its months begin with November or December.
        first = int(rng.integers(0, 8) if on_fit is None else rng.integers(6, 8))
        world.months = [str(one) for one in months.months()[first : first + 4]]
        return world

    months: list[str] = field(default_factory=list)

    def once(self, name: str, make: Callable[[], Any]) -> Any:
        """What `make` answers, made once; where it failed, it fails each time."""
        if name not in self._done:
            try:
                self._done[name] = make()
            except CheckFailed as failed:
                self._done[name] = failed
        found = self._done[name]
        if isinstance(found, CheckFailed):
            raise CheckFailed(found.expected, found.found, found.help)
        return found

    def draw(self, month: str, *, bad: int = 2, rows: int = ROWS) -> pd.DataFrame:
        """Some real sales of a month, the last day among them, and `bad` rows that break the contract."""
        sales = months.month_of(pd.Period(month)).drop_duplicates("id")
        sales = sales[sales["price"] < DEAREST]
        last = sales.nlargest(1, "date")
        others = sales.drop(last.index).sample(rows - 1, random_state=self.rng)
        table = pd.concat([others, last]).reset_index(drop=True)
        places = self.rng.choice(rows - 1, bad, replace=False)
        table.loc[places, "bedrooms"] = 400
        return table

    def land(self, month: str, table: pd.DataFrame | bytes, kind: str = "parquet") -> None:
        """Put the file of a month into the landing folder."""
        if isinstance(table, pd.DataFrame):
            self.tables[month] = table
            table = as_parquet(table) if kind == "parquet" else table.to_csv(index=False).encode()
        self.landed[month] = table
        self.lab.write_bytes(f"landing/{month}.{kind}", table)

    def run(self, month: str) -> Run:
        """Run a month."""
        if "webhook" not in self._done:
            self.once("webhook", lambda: self.stage.listen(WEBHOOK))
        return self.watch(
            "monthly", f"{self.lab._package}.flow:monthly", month, landing=self.landing, warehouse=self.warehouse
        )

    def watch(self, flow: str, target: str, *args: Any, **kwargs: Any) -> Run:
        """Call a flow in the worker, and see what it left behind."""
        self.stage.count_fits()
        self.stage.take_posts()
        before = {run["id"] for run in self.prefect.flow_runs(flow)}
        answer = self.lab.make(
            "mlops_probes.flows:attempt", target, *args, doing=f"`{target.partition(':')[2]}(…)`", **kwargs
        )
        new = [run for run in self.prefect.flow_runs(flow) if run["id"] not in before]
        expect.that(
            len(new) == 1,
            expected=f"one run of a flow with the name `{flow}` at Prefect's server",
            found=f"{len(new)} new runs; the call: {answer}"[:400],
            help=f'Is the function decorated with `@flow(name="{flow}")`?',
        )
        worked = answer[0] == "answer"
        return Run(
            answer=answer[1] if worked else None,
            error=None if worked else (str(answer[1]), str(answer[2])),
            flow_run=new[0],
            posts=[str(post) for post in self.stage.take_posts()],
            fits=int(self.stage.count_fits()),
            versions=self.versions(),
            fitted=int(self.stage.attr("fitted")),
        )

    # What lies about.

    def versions(self) -> list[tuple[int, str]]:
        """The versions of `house-price` in the registry, each with the id of its run."""
        return self.query("select version, run_id from model_versions where name = 'house-price' order by version")

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Ask MLflow's file."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, DATABASE)
            path.write_bytes(self.lab.read_bytes(DATABASE))
            try:
                with closing(sqlite3.connect(path)) as database:
                    return database.execute(sql).fetchall()
            except sqlite3.Error as error:
                fail(expected="MLflow's record can be read", found=str(error)[:200])

    def files(self, table: str) -> list[str]:
        """The files of a table of the warehouse, relative to it."""
        found = [str(one) for one in self.lab.list_files(self.lab.folder)]
        inside = [one.partition("warehouse/")[2] for one in found if "warehouse/" in one]
        return sorted(one for one in inside if one.startswith(f"{table}/") and one.endswith(".parquet"))

    def partition(self, table: str, month: str) -> pd.DataFrame:
        """The one partition of a month."""
        path = f"{table}/month={month}/part.parquet"
        found = [one for one in self.files(table) if month in one]
        expect.that(
            found == [path],
            expected=f"`{path}` in the warehouse, and no other file of {month} in `{table}`",
            found=", ".join(found) or "no file",
            help="`storage.publish` makes a blob the one partition of a month.",
        )
        try:
            return pd.read_parquet(io.BytesIO(self.lab.read_bytes(f"{self.warehouse}/{path}")))
        except (ValueError, OSError) as error:
            fail(expected=f"`{path}` is a parquet file", found=str(error)[:200])


def as_parquet(table: pd.DataFrame) -> bytes:
    """A table as the bytes of a file."""
    buffer = io.BytesIO()
    table.to_parquet(buffer)
    return buffer.getvalue()


def of_post(post: str) -> str:
    """The text of what came to the webhook."""
    try:
        told = json.loads(post)
    except ValueError:
        told = None
    if not isinstance(told, Mapping) or set(told) != {"text"} or not isinstance(told["text"], str):
        fail(expected='the webhook gets JSON: `{"text": "…"}`', found=post[:200] or "nothing")
    return str(told["text"])
