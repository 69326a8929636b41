"""What Prefect's server knows of the flows that ran, asked by the check."""

from __future__ import annotations

import re
import time
from typing import Any

import httpx

from labkit.checks import fail

ENDED = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")
PATIENCE = 15.0
"""Seconds that the server may take to write down what it was told of tasks: they come as events, a moment later."""


class Prefect:
    """The server's own account, by its API."""

    def __init__(self, url: str) -> None:
        self._client = httpx.Client(base_url=f"{url}/api", timeout=20, trust_env=False)

    def flow_runs(self, name: str) -> list[dict[str, Any]]:
        """The runs of the flow of this name, the oldest first."""
        wanted = {"flows": {"name": {"any_": [name]}}, "sort": "START_TIME_ASC"}
        return self._all("flow_runs", wanted)

    def add_run(self, flow: str, parameters: dict[str, Any], state: str) -> str:
        """Tell the server of a run that nobody runs; return its id."""
        flow_id = self._post("flows/", {"name": flow})["id"]
        known = {"type": state, "name": state.title()}
        return str(self._post("flow_runs/", {"flow_id": flow_id, "parameters": parameters, "state": known})["id"])

    def states(self, flow_run: dict[str, Any]) -> list[str]:
        """The types of all states that a run has had."""
        answer = self._ask("GET", "flow_run_states/", params={"flow_run_id": flow_run["id"]})
        return [str(state["type"]) for state in answer]

    def forget_run(self, run_id: str) -> None:
        """Delete a run."""
        self._ask("DELETE", f"flow_runs/{run_id}")

    def flow_name(self, flow_id: str) -> str:
        """The name of the flow with this id."""
        found = self._all("flows", {"flows": {"id": {"any_": [flow_id]}}})
        return str(found[0]["name"]) if found else ""

    def task_runs(self, flow_run: dict[str, Any], *, some: int = 1) -> list[dict[str, Any]]:
        """The runs of the tasks of a run, in their order, once the server knows how each of them ended.

        There are to be `some` of them: so many are waited for.
        """
        wanted = {"flow_runs": {"id": {"any_": [flow_run["id"]]}}}
        end = time.monotonic() + PATIENCE
        before: list[tuple[str, str]] = []
        while True:
            runs = self._all("task_runs", wanted)
            known = [(run["id"], run["state_type"]) for run in runs]
            # A flow that failed has told of the failed task as well: events arrive in their order.
            complete = all(state in ENDED for _, state in known) and known == before
            if complete and len(known) >= some:
                return sorted(runs, key=lambda run: str(run["start_time"] or run["created"]))
            if time.monotonic() > end:
                return sorted(runs, key=lambda run: str(run["start_time"] or run["created"]))
            before = known
            time.sleep(0.15)

    def artifacts(self, flow_run: dict[str, Any] | None = None) -> list[dict[str, Any]]:
        """The artifacts of a run, or all."""
        wanted = {"artifacts": {"flow_run_id": {"any_": [flow_run["id"]]}}} if flow_run else {}
        return self._all("artifacts", wanted)

    def deployments(self) -> list[dict[str, Any]]:
        """The deployments."""
        return self._all("deployments", {})

    def schedule(self, deployment: dict[str, Any], start: str, end: str) -> list[str]:
        """Have a deployment plan its runs between two moments; return when they are to start."""
        wanted = {"start_time": start, "end_time": end, "min_runs": 12, "max_runs": 40}
        self._post(f"deployments/{deployment['id']}/schedule", wanted)
        runs = self._all("flow_runs", {"deployments": {"id": {"any_": [deployment["id"]]}}})
        return sorted(str(run["expected_start_time"]) for run in runs)

    def _all(self, what: str, wanted: dict[str, Any]) -> list[dict[str, Any]]:
        found = self._post(f"{what}/filter", {"limit": 200, **wanted})
        return found if isinstance(found, list) else []

    def _post(self, path: str, body: dict[str, Any]) -> Any:
        return self._ask("POST", path, json=body)

    def _ask(self, method: str, path: str, **more: Any) -> Any:
        end = time.monotonic() + PATIENCE
        # Its database has one writer at a time: "busy" is no answer.
        while (answer := self._client.request(method, f"/{path}", **more)).status_code == 503:
            if time.monotonic() > end:
                break
            time.sleep(0.1)
        if answer.status_code >= 400:
            fail(expected=f"Prefect's server answers `{path}`", found=f"{answer.status_code}: {answer.text[:200]}")
        return answer.json() if answer.content else None


STEPS = ("ingest", "validate", "features", "train", "evaluate", "gate", "register")
TASKS = (*STEPS, "score")


def tasks_by_name(runs: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Runs of tasks, by the name of their task."""
    found: dict[str, list[dict[str, Any]]] = {}
    for run in runs:
        found.setdefault(task_of(run), []).append(run)
    return found


def task_of(run: dict[str, Any]) -> str:
    """The name of the task of a run: `ingest` for `ingest-a7b`, or by its key where runs are named otherwise.

    `candidate-001` may be either: there the key says whether it is a task of the lab.
    """
    usual = re.fullmatch("(.*)-[0-9a-f]{3}", str(run["name"]))
    function = str(run["task_key"]).rpartition("-")[0]
    return usual[1] if usual and function not in TASKS else function


def told(runs: list[dict[str, Any]]) -> str:
    """Runs in words."""
    return ", ".join(f"{task_of(run)} ({run['state_name']})" for run in runs) or "none"
