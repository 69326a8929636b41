"""Lab 5 on real servers: Prefect and MLflow as `lab up 5` runs them, Dask as processes, the page in a browser."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from labkit.tools import find, is_there
from mlops_lab import services
from mlops_lab.processes import Server, free_port, serve

ROOT = Path(__file__).resolve().parents[2]
needs_browser = pytest.mark.skipif(not is_there("chromium"), reason="no Chromium here; `lab doctor` says how to get it")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lab5")


@pytest.fixture(scope="module")
def prefect(folder: Path) -> Iterator[Server]:
    with services.running("prefect", folder / "prefect") as server:
        yield server


@pytest.fixture(scope="module")
def environment(folder: Path, prefect: Server) -> dict[str, str]:
    """What the pipeline is told: its packages, Prefect's address, MLflow's file."""
    client = {name: value.replace("{url}", prefect.url) for name, value in services.PREFECT.client.items()}
    return {
        **os.environ,
        **client,
        "PYTHONPATH": str(ROOT / "solutions"),
        "PREFECT_HOME": str(folder / "home"),
        "MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow.db",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }


def pipeline(folder: Path, environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "lab5_pipeline", "--landing", "landing", "--warehouse", "warehouse", *arguments]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=900
    )


@pytest.fixture(scope="module")
def run(folder: Path, environment: dict[str, str]) -> str:
    """A month that was run by the command, on all its sales."""
    landed = pipeline(folder, environment, "land")
    assert landed.returncode == 0, landed.stderr
    done = pipeline(folder, environment, "run", "2014-05")
    assert done.returncode == 0, done.stderr[-2_000:]
    return done.stdout


def filtered(prefect: Server, what: str, wanted: dict[str, Any]) -> list[dict[str, object]]:
    found: list[dict[str, object]] = httpx.post(f"{prefect.url}/api/{what}/filter", json=wanted, timeout=30).json()
    return found


def test_the_command_runs_a_month_and_refuses_another(
    folder: Path, environment: dict[str, str], prefect: Server, run: str
) -> None:
    assert "'version': 1" in run
    refused = pipeline(folder, environment, "run", "2015-06")
    assert refused.returncode == 1
    assert "refused: no file of 2015-06" in refused.stderr
    states = [one["state_type"] for one in filtered(prefect, "flow_runs", {"sort": "START_TIME_ASC"})]
    assert states == ["COMPLETED", "FAILED"]


@needs_browser
def test_the_page_shows_the_run_and_its_artifacts(prefect: Server, run: str, tmp_path: Path) -> None:
    from playwright.sync_api import sync_playwright

    (flow_run,) = filtered(prefect, "flow_runs", {"flow_runs": {"state": {"type": {"any_": ["COMPLETED"]}}}})
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        page.goto(f"{prefect.url}/runs/flow-run/{flow_run['id']}", timeout=120_000)
        page.get_by_text(str(flow_run["name"])).first.wait_for(timeout=120_000)
        page.get_by_text("Artifacts", exact=True).last.click()
        page.get_by_text("monthly-figures").first.wait_for(timeout=60_000)
        page.screenshot(path=str(tmp_path / "run.png"))
        page.get_by_text("monthly-plot").first.click()
        page.locator("img[src^='data:image/png']").first.wait_for(timeout=60_000)
        page.screenshot(path=str(tmp_path / "plot.png"))
        browser.close()


TUNE = """
import json, sys
from pathlib import Path
from typing import Any
from lab5_pipeline import scale, storage
from mlops_lab.datasets import load_house_sales

if __name__ == "__main__":
    address = sys.argv[1] or None
    table = storage.put(load_house_sales().head(3_000), Path("tuning"))
    candidates = [{"max_iter": number} for number in (40, 80, 120, 160)]
    print("READY", flush=True)
    print(json.dumps(scale.tune(candidates, table, warehouse=Path("tuning"), address=address)))
"""


@pytest.fixture(scope="module")
def local(folder: Path, environment: dict[str, str]) -> dict[str, object]:
    """The search on workers of this machine."""
    (folder / "tune.py").write_text(TUNE, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "tune.py", ""],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    answer: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return answer


def test_a_killed_worker_costs_time_and_no_score(
    folder: Path, environment: dict[str, str], prefect: Server, local: dict[str, object]
) -> None:
    port, page = free_port(), free_port()
    address, dask = f"tcp://127.0.0.1:{port}", [sys.executable, "-m", "distributed.cli"]
    scheduler = [f"{dask[2]}.dask_scheduler", "--host", "127.0.0.1", "--port", str(port), "--dashboard-address"]
    worker = [f"{dask[2]}.dask_worker", address, "--nthreads", "1", "--no-nanny", "--dashboard-address"]
    with ExitStack() as stack:
        command = [*dask[:2], *scheduler, f"127.0.0.1:{page}"]
        stack.enter_context(serve(command, health="/health", port=page, env=environment, cwd=folder, timeout=120))
        pages = [free_port(), free_port()]
        workers = [
            stack.enter_context(
                serve(
                    [*dask[:2], *worker, f"127.0.0.1:{one}"],
                    health="/health",
                    port=one,
                    env=environment,
                    cwd=folder,
                    timeout=120,
                )
            )
            for one in pages
        ]
        search = stack.enter_context(
            subprocess.Popen(
                [sys.executable, "tune.py", address], cwd=folder, env=environment, stdout=subprocess.PIPE, text=True
            )
        )
        watchdog = threading.Timer(900, search.kill)
        watchdog.start()
        assert search.stdout is not None
        assert search.stdout.readline() == "READY\n"
        # Killed as soon as it is at work.
        while search.poll() is None:
            metrics = httpx.get(f"{workers[0].url}/metrics", timeout=30).text
            if 'dask_worker_tasks{state="executing"} 1' in metrics:
                os.kill(workers[0].pid, signal.SIGKILL)
                break
        assert search.poll() is None, "the worker was killed while the search was going on"
        answer = json.loads(search.stdout.read().splitlines()[-1])
        search.wait()
        watchdog.cancel()
    assert answer == local
    wanted = {"flows": {"name": {"any_": ["tune"]}}}
    assert [one["state_type"] for one in filtered(prefect, "flow_runs", wanted)] == ["COMPLETED"] * 2
