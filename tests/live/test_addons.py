"""The servers of the add-ons as processes, with the settings of their manifests: on PostgreSQL, with passwords."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from tests.live import databases

from k8s.installing import ADDONS, rendered
from k8s.system import ROOT
from mlops_lab.processes import serve

PROGRAMS = Path(sys.executable).parent
PASSWORD = "of-this-test-alone"


@pytest.fixture
def database() -> Iterator[databases.Database]:
    with databases.running("app", "again", user="app", password=PASSWORD) as one:
        yield one


class Manifests:
    """What an add-on renders to, where PostgreSQL listens on this machine."""

    def __init__(self, tree: str, database: databases.Database) -> None:
        self.documents = rendered(ADDONS / tree)
        self.here = f"127.0.0.1:{database.port}"

    def one(self, kind: str, name: str) -> dict[str, Any]:
        return next(one for one in self.documents if one["kind"] == kind and one["metadata"]["name"].startswith(name))

    def settings(self, name: str) -> dict[str, str]:
        data: Mapping[str, str] = self.one("ConfigMap", name)["data"]
        return {key: value.replace("postgres:5432", self.here) for key, value in data.items()}

    def pod(self, kind: str, name: str) -> dict[str, Any]:
        spec = self.one(kind, name)["spec"]
        found: dict[str, Any] = (spec["jobTemplate"]["spec"] if kind == "CronJob" else spec)["template"]["spec"]
        return found


def status(url: str, user: str = "", host: str = "") -> int:
    """The status of an answer."""
    headers = {"authorization": f"Basic {base64.b64encode(user.encode()).decode()}"} if user else {}
    request = urllib.request.Request(url, headers=headers | ({"host": host} if host else {}))
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_prefect_with_a_password_takes_the_work_pool_and_the_flow(database: databases.Database, tmp_path: Path) -> None:
    manifests = Manifests("prefect-postgres", database)
    environment = {
        **manifests.settings("prefect-server"),
        "PREFECT_HOME": str(tmp_path / "server"),
        "PREFECT_SERVER_UI_STATIC_DIRECTORY": str(tmp_path / "ui"),
        "PREFECT_SERVER_API_AUTH_STRING": f"admin:{PASSWORD}",
        "PGPASSWORD": PASSWORD,
    }
    command = [str(PROGRAMS / "prefect"), "server", "start", "--host", "127.0.0.1", "--port", "{port}"]
    with serve(command, health="/api/ready", env=environment, timeout=300) as server:
        paths = ("health", "ready", "admin/version")
        assert [status(f"{server.url}/api/{path}") for path in paths] == [200, 200, 401]

        def prefect(*arguments: str) -> str:
            more = {
                "PREFECT_API_URL": f"{server.url}/api",
                "PREFECT_API_AUTH_STRING": f"admin:{PASSWORD}",
                "PREFECT_HOME": str(tmp_path / "client"),
                "PYTHONPATH": str(ROOT / "solutions"),
            }
            done = subprocess.run(
                [str(PROGRAMS / "prefect"), *arguments],
                cwd=ROOT / "solutions", env={**os.environ, **more}, capture_output=True, text=True, check=False,
            )  # fmt: skip
            assert done.returncode == 0, done.stdout + done.stderr
            return done.stdout

        first = manifests.pod("Deployment", "prefect-worker")["initContainers"][0]
        pool = [one.replace("/etc/prefect", str(ADDONS / "prefect")) for one in (*first["command"][1:], *first["args"])]
        for _ in range(2):  # at each start of the worker
            prefect(*pool)
        prefect("--no-prompt", "deploy", "--all", "--prefect-file", str(ADDONS / "prefect/prefect.yaml"))
        told = prefect("deployment", "inspect", "newest-month/every-month")
        assert "'work_pool_name': 'kubernetes'" in told and "0 6 2 * *" in told


@pytest.mark.skipif(find_spec("flask_wtf") is None, reason="MLflow's users want Flask-WTF: `pip install mlflow[auth]`")
def test_mlflow_lets_nobody_in_without_a_password_and_its_dump_comes_back(
    database: databases.Database, tmp_path: Path
) -> None:
    manifests = Manifests("mlflow", database)
    (tmp_path / "auth.ini").write_text(manifests.settings("mlflow-auth")["auth.ini"], encoding="utf-8")
    environment = {
        **manifests.settings("mlflow-settings"),
        "MLFLOW_AUTH_CONFIG_PATH": str(tmp_path / "auth.ini"),
        "MLFLOW_AUTH_ADMIN_PASSWORD": PASSWORD,
        "MLFLOW_FLASK_SERVER_SECRET_KEY": PASSWORD,
        "PGPASSWORD": PASSWORD,
    }
    arguments = [
        one.replace("$(ARTIFACTS)", environment["ARTIFACTS"])
        for one in manifests.pod("Deployment", "mlflow")["containers"][0]["args"]
        if not one.startswith(("--host", "--port", "--workers"))
    ]
    command = [str(PROGRAMS / "mlflow"), "server", "--host", "127.0.0.1", "--port", "{port}", "--workers", "1"]
    with serve([*command, *arguments], env=environment, timeout=300) as server:
        asked, admin = f"{server.url}/api/2.0/mlflow/experiments/get?experiment_id=0", f"admin:{PASSWORD}"
        assert [status(asked, user) for user in ("", "admin:password1234", admin)] == [401, 401, 200]
        hosts = ("mlflow.mlflow:5000", "mlflow.localhost:8080", "somebody.example")
        assert [status(asked, admin, host) for host in hosts] == [200, 200, 403]
        # The kubelet calls a pod by its address.
        assert status(f"{server.url}/health", host="10.244.0.9:5000") == 200
    dumps = database.folder / "dumps"
    database.run("/bin/mkdir", str(dumps))
    [script] = manifests.pod("CronJob", "postgres-dump")["containers"][0]["args"]
    database.run("/bin/sh", "-euc", script.replace("/dumps", str(dumps)), PGDATABASE="app")
    [dump] = dumps.glob("*.dump")
    database.run("pg_restore", "--clean", "--if-exists", "--no-owner", "--dbname", "again", str(dump))
    assert database.run("psql", "-Atc", "select username from users", "again").split() == ["admin"]
