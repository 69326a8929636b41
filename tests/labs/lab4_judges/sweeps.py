"""Judges a search that was logged, and the comparison of many runs (4.2)."""

from __future__ import annotations

import contextlib
import secrets
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lab4_judges import sales, store
from lab4_judges.sales import Generator
from lab4_judges.store import Store
from labkit.checks import LabHandle, LearnerError, expect, fail

Template = Callable[[str], Path]
CANDIDATES = 7  # more than the handful that one would look at
SETTINGS = ("learning_rate", "l2_regularization", "max_leaf_nodes")
ELSEWHERE = 3  # in the other experiment, and as many that were deleted
FINISHED = 1_030  # more than one page of MLflow's client
NO_PROCESS = str(2**22 + 1)  # larger than the number of any process


@dataclass
class Sweep:
    """One search of the learner's, with the results that the search of lab 1 gave it."""

    answer: Any
    train: pd.DataFrame
    seed: int
    results: pd.DataFrame
    calls: Any
    found: Store
    plain: Any


def sweep(lab: LabHandle, template: Template, rng: Generator) -> Sweep:
    """Have the learner's code log one search."""
    store.prepare(lab, template("mlflow"))
    train, _ = sales.draw(rng, 80)
    train.iloc[1, train.columns.get_loc("id")] = train["id"].iloc[0]  # a house that was sold twice
    results = pd.DataFrame(
        {
            "learning_rate": rng.uniform(0.05, 0.3, CANDIDATES + 2),
            # A setting that is off is a setting.
            "l2_regularization": np.zeros(CANDIDATES + 2),
            "max_leaf_nodes": rng.permutation(20)[: CANDIDATES + 2] + 8,
            "rmse": np.sort(rng.uniform(1e5, 3e5, CANDIDATES + 2)),
            "rmse_std": rng.uniform(1e3, 9e3, CANDIDATES + 2),
        }
    )
    tuner = expect.handle(lab.make("mlops_probes.tracking:Tuner", "lab1_models.house_price", results), "the tuner")
    seed = int(rng.integers(1, 1_000))
    answer = lab.tracking.sweep(train, n_candidates=CANDIDATES, seed=seed)
    calls, found = tuner.attr("calls"), store.read(lab)
    number = expect.text(lab.tracking.sweep(train, n_candidates=2), "the answer of `sweep`")
    plain = store.read(lab).run(number)
    return Sweep(answer, train, seed, results.head(CANDIDATES), calls, found, plain)


def judge_parent(swept: Sweep) -> None:
    """The search itself is one finished run, which says what was searched and what was best."""
    number = expect.text(swept.answer, "the answer of `sweep`")
    run = swept.found.run(number)
    expect.that(
        run is not None and run.experiment == "house-price" and run.status == "FINISHED" and not run.parent,
        expected="`sweep` returns the id of a finished run in `house-price` that is nested in no other",
        found="no such run" if run is None else f"{run.status} in `{run.experiment}`{', nested' * bool(run.parent)}",
        help="`with mlflow.start_run() as parent:` around the search, and `return parent.info.run_id`: not that of a "
        "candidate.",
    )
    assert run is not None
    expect.that(
        swept.calls == [[len(swept.train), CANDIDATES, swept.seed]],
        expected="one call of lab 1's `tune_model(train, n_candidates, seed)`",
        found=f"the calls {expect.shown(swept.calls)} (rows, candidates, seed)",
        help="Hand on `train` as it is, and both numbers: without the seed, nobody can search the same again.",
    )
    wanted = {"n_candidates": str(CANDIDATES), "seed": str(swept.seed)}
    expect.that(
        all(run.params.get(name) == value for name, value in wanted.items()),
        expected=f"the parameters {wanted} at the run of the search",
        found=expect.shown(run.params),
        help="`mlflow.log_params({'n_candidates': n_candidates, 'seed': seed})` before the search.",
    )
    expect.that(
        swept.plain is not None and swept.plain.params.get("seed") == "0",
        expected="the parameter `seed` = 0 at the run of a search without a `seed`",
        found="no such run" if swept.plain is None else expect.shown(swept.plain.params),
        help="0 is a seed like any other. A run says it also where it is the default: a default may change.",
    )
    for key, value in sales.fingerprint(swept.train).items():
        expect.that(
            run.tags.get(key) == value,
            expected=f"the fingerprint of `train` in the tags of the search: `{key}` is {value}",
            found=expect.shown(run.tags.get(key, f"no tag `{key}`")),
            help="`mlflow.set_tags(fingerprint(train))`: all of its tags.",
        )
    best = float(swept.results["rmse"].min())
    expect.close(
        run.last("rmse") if run.last("rmse") is not None else float("nan"),
        best,
        "`rmse` of the search, that of its best candidate",
        help="`results['rmse'].min()`: then the search stands in the comparison where its best candidate does.",
    )


