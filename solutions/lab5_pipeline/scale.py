"""The search for better settings of the model, spread over the workers of Dask: here, or wherever they are."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from prefect import flow, task, unmapped
from prefect_dask.task_runners import DaskTaskRunner

from lab5_pipeline import storage, training


def make_runner(address: str | None = None, workers: int = 2) -> DaskTaskRunner:
    """Return what runs tasks on Dask: on the scheduler at `address` (`tcp://…`), or on workers of this machine.

    The workers of this machine (`cluster_kwargs`) are processes of one thread each. Their dashboard listens on loopback
    only, on any free port.
    """
    # solution 5.7
    if address is not None:
        return DaskTaskRunner(address=address)
    return DaskTaskRunner(
        cluster_kwargs={
            "n_workers": workers,
            "threads_per_worker": 1,
            "processes": True,
            "dashboard_address": "127.0.0.1:0",
        }
    )
    # end solution


@task(name="score", retries=2, retry_delay_seconds=1, timeout_seconds=1800)
def score(candidate: dict[str, Any], table: str, warehouse: str) -> float:
    """Return the mean absolute error in USD of a model with these settings; runs on a worker."""
    return training.score(candidate, storage.get(table, Path(warehouse)))


@flow(name="tune")
def fan_out(candidates: list[dict[str, Any]], table: str, warehouse: str) -> list[float]:
    """Score all candidates at the same time; return their errors in this order, NaN for one that failed."""
    # solution 5.7
    futures = score.map(candidates, table=unmapped(table), warehouse=unmapped(warehouse))
    # All are on their way before the first one is waited for.
    answers = [future.result(raise_on_failure=False) for future in futures]
    return [answer if isinstance(answer, float) else math.nan for answer in answers]
    # end solution


def tune(
    candidates: list[dict[str, Any]], table: str, *, warehouse: Path, address: str | None = None, workers: int = 2
) -> dict[str, Any]:
    """Score settings of the model on a table of the warehouse, on Dask, as one run of the flow `tune`.

    What travels is the name of the table, and the workers read it themselves: they must reach the same warehouse. A
    worker that dies in the middle costs the time of what it was doing, and no result.

    Args:
        candidates: settings for `training.score`, each a dict.
        table: the name of a blob.
        address: the scheduler's; None for workers on this machine.
        workers: how many, on this machine.

    Returns `best`, the candidate with the smallest error, and `errors` in USD, in the order of the candidates; NaN for
    one that failed.

    Raises:
        ValueError: where there is no candidate, and where each of them failed.
    """
    # solution 5.7
    runner: Any = make_runner(address, workers)
    on_dask = fan_out.with_options(task_runner=runner)
    errors = on_dask(candidates, table, str(warehouse)) if candidates else []
    known = [(error, place) for place, error in enumerate(errors) if not math.isnan(error)]
    if not known:
        raise ValueError(f"none of {len(candidates)} candidates could be scored")
    return {"best": candidates[min(known)[1]], "errors": errors}
    # end solution
