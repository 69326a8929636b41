"""Each tool of the stack does one real thing. Here: pipelines and their schedules, with a server."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from mlops_lab.processes import Server
from mlops_lab.services import running

if TYPE_CHECKING:
    from prefect import Flow

BIN = Path(sys.executable).parent
pytestmark = pytest.mark.timeout(300)  # the server takes 15 s to start, and minutes on a machine that is busy


@pytest.fixture(scope="module")
def prefect_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    often = {"PREFECT_SERVER_SERVICES_SCHEDULER_LOOP_SECONDS": "1"}
    with running("prefect", tmp_path_factory.mktemp("prefect"), environment=often) as server:
        yield server


@pytest.fixture
def pipeline(prefect_server: Server) -> Iterator[Flow[[list[int]], int]]:
    """A flow of two tasks, for the server of this module."""
    from prefect import flow, task
    from prefect.settings import PREFECT_API_URL, temporary_settings

    @task
    def double(number: int) -> int:
        return 2 * number

    @flow(log_prints=False)
    def add_doubles(numbers: list[int]) -> int:
        return sum(future.result() for future in double.map(numbers))

    with temporary_settings({PREFECT_API_URL: f"{prefect_server.url}/api"}):
        yield add_doubles


def test_prefect_runs_a_flow(pipeline: Flow[[list[int]], int]) -> None:
    assert pipeline([1, 2, 3]) == 12


def test_prefect_runs_a_flow_on_dask(pipeline: Flow[[list[int]], int]) -> None:
    from prefect_dask.task_runners import DaskTaskRunner

    local = {"n_workers": 1, "threads_per_worker": 2, "processes": False, "dashboard_address": "127.0.0.1:0"}
    runner: Any = DaskTaskRunner(cluster_kwargs=local)  # typed for another kind of future than `with_options` asks for
    assert pipeline.with_options(task_runner=runner)([1, 2, 3]) == 12


def test_prefect_schedules_runs_and_lists_deployments(pipeline: Flow[[list[int]], int], prefect_server: Server) -> None:
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.actions import DeploymentScheduleCreate
    from prefect.client.schemas.schedules import IntervalSchedule

    schedule = DeploymentScheduleCreate(schedule=IntervalSchedule(interval=timedelta(hours=1)))
    with get_client(sync_client=True) as client:
        flow_id = client.create_flow(pipeline)
        client.create_deployment(flow_id, "hourly", schedules=[schedule], parameters={"numbers": [1]})
    assert wait_for_scheduled_runs(prefect_server.url)
    listed = subprocess.run(
        [BIN / "prefect", "deployment", "ls"],
        env=os.environ | {"PREFECT_API_URL": f"{prefect_server.url}/api"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "hourly" in listed.stdout


def wait_for_scheduled_runs(url: str, seconds: float = 30.0) -> int:
    """How many runs the scheduler has created; 0 if none before the time is over."""
    end = time.monotonic() + seconds
    wanted = {"flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}}}
    with httpx.Client(base_url=url, trust_env=False) as client:
        while not (count := int(client.post("/api/flow_runs/count", json=wanted).json())):
            if time.monotonic() > end:
                return 0
            time.sleep(0.2)
    return count
