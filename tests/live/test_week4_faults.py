"""What happens to the record when things go wrong: a full disk, two writers, an older store, a store that is lost."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lab1_models.house_price import FEATURES
from lab4_tracking import registry, tracking
from mlops_lab.datasets import load_house_sales
from mlops_probes.tracking import small_model

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = {"OMP_NUM_THREADS": "1", "MLFLOW_DISABLE_TELEMETRY": "true", "GIT_COMMIT": "1f3a"}


def train(alpha: float = 1.0) -> str:
    """One training of 4.1 that takes no time; its run."""
    sales = load_house_sales().sort_values("date", ignore_index=True)
    model = small_model()
    return tracking.log_training(sales.iloc[:300], sales.iloc[300:400], model, {"ridge__alpha": alpha})


def price(model: str) -> float:
    """What a logged model asks for a house."""
    import mlflow

    return float(mlflow.sklearn.load_model(model).predict(load_house_sales()[FEATURES].head(1))[0])


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with its tables and nothing in them."""
    from mlflow.store.db.utils import _initialize_tables, create_sqlalchemy_engine

    path = tmp_path_factory.mktemp("fresh") / "mlflow.db"
    engine = create_sqlalchemy_engine(f"sqlite:///{path}")  # type: ignore[no-untyped-call]
    _initialize_tables(engine)  # type: ignore[no-untyped-call]
    engine.dispose()
    return path


