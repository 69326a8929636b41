"""One piece of work in a process of its own: `python -m bench.pipeline.work polars sales.parquet` prints JSON.

The peak of the memory is that of the process, so each contender starts afresh.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path


def polars(path: str) -> int:
    """Validate with lazy expressions; return how many rows are bad."""
    import polars as pl

    from lab5_pipeline.large import with_reasons

    reasons = with_reasons(pl.scan_parquet(path)).select(pl.col("reasons").is_not_null().sum())
    return int(reasons.collect(engine="streaming").item())


def pandas(path: str) -> int:
    """Split with Pandera on pandas; return how many rows are bad."""
    import pandas as pd

    from lab5_pipeline.contract import split_valid

    return len(split_valid(pd.read_parquet(path)).quarantined)


def great_expectations(path: str) -> int:
    """Validate the ranges, gaps and types alone with Great Expectations; return how many expectations fail."""
    import importlib

    import pandas as pd

    from lab5_pipeline.contract import HouseSales

    frame = pd.read_parquet(path)
    gx = importlib.import_module("great_expectations")  # it stands in an environment of its own
    context = gx.get_context(mode="ephemeral")
    suite = gx.ExpectationSuite(name="sales")
    for name, column in HouseSales.to_schema().columns.items():
        suite.add_expectation(gx.expectations.ExpectColumnValuesToNotBeNull(column=name))
        limits = [limit for check in column.checks for limit in (check.statistics or {}).values()]
        if len(limits) == 2 and name != "date":
            between = {"column": name, "min_value": min(limits), "max_value": max(limits)}
            suite.add_expectation(gx.expectations.ExpectColumnValuesToBeBetween(**between))
    definition = (
        context.data_sources.add_pandas("sales")
        .add_dataframe_asset("sales")
        .add_batch_definition_whole_dataframe("all")
    )
    results = definition.get_batch({"dataframe": frame}).validate(suite)
    return sum(not result.success for result in results.results)


def features(path: str) -> int:
    """Make the training table; return how many rows have a feature."""
    import pandas as pd

    from lab5_pipeline.features import training_frame

    return int(training_frame(pd.read_parquet(path))["zip_price_sqft"].notna().sum())


WORK: dict[str, Callable[[str], int]] = {
    "polars": polars, "pandas": pandas, "great_expectations": great_expectations, "features": features
}  # fmt: skip


def main(name: str, path: str, warm: str) -> None:
    """Work once on a small file, which pays for the imports, then on the large one."""
    WORK[name](warm)
    started, began = time.perf_counter(), time.process_time()
    answer = WORK[name](path)
    seconds, processor = time.perf_counter() - started, time.process_time() - began
    print(json.dumps({"seconds": seconds, "cpu_s": processor, "memory_mb": peak_mb(), "answer": answer}))


def peak_mb() -> float:
    """The most memory that this process ever had. Linux's `ru_maxrss` would begin with that of its parent."""
    status = Path("/proc/self/status")
    if status.exists():
        words = status.read_text(encoding="utf-8").partition("VmHWM:")[2].split()
        return int(words[0]) * 1024 / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


if __name__ == "__main__":
    main(*sys.argv[1:])
