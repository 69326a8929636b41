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
    # TODO 5.7: Spread the search over workers
    raise NotImplementedError


@task(name="score", retries=2, retry_delay_seconds=1, timeout_seconds=1800)
def score(candidate: dict[str, Any], table: str, warehouse: str) -> float:
    """Return the mean absolute error in USD of a model with these settings; runs on a worker."""
    return training.score(candidate, storage.get(table, Path(warehouse)))


@flow(name="tune")
def fan_out(candidates: list[dict[str, Any]], table: str, warehouse: str) -> list[float]:
    """Score all candidates at the same time; return their errors in this order, NaN for one that failed."""
    # TODO 5.7: Spread the search over workers
    raise NotImplementedError


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
    # TODO 5.7: Spread the search over workers
    raise NotImplementedError
