"""How long rows take without a server: the compiled model, and the estimator with its frame.

OpenMP reads `OMP_NUM_THREADS` once, at its start. So each setting has a process of its own, which runs this file:

    python -m bench.serving.rows FOLDER_OF_THE_ARTIFACT        prints milliseconds as JSON
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.common import cores, p99, timed
from bench.serving.contenders import ENVIRONMENT, house, houses

# Name of the figure, without its unit → what it is.
ROWS = {
    "one_row_compiled": "one row, compiled",
    "one_row_estimator": "one row, estimator, 1 thread",
    "one_row_estimator_default_threads": "one row, estimator, a thread per core",
    "one_row_estimator_busy": "one row, estimator, 1 thread, cores busy",
    "one_row_estimator_default_threads_busy": "one row, estimator, a thread per core, busy",
    "thousand_rows_compiled": "1,000 rows, compiled",
    "thousand_rows_masks": "    the trees alone, as masks",
    "thousand_rows_treelite": "    the trees alone, treelite",
    "thousand_rows_estimator": "1,000 rows, estimator, 1 thread",
}
SECONDS = 2.0  # for each
MOST_CALLS = 2_000


def row_figures(models: Path) -> dict[str, float]:
    """Rows without a server: compiled, and with the estimator in one thread or as many as OpenMP likes.

    The estimator a second time with every core busy: its threads wait for each other, and for a core. A thousand rows
    in one thread on a quiet machine only; and what of it are the trees, ours and those of treelite.
    """
    quiet = {threads: row_times(models, threads) for threads in ("1", None)}
    with busy_cores():
        busy = {threads: row_times(models, threads) for threads in ("1", None)}
    figures = {"one_row_compiled_ms": quiet["1"]["compiled"]}
    figures |= {f"{name}_ms": quiet["1"][name] for name in ROWS if name.startswith("thousand_rows")}
    for suffix, times in {"": quiet, "_busy": busy}.items():
        for name, threads in {"estimator": "1", "estimator_default_threads": None}.items():
            figures[f"one_row_{name}{suffix}_ms"] = times[threads]["estimator"]
            figures[f"one_row_{name}{suffix}_p99_ms"] = times[threads]["estimator_p99"]
    return figures


@contextmanager
def busy_cores() -> Iterator[None]:
    """Keep each core busy with a process of its own."""
    command = [sys.executable, "-c", "while True: pass"]
    processes = [subprocess.Popen(command) for _ in range(cores())]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def row_times(models: Path, threads: str | None) -> dict[str, float]:
    """What this file prints, in a process with this `OMP_NUM_THREADS`, or without it."""
    environment = {**os.environ, **ENVIRONMENT}
    del environment["OMP_NUM_THREADS"]
    if threads is not None:
        environment["OMP_NUM_THREADS"] = threads
    command = [sys.executable, "-m", "bench.serving.rows", str(models / "house_price")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    times: dict[str, float] = json.loads(done.stdout)
    return times


def milliseconds_of(action: Callable[[], object]) -> list[float]:
    """Return the milliseconds of many calls, after one call that does not count."""
    action()
    milliseconds: list[float] = []
    end = time.perf_counter() + SECONDS
    while len(milliseconds) < MOST_CALLS and time.perf_counter() < end:
        milliseconds.append(1_000 * timed(action))
    return milliseconds


def main() -> None:
    """Measure and print."""
    import numpy as np
    import treelite

    from lab2_service.predictor import CompiledPricer, EstimatorPricer, make_pricer
    from mlops_lab.artifacts import load_artifact

    artifact = load_artifact(sys.argv[1])
    rows, many = [house()], houses(1_000)
    compiled = make_pricer(artifact)
    assert isinstance(compiled, CompiledPricer)
    table = np.array([[*(row[name] for name in compiled.numbers), compiled.zipcodes[row["zipcode"]]] for row in many])
    estimator = EstimatorPricer(artifact.model, list(artifact.metadata.features))
    times = {
        "compiled": milliseconds_of(lambda: compiled.predict(rows)),
        "estimator": milliseconds_of(lambda: estimator.predict(rows)),
        "thousand_rows_compiled": milliseconds_of(lambda: compiled.predict(many)),
        "thousand_rows_estimator": milliseconds_of(lambda: estimator.predict(many)),
        "thousand_rows_masks": milliseconds_of(lambda: compiled.many_rows(table)),
        "thousand_rows_treelite": milliseconds_of(lambda: treelite.gtil.predict(compiled.trees, table, nthread=1)),
    }
    found = {name: statistics.median(each) for name, each in times.items()}
    print(json.dumps(found | {f"{name}_p99": p99(each) for name, each in times.items()}))


if __name__ == "__main__":
    main()
