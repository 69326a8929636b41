"""Judgements of 5.7: a search on Dask's workers, one of which dies; and what runs on this machine."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from lab5_judges.prefect_api import Prefect, tasks_by_name
from labkit.checking.doors import Door
from labkit.checks import LabHandle, expect

PROBE = "mlops_probes.flows"
BROKEN = 99


@dataclass
class Search:
    """A search that was run on two workers, one of which died in the middle."""

    candidates: list[dict[str, Any]]
    wanted: list[float]
    answer: list[Any]
    report: dict[str, Any]
    alive: int
    prefect: Prefect
    failed: list[Any] | None = None
    """What came of a search in which each candidate fails."""


def search(lab: LabHandle, door: Door, rng: np.random.Generator, *, deadly: bool) -> Search:
    """Run `tune` on a scheduler's address."""
    depths = [int(one) for one in rng.choice(np.arange(2, 60), 6, replace=False)]
    target = depths[int(rng.integers(1, 5))] if deadly else -1
    workers = lab.make(f"{PROBE}:Workers", lab._package, f"{lab.folder}/notes", 2, target)
    table = pd.DataFrame({"price": rng.integers(100_000, 900_000, 40).astype(float)})
    lab.write_bytes("warehouse/blobs/rows.parquet", _parquet(table))
    candidates: list[dict[str, Any]] = [{"depth": depth} for depth in depths]
    if not deadly:
        candidates[0] = {"depth": BROKEN, "broken": True}  # first: the smallest of NaN and others would be NaN
    wanted = [
        math.nan if "broken" in one else float((table["price"] * one["depth"]).sum() % 100_003) + 0.5
        for one in candidates
    ]
    if not deadly:  # two that are equally good
        smallest = int(np.nanargmin(wanted))
        other = 1 + smallest % 5
        candidates[other], wanted[other] = {"depth": depths[smallest], "twin": True}, wanted[smallest]
    warehouse = lab.make("pathlib:Path", f"{lab.folder}/warehouse")
    arguments = {"warehouse": warehouse, "address": str(workers.attr("address"))}
    answer = lab.make(
        f"{PROBE}:attempt", f"{lab._package}.scale:tune", candidates, "rows", doing="`tune(…)`", **arguments
    )
    found = Search(candidates, wanted, answer, dict(workers.report()), int(workers.alive()), Prefect(door.url))
    if not deadly:
        found.failed = lab.make(
            f"{PROBE}:attempt", f"{lab._package}.scale:tune", candidates[:1], "rows", doing="`tune(…)`", **arguments
        )
    workers.stop()
    return found


def _parquet(table: pd.DataFrame) -> bytes:
    buffer = io.BytesIO()
    table.to_parquet(buffer)
    return buffer.getvalue()


def judge_errors(search: Search) -> None:
    """The errors in the order of the candidates, and the smallest."""
    expect.that(
        search.answer[0] == "answer",
        expected="`tune` scores the candidates",
        found=f"{search.answer[1:]}"[:300],
        help="One candidate that fails costs its own score: `future.result(raise_on_failure=False)`.",
    )
    found = search.answer[1]
    expect.that(
        isinstance(found, dict) and {"best", "errors"} <= set(found), expected="`best` and `errors`", found=found
    )
    errors = expect.array(found["errors"], "`errors`", length=len(search.wanted), finite=False)
    expect.that(
        np.allclose(errors, search.wanted, equal_nan=True),
        expected=f"the errors in the order of the candidates: {search.wanted}",
        found=str(list(errors)),
        help="Workers finish in any order. `map` gives futures in yours; ask them in this order.",
    )
    smallest = np.nanmin(search.wanted)
    best = [one for one, error in zip(search.candidates, search.wanted, strict=True) if error == smallest]
    expect.that(
        found["best"] in best,
        expected=f"`best` is {' or '.join(map(str, best))}, whose error is the smallest",
        found=found["best"],
        help="NaN is neither smaller nor larger: leave it out before you take the minimum. Two may be equally good.",
    )
    if search.failed is not None:
        expect.that(
            search.failed[:2] == ["error", "ValueError"],
            expected="ValueError where each candidate fails",
            found=search.failed[:2],
        )


