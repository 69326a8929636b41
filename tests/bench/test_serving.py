"""The benchmark of week 2 at its smallest: the echo, the naive endpoint and lab 2, for a moment each."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from bench.common import ROOT, memory_mb
from bench.serving import measuring
from bench.serving.contenders import CONTENDERS, ECHO, LAB, NAIVE
from bench.serving.load import Load, LoadError, ask, run_load
from bench.serving.report import TARGETS, Found, figures_of, judged, load_table, rows_table, target_table, write
from mlops_lab.artifacts import save_artifact
from mlops_lab.datasets import load_house_sales
from mlops_lab.processes import Server
from weeks.guide_figures import Figures, number
from weeks.week2_service.drawing import SERVERS

# What needs neither wrk, nor MLflow, nor an environment of its own.
THREE = [ECHO, NAIVE, LAB]
LOADS = {"echo": Load(4_000.0, 2.0, 3.0), "naive": Load(100.0, 80.0, 200.0), "lab": Load(3_000.0, 2.5, 4.0)}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A house model that learned from a few houses, and two stand-ins: nobody asks them here."""
    from sklearn.dummy import DummyClassifier

    from lab1_models.house_price import FEATURES, build_model

    folder = tmp_path_factory.mktemp("models")
    sales = load_house_sales().head(500)
    learned = build_model().fit(sales[FEATURES], sales["price"])
    save_artifact(folder / "house_price", learned, name="house_price", metrics={}, features=sales[FEATURES])
    for name in ("iris", "customer_segment"):
        dummy = DummyClassifier().fit(sales[["grade"]], sales["view"])
        save_artifact(folder / name, dummy, name=name, metrics={}, features=sales[["grade"]])
    return folder


@pytest.fixture(scope="module")
def servers(models: Path) -> Iterator[Mapping[str, Server]]:
    """One server for the three: it is the service of lab 2 with the two endpoints more."""
    with ExitStack() as stack:
        started, skipped = measuring.start(stack, models, [ECHO, NAIVE])
        assert started["echo"] == started["naive"] and not skipped
        yield {**started, "lab": started["echo"]}


@pytest.fixture
def figures() -> Figures:
    memory = dict.fromkeys(LOADS, 200.0)
    return figures_of(Found(LOADS, memory, {"batch_ms": 30.0, **dict.fromkeys(ROW_FIGURES, 1.0)}, {}))


ROW_FIGURES = [
    f"one_row_{name}_ms"
    for name in (
        "compiled",
        "estimator",
        "estimator_busy",
        "estimator_default_threads",
        "estimator_default_threads_busy",
    )
]


def test_the_answers_are_right_and_a_wrong_price_ends_the_run(models: Path, servers: Mapping[str, Server]) -> None:
    measuring.expect_right_answers(models, THREE, servers)
    wrong = replace(LAB, price=lambda answer: float(answer["price"]) * 1.00001)
    with pytest.raises(SystemExit, match="the estimator says"):
        measuring.expect_right_answers(models, [wrong], servers)


def test_a_short_run_measures_each_of_them(servers: Mapping[str, Server]) -> None:
    loads = measuring.load_in_rounds(THREE, servers, 0.2, 1, own=True)
    assert list(loads) == [each.name for each in THREE]
    for (load,) in loads.values():
        assert load.requests_per_second > 0 and 0 < load.p50_ms <= load.p99_ms
    assert all(0 < load.p50_ms <= load.p99_ms for rounds in loads.values() for load in rounds)


def test_batch_and_memory_are_measured(servers: Mapping[str, Server]) -> None:
    found = measuring.batch_figures(servers["lab"])
    assert 1 < found["batch_ms"] <= found["batch_max_ms"] < 5_000
    assert 50 < memory_mb(servers["lab"].pid) < 1_000


def test_a_request_that_fails_ends_the_run(servers: Mapping[str, Server]) -> None:
    url = servers["lab"].url + LAB.path
    with pytest.raises(LoadError, match="requests failed"):
        run_load(url, b"{}", 0.1, 2, own=True)
    with pytest.raises(LoadError, match="answered 422"):
        ask(url, b"{}")


def test_of_several_rounds_the_median_counts() -> None:
    assert measuring.median_load([Load(100, 1, 9), Load(300, 2, 7), Load(200, 3, 8)]) == Load(200, 2, 8)


def test_the_tables_say_ratios_and_targets(figures: Figures) -> None:
    assert number(figures, "lab_to_echo") == 0.75 and number(figures, "lab_to_naive") == 30
    lines = load_table(figures)
    assert len(lines) == 1 + len(LOADS) and lines[-1].split()[:2] == ["lab", "2"] and "0.75" in lines[-1]
    targets = target_table(figures)
    assert len(targets) == 1 + len(TARGETS) and sum("not measured" in line for line in targets) == 2
    assert [line for line in targets if "missed by 20.0 %" in line] == [line for line in targets if "batch" in line]


def test_a_target_is_reached_at_its_very_value() -> None:
    assert judged(0.7, 0.7, "at least") == judged(25.0, 25.0, "at most") == "reached"
    assert judged(0.63, 0.7, "at least") == "missed by 10.0 %"


def test_the_tables_of_the_guide_are_made_of_its_figures() -> None:
    measured = json.loads((ROOT / "weeks" / "week2_service" / "serving.json").read_text(encoding="utf-8"))
    figures: Figures = measured["figures"]
    made = [*load_table(figures), "", *rows_table(figures), "", *target_table(figures)]
    assert measured["table"][2:] == made


def test_each_server_that_is_compared_has_its_name_in_the_guide() -> None:
    assert {each.name: each.label for each in CONTENDERS} == SERVERS


def test_writing_keeps_the_figures_of_others(figures: Figures, tmp_path: Path) -> None:
    (tmp_path / "figures.json").write_text('{"sales": 3}')
    (tmp_path / "README.md").write_text("1<!--lab_rps--> requests, 2<!--sales--> sales\n")
    lines = load_table(figures)
    write(tmp_path, figures, {"load": "wrk"}, {name: [load] for name, load in LOADS.items()}, lines)
    kept = json.loads((tmp_path / "figures.json").read_text())
    assert kept["sales"] == 3 and kept["serving_table"].splitlines() == lines
    assert (tmp_path / "README.md").read_text() == "3,000<!--lab_rps--> requests, 3<!--sales--> sales\n"
    assert json.loads((tmp_path / "serving.json").read_text())["figures"] == figures
    assert (tmp_path / "figures" / "requests_per_second.png").read_bytes().startswith(b"\x89PNG")