def judge_children(swept: Sweep) -> None:
    """Each candidate is a nested, finished run with its own settings and metrics."""
    children = [run for run in swept.found.runs if run.parent == swept.answer]
    expect.that(
        len(children) == CANDIDATES,
        expected=f"{CANDIDATES} runs nested in that of the search, one for each candidate",
        found=f"{len(children)} nested runs, {len(swept.found.runs)} runs in all",
        help="`with mlflow.start_run(nested=True):` for each candidate, inside the run of the search.",
    )
    there = swept.found.of("house-price")
    expect.that(
        len(there) == len(swept.found.runs) == CANDIDATES + 1,
        expected=f"{CANDIDATES + 1} runs in the experiment `house-price`, the search and its {CANDIDATES} candidates",
        found=f"{len(there)} runs there, and {len(swept.found.runs) - len(there)} in other experiments",
        help="Only runs of one experiment are compared with each other, and the best candidate is logged already.",
    )
    expect.that(
        all(run.status == "FINISHED" for run in children),
        expected="each candidate's run has finished",
        found=", ".join(sorted({run.status for run in children})),
        help="`with` ends it.",
    )
    for _, row in swept.results.iterrows():
        mine = [run for run in children if _near(run.params.get("learning_rate"), row["learning_rate"])]
        expect.that(
            len(mine) == 1 and all(_near(mine[0].params.get(name), row[name]) for name in SETTINGS),
            expected="each candidate's settings are the parameters of its run, each under its own name",
            found=f"for a `learning_rate` of {row['learning_rate']:.6g}: "
            f"{[run.params for run in mine] or [run.params for run in children][:2]}"[:300],
            help="A row of `results` has the settings and two metrics: take these out, and `log_params` all the rest, "
            "also what is 0.",
        )
        for name in SETTINGS:
            text = str(mine[0].params[name])
            expect.that(
                swept.results[name].dtype.kind not in "iu" or text.isdecimal(),
                expected=f"`{name}` is a whole number, as in `results`: `{text.partition('.')[0]}`",
                found=f"`{text}`",
                help="`iterrows` makes one Series of each row, and floats of all its numbers: scikit-learn takes no "
                "17.0 for 17. `to_dict('records')` keeps the kind of each column.",
            )
        for name in ("rmse", "rmse_std"):
            value = mine[0].last(name)
            if value is None:
                fail(
                    expected=f"the metric `{name}` at each candidate",
                    found=f"{expect.shown(mine[0].metrics)}",
                    help="As a metric it can be sorted by; as a parameter it is only text.",
                )
            expect.close(value, float(row[name]), f"`{name}` of a candidate", help="That of its own row.")
        came_out = sorted(set(mine[0].params) - {*SETTINGS, "seed", "n_candidates"})
        expect.that(
            not came_out,
            expected="the parameters of a candidate are its settings, and nothing that came out",
            found=f"also {', '.join(came_out)}",
            help="What came out is no setting: `rmse` and `rmse_std` are metrics.",
        )


def _near(text: str | None, wanted: float) -> bool:
    try:
        return text is not None and abs(float(text) - wanted) <= 1e-9 * abs(wanted)
    except ValueError:
        return False