def judge_workers(search: Search) -> None:
    """Scored by the workers, at the same time, and each once."""
    judge_errors(search)
    report = search.report
    strangers = sorted({pid for pid, _ in report["scored"]} - set(report["workers"]))
    expect.that(
        not strangers,
        expected="each candidate is scored by one of the workers of the scheduler at `address`",
        found=f"{len([1 for pid, _ in report['scored'] if pid in strangers])} of {len(report['scored'])} elsewhere",
        help="`DaskTaskRunner(address=address)`, and the flow with `.with_options(task_runner=…)`.",
    )
    expect.that(
        report["together"],
        expected="two workers score at the same time",
        found="one candidate after the other",
        help="Who waits for each future before the next one is submitted has no use for a second worker.",
    )
    expect.that(search.alive == 3, expected="the workers of others are left running", found="some were shut down")


def judge_killed(search: Search) -> None:
    """A worker that dies costs nothing but time."""
    report = search.report
    expect.that(bool(report["killed"]), expected="the candidates are scored by the workers", found="none was asked")
    judge_errors(search)
    runs = search.prefect.flow_runs("tune")
    states = [run["state_type"] for run in runs]
    expect.that(
        states == ["COMPLETED"],
        expected="one run of the flow `tune`, COMPLETED, although a worker was killed in the middle",
        found=", ".join(states) or "no run",
    )
    again = [pid for pid, depth in report["begun"] if [pid, depth] not in report["scored"]]
    expect.that(
        len(report["scored"]) <= len(search.candidates) + 2,
        expected="what was scored before is not scored again",
        found=f"{len(report['scored'])} scores of {len(search.candidates)} candidates, {len(again)} begun in vain",
    )
    judge_policy(search)


def judge_policy(search: Search) -> None:
    """Retries of the task that runs on workers."""
    (run, *_) = search.prefect.flow_runs("tune")
    tasks = tasks_by_name(search.prefect.task_runs(run, some=len(search.candidates)))
    expect.that(
        len(tasks.get("score", [])) == len(search.candidates),
        expected=f"one run of the task `score` for each of the {len(search.candidates)} candidates",
        found=f"{len(tasks.get('score', []))}",
        help="`score.map(candidates, …)`, with `unmapped(…)` around what is the same for all.",
    )


def judge_none(lab: LabHandle) -> None:
    """No candidate, no answer."""
    folder = lab.make("pathlib:Path", lab.folder)
    answer = lab.make(f"{PROBE}:attempt", f"{lab._package}.scale:tune", [], "rows", warehouse=folder, doing="`tune(…)`")
    expect.that(
        answer[:2] == ["error", "ValueError"], expected="ValueError where there is no candidate", found=answer[:2]
    )


def judge_runner(lab: LabHandle, rng: np.random.Generator) -> None:
    """What runs on this machine, and what runs elsewhere."""
    workers = int(rng.integers(3, 7))  # 2 is what it has without being told
    local = expect.handle(lab.scale.make_runner(None, workers), "`make_runner(None, n)`")
    settings = local.attr("cluster_kwargs") or {}
    for name, wanted, help in (
        ("n_workers", workers, ""),
        ("threads_per_worker", 1, "A model trains in Python and OpenMP: processes, not threads, use the cores."),
        (
            "dashboard_address",
            ("127.0.0.1:0", "localhost:0", "127.0.0.1", "localhost", "('127.0.0.1', 0)", "('localhost', 0)"),
            "By default Dask's dashboard listens on every "
            "address of the machine, and a fixed port may be taken: port 0 is any free one.",
        ),
    ):
        found = settings.get(name)
        expect.that(
            str(found) in wanted if isinstance(wanted, tuple) else found == wanted,
            expected=f"workers of this machine: `{name}` is {wanted[0] if isinstance(wanted, tuple) else wanted}",
            found=found,
            help=help,
        )
    expect.that(
        settings.get("processes", True) is True, expected="workers are processes", found="threads of this process"
    )
    asked = lab.make(f"{PROBE}:asked_workers", f"{lab._package}.scale", workers, doing="`tune(…)`")
    expect.that(
        asked in (None, workers),
        expected=f"`tune(…, workers={workers})` has {workers} workers on this machine",
        found=asked,
        help="`make_runner(address, workers)`: the second argument has a default, which hides that it is missing.",
    )
    address = f"tcp://127.0.0.1:{int(rng.integers(10_000, 60_000))}"
    remote = expect.handle(lab.scale.make_runner(address), "`make_runner(address)`")
    expect.that(
        remote.attr("address") == address,
        expected=f"a runner on the scheduler at {address}",
        found=remote.attr("address"),
        help="With an address there is a cluster already: start none.",
    )
