"""Week 4 as a team runs it: MLflow on PostgreSQL, artifacts in S3 (moto's, on loopback), and the service behind it."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pandas as pd
import pytest
from tests.live import databases

from lab2_service.schemas import House
from mlops_lab.datasets import load_house_sales
from mlops_lab.processes import Server, free_port, serve

ROOT = Path(__file__).resolve().parents[2]
BUCKET = "mlflow"
AWS = {
    "AWS_ACCESS_KEY_ID": "loopback",
    "AWS_SECRET_ACCESS_KEY": "loopback",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}
QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
HOUSE = {name: field.examples[0] for name, field in House.model_fields.items() if field.examples}


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    """A PostgreSQL of its own on loopback, with a database `mlflow`; its URI."""
    with databases.running("mlflow") as one:
        yield f"postgresql+psycopg2://{one.user}@127.0.0.1:{one.port}/mlflow"


@pytest.fixture(scope="module")
def bucket() -> Iterator[Any]:
    """An S3 on loopback with one bucket: a client of it, whose `meta.endpoint_url` is its address."""
    import boto3  # type: ignore[import-untyped]

    with serve(
        [sys.executable, "-m", "moto.server", "--host", "127.0.0.1", "--port", "{port}"],
        health="/moto-api/data.json",
        env=AWS,
        timeout=120,
    ) as server:
        client = boto3.client(
            "s3",
            endpoint_url=server.url,
            region_name=AWS["AWS_DEFAULT_REGION"],
            aws_access_key_id=AWS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=AWS["AWS_SECRET_ACCESS_KEY"],
        )
        client.create_bucket(Bucket=BUCKET)
        yield client


@dataclass
class Tracking:
    """MLflow, and how to start it."""

    start: Callable[[], contextlib.AbstractContextManager[Server]]
    database: str
    bucket: Any


@pytest.fixture(scope="module")
def tracking(database: str, bucket: Any) -> Tracking:
    port = free_port()
    command = [
        *(str(Path(sys.executable).parent / "mlflow"), "server", "--host", "127.0.0.1", "--port", "{port}"),
        *("--workers", "1", "--backend-store-uri", database, "--artifacts-destination", f"s3://{BUCKET}/artifacts"),
    ]
    environment = {**AWS, **QUIET, "MLFLOW_S3_ENDPOINT_URL": bucket.meta.endpoint_url}

    def start() -> contextlib.AbstractContextManager[Server]:
        health = "/api/2.0/mlflow/experiments/get?experiment_id=0"
        return serve(command, health=health, port=port, env=environment, timeout=300)

    return Tracking(start, database, bucket)


@contextlib.contextmanager
def service(uri: str, folder: Path) -> Iterator[httpx.Client]:
    """The service of 4.5 as a process."""
    command = [sys.executable, "-m", "uvicorn", "--factory", "lab4_tracking.serve:create_app", "--port", "{port}"]
    environment = {
        **QUIET,
        "PYTHONPATH": str(ROOT / "solutions"),
        "MLFLOW_TRACKING_URI": uri,
        "MODELS_DIR": str(folder),
        "POLL_SECONDS": "0.5",
    }
    with (
        serve(command, health="/livez", env=environment, timeout=120) as server,
        httpx.Client(base_url=server.url, trust_env=False, timeout=30) as client,
    ):
        yield client


def wait_for(client: httpx.Client, version: str) -> float:
    """Wait until a version serves; return its price of a house."""
    end = time.monotonic() + 120
    while True:
        answer = client.post("/v1/house-price", json=HOUSE)
        if answer.status_code == 200 and answer.json()["model_version"] == version:
            return float(answer.json()["price"])
        assert time.monotonic() < end, answer.text
        time.sleep(0.1)


def test_the_week_on_postgresql_and_s3(tracking: Tracking, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import mlflow
    import psycopg2  # type: ignore[import-untyped]

    from lab1_models.house_price import FEATURES
    from lab4_tracking.data_versions import data_of_run, link_run
    from lab4_tracking.tracking import log_training
    from mlops_probes.tracking import small_model

    sales = load_house_sales().sort_values("date", ignore_index=True)
    train, test = sales.iloc[:2_000], sales.iloc[2_000:2_500]
    house = pd.DataFrame([HOUSE])[FEATURES]
    with tracking.start() as server:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", server.url)
        monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
        # Two trainings, two versions.
        runs = [log_training(train, test, small_model(), {"ridge__alpha": alpha}) for alpha in (1.0, 500.0)]
        versions = [mlflow.register_model(f"runs:/{run}/model", "house-price").version for run in runs]
        first, second = map(str, versions)
        prices = [float(mlflow.sklearn.load_model(f"runs:/{run}/model").predict(house)[0]) for run in runs]
        client = mlflow.MlflowClient()
        client.set_registered_model_alias("house-price", "champion", first)

        # The record lies in PostgreSQL, the models in S3, and nothing on this disk.
        with contextlib.closing(psycopg2.connect(tracking.database.replace("+psycopg2", ""))) as connection:
            cursor = connection.cursor()
            cursor.execute("select count(*) from runs where status = 'FINISHED'")
            assert cursor.fetchone() == (2,)
        keys = [one["Key"] for one in tracking.bucket.list_objects_v2(Bucket=BUCKET)["Contents"]]
        assert len([key for key in keys if key.endswith("model.pkl")]) == 2

        # The data of a run is found again (4.8).
        import hashlib

        (tmp_path / "data").mkdir()
        train.to_parquet(tmp_path / "data/train.parquet", index=False)
        content = (tmp_path / "data/train.parquet").read_bytes()
        md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
        pointer = tmp_path / "data/train.parquet.dvc"
        pointer.write_text(f"outs:\n- md5: {md5}\n  size: {len(content)}\n  hash: md5\n  path: train.parquet\n")
        kept = tmp_path / "store/files/md5" / md5[:2] / md5[2:]
        kept.parent.mkdir(parents=True)
        kept.write_bytes(content)
        link_run(runs[0], pointer)
        assert len(data_of_run(runs[0], tmp_path / "store")) == len(train)

        # The service follows (4.5).
        with service(server.url, tmp_path / "models") as asked:
            assert wait_for(asked, first) == pytest.approx(prices[0])
            client.set_registered_model_alias("house-price", "champion", second)
            assert wait_for(asked, second) == pytest.approx(prices[1])

    # MLflow is down: the service starts from its copy, and says so. Then MLflow is back, and a rollback is followed.
    with service(server.url, tmp_path / "models") as asked:
        assert wait_for(asked, second) == pytest.approx(prices[1])
        end = time.monotonic() + 60
        while not next(one for one in asked.get("/v1/models").json()["models"] if one["name"] == "house_price")[
            "why_not_newer"
        ]:
            assert time.monotonic() < end
            time.sleep(0.1)
        with tracking.start():
            client.set_registered_model_alias("house-price", "champion", first)
            assert wait_for(asked, first) == pytest.approx(prices[0])
