"""Many sales, drawn from the real ones: each has a house of its own, and one in a thousand breaks the contract."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from mlops_lab.datasets import DATA_FOLDER


def write_sales(path: Path, rows: int, seed: int = 0) -> int:
    """Write so many sales as parquet; return how many of them are bad. 10 million take 900 MB of memory."""
    rng = np.random.default_rng(seed)
    sales = pl.read_parquet(DATA_FOLDER / "house_sales.parquet").with_columns(pl.col("date").cast(pl.Datetime("us")))
    bad = rng.random(rows) < 0.001
    drawn = sales[rng.integers(0, len(sales), rows)].with_columns(
        id=pl.Series(1 + rng.permutation(rows)),
        bedrooms=pl.when(pl.Series(bad)).then(400).otherwise(pl.col("bedrooms")),
    )
    drawn.with_columns(pl.col("bedrooms").cast(pl.Int64)).write_parquet(path, row_group_size=200_000)
    return int(bad.sum())
