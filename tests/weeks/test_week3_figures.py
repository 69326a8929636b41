"""Week 3: its picture compares threads, and figures of a cluster are read where somebody has measured."""

from __future__ import annotations

import json
from pathlib import Path

from weeks.week3_kubernetes.drawing import slowest_answers
from weeks.week3_kubernetes.figures import cluster_figures


def test_the_picture_says_how_many_times_as_long() -> None:
    plot = slowest_answers(
        {"one_row_estimator_busy_p99_ms": 10.0, "one_row_estimator_default_threads_busy_p99_ms": 250.0}
    )
    assert plot.data["p99 in ms"].to_dict() == {"1 thread": 10, "a thread per core": 250}
    assert plot.figure.get_suptitle() == "Busy cores: more threads, and p99 is 25 times as long"


def test_figures_of_a_cluster_are_read_where_they_are(tmp_path: Path) -> None:
    assert cluster_figures(tmp_path) == {}
    (tmp_path / "cluster_figures.json").write_text(json.dumps({"figures": {"start_s": 3.5}, "measured_at": "today"}))
    assert cluster_figures(tmp_path) == {"start_s": 3.5}