@pytest.fixture
def store(fresh: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store of its own, which MLflow uses by the environment; artifacts lie beside it."""
    path = tmp_path / "mlflow.db"
    shutil.copy(fresh, path)
    monkeypatch.chdir(tmp_path)
    for name, value in {**SETTINGS, "MLFLOW_TRACKING_URI": f"sqlite:///{path}"}.items():
        monkeypatch.setenv(name, value)
    return path


def python(code: str, *arguments: str, before: tuple[str, ...] = ()) -> subprocess.Popen[str]:
    """Code of this file's kind in a process of its own, which speaks through its pipes."""
    head = "import contextlib, json, os, sys\nfrom pathlib import Path\n"
    paths = os.pathsep.join(str(ROOT / name) for name in ("solutions", "shared", "tests/live"))
    return subprocess.Popen(
        [*before, sys.executable, "-c", head + code, *arguments],
        env={**os.environ, "PYTHONPATH": paths},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


FULL = """
from test_week4_faults import price, tracking, train, registry
import mlflow

mlflow.create_experiment("house-price", artifact_location=str(Path("artifacts").resolve()))
first = train(1.0)
before = price(f"runs:/{first}/model")
with open("artifacts/other", "wb", buffering=0) as other, contextlib.suppress(OSError):
    while True:  # somebody else fills the disk
        other.write(bytes(65_536))
try:
    train(2.0)
except Exception as error:
    raised = str(error)
where = "attributes.status = 'FAILED'"
(failed,) = mlflow.search_runs(filter_string=where, search_all_experiments=True, output_format="list")
try:
    registry.register(failed.info.run_id)
except ValueError as error:
    refused = str(error)
os.remove("artifacts/other")
third = train(3.0)
print(json.dumps({
    "raised": raised, "tag": failed.data.tags["error"], "params": failed.data.params, "refused": refused,
    "same": price(f"runs:/{first}/model") == before, "version": registry.register(third),
    "compared": sorted(tracking.compare_runs()["run_id"]) == sorted([first, third]),
}))
"""


def test_a_full_disk_fails_one_run_and_no_other(store: Path, tmp_path: Path) -> None:
    walls = ("unshare", "--map-root-user", "--mount")
    if subprocess.run([*walls, "true"], capture_output=True, check=False).returncode if shutil.which("unshare") else 1:
        pytest.skip("no small disk can be mounted here: `unshare` is not there or not allowed")
    (tmp_path / "artifacts").mkdir()
    small = ("sh", "-c", 'mount -t tmpfs -o size=600k disk artifacts && exec "$@"', "sh")
    answer, _ = python(FULL, before=(*walls, *small)).communicate(timeout=120)
    found = json.loads(answer.splitlines()[-1])
    assert "No space left on device" in found["raised"]
    assert "No space left on device" in found["tag"]
    assert found["params"] == {"ridge__alpha": "2.0"}
    assert "FAILED" in found["refused"]
    assert found["same"]
    assert found["compared"]
    assert found["version"] == 1


WRITER = """
import mlflow

mlflow.set_experiment("house-price")
print("READY", flush=True)
sys.stdin.readline()
for number in range(5):
    with mlflow.start_run():
        mlflow.log_params({"writer": sys.argv[1]})
        mlflow.log_metrics({"rmse": float(number), "mae": 1.0})
"""


def test_two_writers_lose_nothing(store: Path) -> None:
    import mlflow

    mlflow.set_experiment("house-price")
    with contextlib.ExitStack() as stack:
        writers = [stack.enter_context(python(WRITER, name)) for name in "ab"]
        for writer in writers:
            assert writer.stdout is not None
            assert writer.stdout.readline() == "READY\n"
        for writer in writers:  # both begin at once
            writer.communicate("go\n", timeout=120)
    assert [writer.returncode for writer in writers] == [0, 0]
    runs: Any = mlflow.search_runs(experiment_names=["house-price"], output_format="list")
    written = {(run.data.params["writer"], run.data.metrics["rmse"], run.info.status) for run in runs}
    assert written == {(name, float(number), "FINISHED") for name in "ab" for number in range(5)}
    with contextlib.closing(sqlite3.connect(store)) as database:
        assert database.execute("select count(*) from metrics").fetchone() == (2 * 5 * 2,)


def answers() -> dict[str, object]:
    """What the store says of all that counts."""
    return {
        "runs": tracking.compare_runs().to_dict("records"),
        "history": registry.champions().to_dict("records"),
        "champion": registry.version_of("champion"),
        "price": price(registry.champion_uri()),
    }


def schema(database: Path) -> str:
    """The version of the tables."""
    with contextlib.closing(sqlite3.connect(database)) as connection:
        return str(connection.execute("select version_num from alembic_version").fetchone()[0])


def test_a_store_is_backed_up_upgraded_as_a_copy_and_restored(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import mlflow
    from alembic import command
    from mlflow.store.db.utils import _get_alembic_config

    for alpha in (1.0, 2.0):
        version = registry.register(train(alpha))
        with registry.only_one():
            registry.crown(version, "promote")
    wanted = answers()
    assert wanted["champion"] == 2

    # The back-up is taken while somebody writes.
    backup = store.with_name("backup.db")
    with (
        mlflow.start_run(),
        contextlib.closing(sqlite3.connect(store)) as source,
        contextlib.closing(sqlite3.connect(backup)) as target,
    ):
        mlflow.log_metric("rmse", 1.0)
        source.backup(target)
    before = hashlib.sha256(backup.read_bytes()).hexdigest()

    # A copy as an older MLflow has left it is upgraded, and the back-up stays as it is.
    copy = store.with_name("copy.db")
    shutil.copy(backup, copy)
    address = f"sqlite:///{copy}"
    newest = schema(copy)
    command.downgrade(_get_alembic_config(address), "-3")  # type: ignore[no-untyped-call]
    assert schema(copy) != newest
    mlflow_command = Path(sys.executable).with_name("mlflow")
    subprocess.run([mlflow_command, "db", "upgrade", address], capture_output=True, timeout=120, check=True)
    assert schema(copy) == newest
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    assert answers() == wanted
    assert hashlib.sha256(backup.read_bytes()).hexdigest() == before

    # The store is lost; the back-up takes its place.
    store.write_bytes(b"what a full disk has left")
    shutil.copy(backup, store)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{store}")
    assert answers() == wanted
    registry.rollback()
    assert registry.version_of("champion") == 1
