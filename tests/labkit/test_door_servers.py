"""The real MLflow and the real Prefect behind doors, as mlops_lab declares them."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from tests.labkit import toy

from labkit.course.catalog import load_catalog
from labkit.course.tracks import resolve_track
from labkit.engine.client import Engine, default_mode
from labkit.records import Report

pytestmark = pytest.mark.skipif(default_mode() != "fork", reason="without forks each server takes its whole start")

ANSWER = '''
def log_training(mae):
    """Log one run to MLflow; return its id."""
    import mlflow

    with mlflow.start_run() as run:
        mlflow.log_metric("mae", mae)
    return run.info.run_id


def log(value):
    """Log one run to MLflow, with a file beside it."""
    # solution 1.1
    import mlflow

    mlflow.set_experiment("house-price")
    with mlflow.start_run() as run:
        mlflow.log_metric("mae", value)
        mlflow.log_text("a note", "note.txt")
    return run.info.run_id
    # end solution


def log_to(uri, value):
    """Log one run to a store."""
    import mlflow

    mlflow.set_tracking_uri(uri)
    mlflow.set_experiment("house-price")
    with mlflow.start_run():
        mlflow.log_metric("mae", value)


def flow(x):
    """Run a flow that Prefect's server hears of."""
    # solution 1.2
    import prefect

    @prefect.flow
    def double(x: int) -> int:
        return 2 * x

    return double(x)
    # end solution
'''

CHECKS = '''
import os
import sqlite3
import tempfile

import httpx

from labkit.checks import exercise, expect


@exercise("1.1")
def test_logs_a_run(lab, doors, rng):
    """The run and its file are in the store, and they came through the door."""
    value = float(rng.random())
    run = lab.answer.log(value)
    door = doors["mlflow"]
    with sqlite3.connect(f"file:{door.state}/mlflow.db?mode=ro", uri=True) as database:
        assert database.execute("select value from metrics").fetchall() == [(value,)]
    assert [path.read_text() for path in (door.state / "artifacts").rglob("note.txt")] == ["a note"]
    assert any("runs/create" in line for line in door.requests)
    assert httpx.get(f"{door.url}/api/2.0/mlflow/runs/get", params={"run_id": run}).status_code == 200


@exercise("1.1")
def test_logs_a_run_to_a_file(lab, template):
    """The same without a server: on a database whose tables are made already."""
    lab.write_bytes("mlflow.db", (template("mlflow") / "mlflow.db").read_bytes())
    lab.answer.log_to("sqlite:///mlflow.db", 7.5)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "mlflow.db")
        with open(path, "wb") as file:
            file.write(lab.read_bytes("mlflow.db"))
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
            assert database.execute("select value from metrics").fetchall() == [(7.5,)]


@exercise("1.2")
def test_runs_a_flow(lab, doors):
    """The flow's run is known to the server."""
    assert lab.answer.flow(4) == 8
    runs = httpx.post(f"{doors['prefect'].url}/api/flow_runs/filter", json={}).json()
    assert [run["state"]["type"] for run in runs] == ["COMPLETED"]
'''

TOML = """
number = 1
name = "toy"
title = "A toy"
minutes = 10
prepare = "mlops_probes.servers:read_prefect_settings"
preload = ["mlflow", "mlflow.store.tracking.rest_store", "prefect", "prefect.flow_engine", "httpx"]

[[exercise]]
id = "1.1"
title = "Log"
file = "answer.py"
minutes = 5
seconds = 60
services = ["mlflow"]
hints = ["Log."]

[[exercise]]
id = "1.2"
title = "Flow"
file = "answer.py"
minutes = 5
seconds = 60
services = ["prefect"]
hints = ["Flow."]
"""


CHECKED = ("test_logs_a_run", "test_logs_a_run_to_a_file", "test_a_run_is_logged", "test_runs_a_flow")


def example_of_contributing() -> str:
    """The check that CONTRIBUTING.md shows, for this course."""
    text = (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(@exercise\(\"4\.1\"\).*?)```", text, re.DOTALL)
    return "\n\n" + code.replace('"4.1"', '"1.1"').replace("lab.tracking", "lab.answer")


def make_course(root: Path) -> Path:
    toy.make_course(root)
    toy.write(root / "pyproject.toml", "[project]\nname = 'toy'\n[tool.labkit]\nservices = 'mlops_lab.services'\n")
    toy.write(root / "solutions" / "lab1_toy" / "answer.py", ANSWER)
    toy.write(root / "tests" / "labs" / "test_lab1_toy.py", CHECKS)
    with (root / "tests" / "labs" / "test_lab1_toy.py").open("a", encoding="utf-8") as file:
        file.write(example_of_contributing())
    toy.write(root / "weeks" / "week1_toy" / "lab.toml", TOML)
    # The templates of this checkout are as good: each is named for what it depends on.
    kept = Path(__file__).parents[2] / ".lab" / "cache" / "services"
    kept.mkdir(parents=True, exist_ok=True)
    (root / ".lab" / "cache").mkdir(parents=True)
    (root / ".lab" / "cache" / "services").symlink_to(kept)
    return root


def test_exercises_write_to_mlflow_and_to_prefect_through_their_doors(tmp_path: Path) -> None:
    root = make_course(tmp_path / "course")
    lab = load_catalog(root).lab(1)
    news: list[str] = []
    with Engine(root, on_news=news.append) as engine:
        for number in range(2):  # the second finds nothing of the first
            started = time.monotonic()
            report = engine.run(lab, None, resolve_track(root, "solutions", lab))
            assert verdicts(report) == [(name, "passed", "") for name in CHECKED]
            assert not report.notes
            print(f"run {number}: {time.monotonic() - started:.1f} s")
    set_up = [text for text in news if text.startswith("setting up")]
    assert [text for text in news if text not in set_up] == ["starting MLflow …", "starting Prefect …"]
    assert len(set_up) <= 2, "a template is made once"


def verdicts(report: Report) -> list[tuple[str, str, str]]:
    return [(result.check, result.outcome, result.message) for result in report.results]