def many_runs(
    template: Path, rng: Generator, experiment: str, places: dict[str, dict[str, str]]
) -> tuple[bytes, pd.DataFrame]:
    """A store with many runs, written here, and the finished ones of the experiment as they are to be listed.

    For each of `places` one more run is RUNNING, with that id and the tags of its `workplace`.
    """
    with contextlib.closing(sqlite3.connect(":memory:")) as database:
        database.deserialize(store.fresh(template))
        for number, name in ((11, experiment), (12, f"{experiment}-old")):
            database.execute(
                "insert into experiments (experiment_id, name, artifact_location, lifecycle_stage) values (?, ?, ?, ?)",
                (number, name, f"mlruns/{number}", "active"),
            )
        listed = []
        kinds = ["FINISHED"] * FINISHED + ["FAILED", "RUNNING", "KILLED"] * 4 + ["deleted", "elsewhere"] * ELSEWHERE
        parents: dict[str, str] = {}  # a search that failed half-way has candidates, too
        for place, kind in enumerate(rng.permutation(np.array(kinds, dtype=object))):
            run = secrets.token_hex(16)
            parent = parents.get("FAILED" if place % 2 else "FINISHED", "")
            nested = parent if place % 7 == 0 and kind != "elsewhere" else ""
            metrics = {"rmse": float(rng.uniform(1e5, 4e5)), "mae": float(rng.uniform(5e4, 9e4)), "r2": 0.8}
            if nested:
                metrics = {"rmse": metrics["rmse"]}
            if kind == "FINISHED" and place % 100 == 3:
                metrics = {"mae": 7e4 + place} if place % 200 == 3 else {}
            _add(database, run, str(kind), place, metrics, nested)
            if kind == "FINISHED":
                listed.append({"run_id": run, "parent": nested or None, **metrics})
            parents.setdefault(str(kind), run)
        for run, tags in places.items():
            _add(database, run, "RUNNING", len(kinds), {"rmse": 1.0}, "")
            for tag in tags.items():
                database.execute("insert into tags (key, value, run_uuid) values (?, ?, ?)", (*tag, run))
        database.commit()
        table = pd.DataFrame(listed, columns=["run_id", "parent", "rmse", "mae", "r2"])
        return database.serialize(), table.sort_values("rmse", na_position="last", ignore_index=True)


def _add(database: sqlite3.Connection, run: str, kind: str, place: int, metrics: dict[str, float], parent: str) -> None:
    status = kind if kind.isupper() else "FINISHED"
    stage = "deleted" if kind == "deleted" else "active"
    experiment = 12 if kind == "elsewhere" else 11
    database.execute(
        "insert into runs (run_uuid, name, source_type, user_id, status, start_time, end_time, lifecycle_stage, "
        "artifact_uri, experiment_id) values (?, ?, 'LOCAL', 'somebody', ?, ?, ?, ?, ?, ?)",
        (run, f"run {place}", status, 1_000 + place, 2_000 + place, stage, f"mlruns/{experiment}/{run}", experiment),
    )
    for key, value in metrics.items():
        for table in ("metrics", "latest_metrics"):
            query = f"insert into {table} (key, value, timestamp, run_uuid, step, is_nan) values (?, ?, 1, ?, 0, 0)"
            database.execute(query, (key, value, run))
    if parent:
        database.execute("insert into tags (key, value, run_uuid) values ('mlflow.parentRunId', ?, ?)", (parent, run))


