"""The servers that labs talk to, declared once: for checks, notebooks, tests and `lab up`.

Each keeps what it writes in one folder, its state, and listens on loopback only. Nothing here is imported or started
before it is used.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlops_lab.processes import Server, serve


@dataclass(frozen=True)
class Service:
    """One server.

    Args:
        title: what a person calls it.
        command: the program and its arguments, as `lab up` runs it.
        port: the port that everybody knows it by.
        health: the path that answers with status 200 when the server is ready to work.
        page: the path of the page to open.
        environment: what is added to the server's environment.
        client: what is added to the environment of those who talk to it.
        checked: the same, for code under check only.
        config: a file that names other servers by the ports that everybody knows them by. Where one has another port,
            `lab up` gives a copy that says so. Empty where there is none.
        app: `module:function`, called in the folder of the state; it returns the same server as an ASGI app, so that
            checks can fork it from a process that has imported it already. Empty where no check talks to it.
        preload: the modules that the app needs.
        packages: the packages whose versions decide whether a kept fresh state still fits.

    In `command`, `environment` and `client`, `{state}` is the folder of the state, `{port}` the port, `{url}` the
    address, without a slash at the end, and `{root}` the repository (for `lab up` alone, and in `config`, too). In
    `command`, `{config}` is the file `config`.
    """

    title: str
    command: tuple[str, ...]
    port: int
    health: str
    app: str = ""
    page: str = "/"
    environment: Mapping[str, str] = field(default_factory=dict)
    client: Mapping[str, str] = field(default_factory=dict)
    config: str = ""
    checked: Mapping[str, str] = field(default_factory=dict)
    preload: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()


# No tool reports home, and MLflow starts no job runner with its six workers of 245 MB.
_QUIET = {"DO_NOT_TRACK": "true", "MLFLOW_DISABLE_TELEMETRY": "true", "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}

MLFLOW = Service(
    title="MLflow",
    command=(
        "mlflow", "server", "--host", "127.0.0.1", "--port", "{port}", "--workers", "1",
        "--backend-store-uri", "sqlite:///{state}/mlflow.db", "--artifacts-destination", "{state}/artifacts",
    ),
    port=5000,
    # `/health` answers before the database is there; this path opens it.
    health="/api/2.0/mlflow/experiments/get?experiment_id=0",
    environment={**_QUIET, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
    client={"MLFLOW_TRACKING_URI": "{url}", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2"},
    checked={"MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true"},  # links to a server that is gone by then
    app="mlops_lab.services:mlflow_app",
    preload=(
        "mlflow.server.fastapi_app", "mlflow.store.tracking.sqlalchemy_store",
        "mlflow.store.model_registry.sqlalchemy_store", "mlflow.store.artifact.local_artifact_repo",
    ),
    packages=("mlflow",),
)  # fmt: skip

PREFECT = Service(
    title="Prefect",
    command=("prefect", "server", "start", "--host", "127.0.0.1", "--port", "{port}"),
    port=4200,
    health="/api/health",
    page="/dashboard",
    environment={
        **_QUIET,
        "PREFECT_HOME": "{state}",
        "PREFECT_API_DATABASE_CONNECTION_URL": "sqlite+aiosqlite:///{state}/prefect.db",
        "PREFECT_UI_STATIC_DIRECTORY": "{state}/ui",
        "PREFECT_SERVER_UI_API_URL": "http://127.0.0.1:{port}/api",  # else its page asks port 4200, whatever its own is
        "PREFECT_LOGGING_LEVEL": "WARNING",
    },
    client={"PREFECT_API_URL": "{url}/api", "PREFECT_SERVER_ANALYTICS_ENABLED": "false"},
    app="mlops_lab.services:prefect_app",
    preload=("mlops_probes.warm_prefect", "aiosqlite", "alembic.command"),
    packages=("prefect",),
)

# A stand-in, since no cluster is ready in a second: it plays rollouts from a script.
KUBERNETES = Service(
    title="Kubernetes (stand-in)",
    command=("python", "-m", "mlops_lab.cluster.api", "--host", "127.0.0.1", "--port", "{port}", "--state", "{state}"),
    port=8901,
    health="/readyz",
    page="/version",
    client={"KUBECONFIG": "{state}/kubeconfig", "KUBERNETES_STAND_IN": "{url}"},
    checked={"KUBECONFIG": "kubeconfig"},  # a check writes it into the worker's folder
    app="mlops_lab.services:kubernetes_app",
    preload=("mlops_lab.cluster.api",),
    packages=("uvicorn",),
)

# Both read what the learner writes, and start anew with each `lab up`; what they have seen stays.
PROMETHEUS = Service(
    title="Prometheus",
    command=(
        "prometheus", "--web.listen-address=127.0.0.1:{port}", "--storage.tsdb.path={state}/data",
        "--config.file={config}", "--log.level=warn",
    ),
    config="{root}/labs/lab6_monitoring/prometheus.yml",
    port=9090,
    health="/-/ready",
    page="/alerts",
    client={"PROMETHEUS_URL": "{url}"},
)  # fmt: skip

ALERTMANAGER = Service(
    title="Alertmanager",
    command=(
        "alertmanager", "--web.listen-address=127.0.0.1:{port}", "--storage.path={state}", "--cluster.listen-address=",
        "--config.file={config}", "--log.level=warn",
    ),
    config="{root}/labs/lab6_monitoring/alertmanager.yml",
    port=9093,
    health="/-/ready",
    client={"ALERTMANAGER_URL": "{url}"},
)  # fmt: skip

SERVICES: Mapping[str, Service] = {
    "mlflow": MLFLOW, "prefect": PREFECT, "kubernetes": KUBERNETES,
    "prometheus": PROMETHEUS, "alertmanager": ALERTMANAGER,
}  # fmt: skip


@contextlib.contextmanager
def running(
    name: str, state: Path, *, environment: Mapping[str, str] | None = None, timeout: float = 240.0
) -> Iterator[Server]:
    """Run a service on a free port for the length of a `with` block, for notebooks and tests.

    Args:
        name: one of `SERVICES`.
        state: the folder that it writes; made where it is missing.
        environment: added to the server's own.
        timeout: seconds that it may take to be ready.

    Raises:
        ServerError: where the server ends early or is not ready in time.
    """
    service = SERVICES[name]
    state.mkdir(parents=True, exist_ok=True)
    program, *arguments = (part.replace("{state}", str(state)) for part in service.command)
    added = {key: value.replace("{state}", str(state)) for key, value in service.environment.items()}
    command = [str(Path(sys.executable).parent / program), *arguments]
    with serve(
        command, health=service.health, env={**added, **(environment or {})}, cwd=state, timeout=timeout
    ) as server:
        yield server


def mlflow_app() -> Any:
    """Return MLflow's server on the database and the artifacts in the working folder, as `mlflow server` makes it."""
    from mlflow.server import constants

    state = Path.cwd()
    database = f"sqlite:///{state}/mlflow.db"
    os.environ |= {
        constants.BACKEND_STORE_URI_ENV_VAR: database,
        constants.REGISTRY_STORE_URI_ENV_VAR: database,
        constants.ARTIFACT_ROOT_ENV_VAR: "mlflow-artifacts:/",
        constants.ARTIFACTS_DESTINATION_ENV_VAR: str(state / "artifacts"),
        constants.SERVE_ARTIFACTS_ENV_VAR: "true",
    }
    from mlflow.server.fastapi_app import app

    return app


def prefect_app() -> Any:
    """Return Prefect's server, its background services included, on the database in the working folder."""
    from prefect.context import SettingsContext
    from prefect.server.api.server import create_app
    from prefect.settings import Settings

    os.environ["PREFECT_SERVER_UI_ENABLED"] = "false"  # nobody looks at it, and its files would go into site-packages
    # The settings were read when prefect was imported, before this process had its own environment.
    settings = Settings()
    found = SettingsContext.get()
    assert found is not None
    SettingsContext(profile=found.profile, settings=settings).__enter__()
    return create_app(settings=settings, final=True)


def kubernetes_app() -> Any:
    """Return the stand-in for the API server of Kubernetes, with its key in the working folder."""
    from mlops_lab.cluster.api import StandIn

    return StandIn(Path.cwd())
