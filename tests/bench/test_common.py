"""What the benchmarks share: timing, memory, tables."""

from __future__ import annotations

import os

import pytest

from bench.common import machine, median, memory_mb, p99, table, timed


def test_an_action_is_run_once_and_timed() -> None:
    calls: list[int] = []
    assert 0 <= timed(lambda: calls.append(1)) < 1
    assert calls == [1]


def test_the_median_is_of_the_runs_after_the_first() -> None:
    calls: list[int] = []
    assert 0 <= median(lambda: calls.append(1), 3) < 1
    assert len(calls) == 4


@pytest.mark.parametrize(("count", "value"), [(1, 0), (100, 99), (1_000, 990)])
def test_one_of_a_hundred_is_slower_than_p99(count: int, value: int) -> None:
    assert p99(reversed(range(count))) == value


def test_a_column_of_figures_is_set_to_the_right() -> None:
    assert table(("", "seconds"), (8, 9), [("one", "1.0"), ("another", "12.5")]) == [
        "          seconds",
        "one           1.0",
        "another      12.5",
    ]


def test_a_row_without_a_cell_is_an_error() -> None:
    with pytest.raises(ValueError, match="argument 2 is longer"):
        table(("", "seconds"), (8, 9), [("one",)])


def test_memory_and_machine_are_those_of_this_process() -> None:
    assert 10 < memory_mb(os.getpid()) < 10_000
    assert machine()["cores"] in range(1, 1_025)