def judge_comparison(lab: LabHandle, template: Template, rng: Generator) -> None:
    """All finished runs of the experiment, and no others, the best first."""
    experiment = f"flats-{secrets.token_hex(3)}"
    here = {str(key): str(value) for key, value in lab.make(f"{lab._package}.lineage:workplace").items()}
    working, gone, elsewhere = (secrets.token_hex(16) for _ in range(3))
    left = {**here, "process.id": NO_PROCESS}
    places = {working: here, gone: left, elsewhere: {**left, "process.machine": "another one"}}
    content, wanted = many_runs(template("mlflow"), rng, experiment, places)
    store.prepare(lab, content)
    columns = list(wanted.columns)
    found = expect.frame(lab.tracking.compare_runs(experiment), "the answer of `compare_runs`", columns=columns)
    known, got = set(wanted["run_id"]), [str(one) for one in found["run_id"]]
    missing, extra = known - set(got), [one for one in got if one not in known]
    expect.that(
        not extra,
        expected="runs that have finished, of this experiment",
        found=f"{len(extra)} others: they failed, still run, were deleted, or belong to another experiment",
        help="`filter_string=\"attributes.status = 'FINISHED'\"`. A run that failed half-way may have a fine first "
        "metric.",
    )
    expect.that(
        not missing and len(got) == len(known),
        expected=f"each of the {len(known):,} finished runs once, nested ones and those without `rmse` included",
        found=f"{len(got):,} rows, {len(missing):,} runs are missing",
        help="`MlflowClient.search_runs` answers with one page of at most 1,000; `mlflow.search_runs` reads them all. "
        "Drop nothing.",
    )
    _judge_order(found, wanted)
    _judge_small(lab, f"{experiment}-old", columns)
    status = {run.id: run.status for run in store.read(lab).runs if run.id in places}
    expect.that(
        status == {working: "RUNNING", gone: "FAILED", elsewhere: "RUNNING"},
        expected="a run whose process has ended is FAILED afterwards, and one that may be at work is RUNNING",
        found=f"{status[gone]}; {status[working]} where the process is at work, {status[elsewhere]} on another machine",
        help="`end_abandoned(experiment)` is given: call it before you search.",
    )


def _judge_small(lab: LabHandle, experiment: str, columns: list[str]) -> None:
    """An experiment without nested runs, and one without any."""
    flat = _compare(lab, experiment, "whose runs are nested in none", columns)
    expect.that(
        len(flat) == ELSEWHERE and all(pd.isna(one) for one in flat["parent"]),
        expected=f"{ELSEWHERE} rows without a `parent`, for an experiment of {ELSEWHERE} runs that are nested in none",
        found=f"{len(flat)} rows, and the parents {expect.shown(list(flat['parent']))}",
    )
    none = _compare(lab, "Default", "without runs", columns)
    expect.that(len(none) == 0, expected="no row for an experiment without runs", found=f"{len(none)} rows")


def _compare(lab: LabHandle, experiment: str, what: str, columns: list[str]) -> pd.DataFrame:
    help = "The columns are the same ones for every experiment, with no rows, too: `pd.DataFrame(rows, columns=[...])`."
    try:
        answer = lab.tracking.compare_runs(experiment)
    except LearnerError as error:
        fail(
            expected=f"`compare_runs` works for an experiment {what}",
            found=f"{error.type_name}: {error.message}"[:300],
            help=help,
        )
    return expect.frame(answer, f"the answer of `compare_runs` for an experiment {what}", columns=columns, help=help)


def _judge_order(found: pd.DataFrame, wanted: pd.DataFrame) -> None:
    values = expect.array(found["rmse"], "the column `rmse`", finite=False)
    expected = wanted["rmse"].to_numpy(float)
    expect.that(
        bool(np.allclose(values, expected, rtol=1e-9, equal_nan=True)),
        expected="the smallest `rmse` first, and runs without one last",
        found=f"`rmse` begins with {', '.join(expect.figure(value) for value in values[:3])}",
        help="An error is better when it is smaller: sort by `rmse` in ascending order.",
    )
    right = wanted.set_index("run_id").loc[[str(one) for one in found["run_id"]]]
    for name in ("mae", "r2"):
        same = np.allclose(
            expect.array(found[name], f"the column `{name}`", finite=False), right[name].to_numpy(float), equal_nan=True
        )
        expect.that(same, expected=f"each run's own `{name}`, NaN where it has none", found="other values")
    parents = [None if pd.isna(one) else str(one) for one in found["parent"]]
    wanted_parents = [None if pd.isna(one) else str(one) for one in right["parent"]]
    expect.that(
        parents == wanted_parents,
        expected="`parent` is the id of the run that a run is nested in, also of a failed one, and None elsewhere",
        found="other values",
        help="It stands in the tag `mlflow.parentRunId`.",
    )
