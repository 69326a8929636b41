"""The benchmark of week 5 at its smallest: one piece of work on a few rows, and the table of what was measured."""

import json
import sys
from pathlib import Path

import pytest

from bench.pipeline.__main__ import (
    CONTRACTS,
    COSTS,
    FEATURE_SIZES,
    FLOW_SIZES,
    SIZES,
    median_of,
    report,
    report_flow,
)
from bench.pipeline.rows import write_sales
from bench.pipeline.work import WORK
from weeks.week5_pipeline.figures import WEEK, contract_figures, flow_figures


def test_polars_finds_the_bad_rows(tmp_path: Path) -> None:
    path = tmp_path / "sales.parquet"
    bad = write_sales(path, 3_000, seed=1)
    assert bad > 0
    measured = median_of([sys.executable, "polars", str(path), str(path)], 1, bad)
    assert measured["seconds"] > 0 and measured["memory_mb"] > 50
    with pytest.raises(SystemExit, match="bad rows"):
        median_of([sys.executable, "polars", str(path), str(path)], 1, bad + 1)


def test_the_table_compares_the_time_per_row() -> None:
    found = {
        "polars 1000": {"seconds": 1.0, "cpu_s": 2.0, "memory_mb": 100.0},
        "polars 10000": {"seconds": 5.0, "cpu_s": 10.0, "memory_mb": 1_000.0},
    }
    assert report(found, 3)[-1].split() == ["polars", "10,000", "5.00", "10.00", "1,000", "0.50"]


def test_what_was_kept_is_linear_and_fits_into_three_gigabytes() -> None:
    kept = json.loads((WEEK / "contract.json").read_text(encoding="utf-8"))["measured"]
    wanted = {f"{name} {size}" for name in CONTRACTS for size in SIZES} | {f"features {size}" for size in FEATURE_SIZES}
    assert set(kept) == wanted and {key.split()[0] for key in kept} == set(WORK)
    figures = contract_figures()
    growth, memory = figures["polars_growth"], figures["polars_10m_gb"]
    assert isinstance(growth, float) and growth < 1.5, "ten times the rows take at most fifteen times the time"
    assert isinstance(memory, float) and memory <= 3


def test_the_flow_has_a_row_for_each_size_and_each_cost() -> None:
    found = {"first 100": 4.0, "again 100": 0.2, "ratio 100": 0.05, **dict.fromkeys(COSTS, 0.02)}
    lines = report_flow(found | {f"search 100 {workers}": 3.0 + workers for workers in (0, 1, 2)}, 3)
    assert ["100", "4.00", "0.20", "0.05"] in [line.split() for line in lines]
    assert ["100", "3.0", "4.0", "5.0"] in [line.split() for line in lines]
    assert lines[-1].split()[-1] == "20"


def test_what_was_kept_of_the_flow_says_that_a_rerun_is_cheap() -> None:
    kept = json.loads((WEEK / "flow.json").read_text(encoding="utf-8"))["measured"]
    assert {f"{what} {size}" for what in ("first", "again", "ratio") for size in FLOW_SIZES} | set(COSTS) <= set(kept)
    figures = flow_figures()
    small, large = figures["small_ratio"], figures["large_ratio"]
    assert isinstance(small, float) and small < 0.5, "what is done already is not done again"
    assert isinstance(large, float) and large < 0.15
