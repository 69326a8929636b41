"""The flow of week 5 on months of several sizes, in a process of its own: `python -m bench.pipeline.flows FOLDER 3`.

Prefect's server is there already, and the environment says where. Prints JSON: seconds by what was measured.
"""

from __future__ import annotations

import json
import statistics
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from bench.common import say, timed
from mlops_lab.datasets import load_house_sales
from mlops_probes.flows import no_heartbeat

MONTH = "2014-05"
TASKS = 50
CANDIDATES = [{"max_iter": 60, "max_leaf_nodes": leaves} for leaves in (11, 15, 21, 31, 41, 51)]


def draw_month(rows: int, seed: int) -> pd.DataFrame:
    """So many sales of the month, drawn from the real ones; each has a house of its own."""
    rng = np.random.default_rng(seed)
    sales = load_house_sales()
    month = sales[sales["date"].dt.strftime("%Y-%m") == MONTH]
    drawn = month.iloc[rng.integers(0, len(month), rows)].reset_index(drop=True)
    drawn.loc[0, "date"] = pd.Timestamp(MONTH) + pd.offsets.MonthEnd(0)  # whole, however few there are
    made: pd.DataFrame = drawn.assign(id=1 + rng.permutation(rows))
    return made


def month_seconds(folder: Path, rows: int, seed: int) -> tuple[float, float]:
    """How long a month of so many rows takes, the first time and again."""
    from lab5_pipeline.flow import monthly

    landing, warehouse = folder / f"landing-{rows}-{seed}", folder / f"warehouse-{rows}-{seed}"
    landing.mkdir(parents=True)
    draw_month(rows, seed).to_parquet(landing / f"{MONTH}.parquet")

    def run() -> object:
        return monthly(MONTH, landing=landing, warehouse=warehouse)

    return timed(run), statistics.median(timed(run) for _ in range(3))


@flow(name="many")
def many(step: Any, numbers: list[int]) -> None:
    """Does a step once for each number."""
    for number in numbers:
        step(number)


def empty_seconds(rounds: int) -> float:
    """What Prefect takes for a flow without tasks."""
    return statistics.median(timed(lambda: many(_same, [])) for _ in range(rounds + 2))


def task_seconds(folder: Path, rounds: int) -> dict[str, float]:
    """What Prefect takes for one task more: seen only, kept, and found again."""
    from lab5_pipeline.flow import KEPT

    seen = task(name="seen", cache_policy=NO_CACHE)(_same)
    kept = task(name="kept", **KEPT)(_same).with_options(result_storage=folder / "results")
    empty = empty_seconds(rounds)

    def seconds(step: Any, place: int) -> float:
        numbers = list(range(TASKS * place, TASKS * (place + 1)))
        return (timed(lambda: many(step, numbers)) - empty) / TASKS

    found: dict[str, Any] = {"a task": seen, "a task that is kept": kept, "a task that is cached": kept}
    each = {name: statistics.median(seconds(step, place) for place in range(rounds)) for name, step in found.items()}
    return {"the same, no heartbeat": empty, **each}


def _same(number: int) -> int:
    return number


def search_seconds(folder: Path, rows: int, workers: int) -> float:
    """How long six candidates take on so many workers of Dask, their start included; 0 workers: a plain loop."""
    from lab5_pipeline import scale, storage, training

    table = draw_month(rows, seed=0)
    if not workers:
        return timed(lambda: [training.score(candidate, table) for candidate in CANDIDATES])
    name = storage.put(table, folder)
    return timed(lambda: scale.tune(CANDIDATES, name, warehouse=folder, workers=workers))


def main(folder: Path, rounds: int, sizes: list[int]) -> None:
    """Measure all, the small ones first; an unmeasured month pays for the imports.

    Flows have no heartbeat, but for one that is measured with it: it makes them last for whole seconds.
    """
    month_seconds(folder, 300, seed=0)
    say("what Prefect takes for a task")
    found = {"an empty flow": empty_seconds(rounds)}
    with no_heartbeat():
        found |= task_seconds(folder, rounds)
        for rows in sizes:
            say(f"a month of {rows:,} rows")
            pairs = [month_seconds(folder, rows, seed=seed) for seed in range(1, rounds + 1)]
            found[f"first {rows}"], found[f"again {rows}"] = (
                statistics.median(one) for one in zip(*pairs, strict=True)
            )
            found[f"ratio {rows}"] = statistics.median(again / first for first, again in pairs)
        for rows in sizes:
            for workers in (0, 1, 2):
                say(f"a search on {rows:,} rows, {workers} workers")
                found[f"search {rows} {workers}"] = search_seconds(folder, rows, workers)
    print(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), [int(word) for word in sys.argv[3:]])
