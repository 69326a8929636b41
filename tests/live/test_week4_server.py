"""Week 4 on the server of `lab up 4`: it is killed in the middle of a run, and its page is opened in a browser."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab4_tracking import registry, tracking
from labkit.tools import find, is_there
from mlops_lab import services
from mlops_lab.datasets import load_house_sales
from mlops_probes.tracking import small_model

ROOT = Path(__file__).resolve().parents[2]
needs_browser = pytest.mark.skipif(not is_there("chromium"), reason="no Chromium here; `lab doctor` says how to get it")
SETTINGS = {
    "OMP_NUM_THREADS": "1",
    "DO_NOT_TRACK": "true",
    "GIT_COMMIT": "1f3a",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
}

# A training that waits in `fit` until it is told to go on.
WAITING = """
import sys
from lab4_tracking import tracking
from mlops_lab.datasets import load_house_sales
from mlops_probes.tracking import small_model
from sklearn.linear_model import Ridge

fit = Ridge.fit

def wait(self, *arguments, **options):
    print("FITTING", flush=True)
    sys.stdin.readline()
    Ridge.fit = fit
    return fit(self, *arguments, **options)

Ridge.fit = wait
sales = load_house_sales().sort_values("date", ignore_index=True)
tracking.log_training(sales.iloc[:300], sales.iloc[300:400], small_model(), {"ridge__alpha": 2.0})
"""


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of a server's state, and an environment for those who talk to it."""
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)
    yield tmp_path / "mlflow"
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


def train() -> str:
    sales = load_house_sales().sort_values("date", ignore_index=True)
    return tracking.log_training(sales.iloc[:300], sales.iloc[300:400], small_model(), {"ridge__alpha": 1.0})


def test_a_killed_server_loses_one_run(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import mlflow

    with services.running("mlflow", state) as server:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", server.url)
        first = train()
        paths = os.pathsep.join(str(ROOT / name) for name in ("solutions", "shared"))
        with subprocess.Popen(
            [sys.executable, "-c", WAITING],
            env={**os.environ, "PYTHONPATH": paths},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as training:
            assert training.stdout is not None
            assert training.stdout.readline() == "FITTING\n"
            os.killpg(server.pid, signal.SIGKILL)
            training.communicate("go on\n", timeout=300)
        assert training.returncode == 1  # it has heard of it
    with services.running("mlflow", state) as server:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", server.url)
        (left,) = mlflow.search_runs(
            experiment_names=["house-price"], filter_string="attributes.status = 'RUNNING'", output_format="list"
        )
        assert left.data.params == {"ridge__alpha": "2.0"}
        assert tracking.compare_runs()["run_id"].tolist() == [first]
        run = mlflow.get_run(left.info.run_id)
        assert (run.info.status, run.data.tags["error"]) == ("FAILED", "its process has ended without a word")
        assert registry.register(first) == 1
        assert mlflow.pyfunc.load_model("models:/house-price@challenger") is not None


@needs_browser
def test_the_page_shows_run_metrics_and_alias(state: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import mlflow
    from playwright.sync_api import sync_playwright

    with services.running("mlflow", state) as server:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", server.url)
        run = mlflow.get_run(train())
        version = registry.register(run.info.run_id)
        with registry.only_one():
            registry.crown(version, "promote")
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=find("chromium"), args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 1400, "height": 1000})
            page.goto(f"{server.url}/#/experiments/{run.info.experiment_id}/runs/{run.info.run_id}", timeout=120_000)
            page.get_by_text(run.info.run_name).first.wait_for(timeout=120_000)
            for name in ("rmse", "cv_rmse", "ridge__alpha"):
                page.get_by_text(name, exact=True).first.wait_for(timeout=60_000)
            page.screenshot(path=str(tmp_path / "run.png"))
            page.goto(f"{server.url}/#/models/house-price", timeout=120_000)
            page.get_by_text("champion").first.wait_for(timeout=60_000)
            page.screenshot(path=str(tmp_path / "registry.png"))
            browser.close()
