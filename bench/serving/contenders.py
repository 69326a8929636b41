"""What is compared, and how each is started: lab 2, two endpoints beside it, MLflow and BentoML.

Same model, same house, one worker each. `start_…` runs a server for the length of a `with` block.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.common import ROOT
from mlops_lab.artifacts import Artifact, load_artifact
from mlops_lab.processes import Server, serve
from weeks.week2_service.drawing import SERVERS

BENTO = ROOT / ".lab" / "cache" / "bench_serving" / "bentoml"
# Below 1.4, uv finds versions of many years ago that fit as well.
BENTO_VERSIONS = "bentoml>=1.4.30,<1.5"
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "PYTHONPATH": os.pathsep.join([str(ROOT / "solutions"), str(ROOT)]),
    "DO_NOT_TRACK": "true",
    "BENTOML_DO_NOT_TRACK": "True",
    # MLflow looks for uvicorn there.
    "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
}
SECONDS_TO_START = 90.0


class NotHere(RuntimeError):
    """Something that cannot be compared on this machine; the message says why."""


@dataclass(frozen=True)
class Contender:
    """One way to serve a price: what is asked, and where the price stands in the answer."""

    name: str  # of its figures: `echo` gives `echo_rps`
    path: str
    wrap: Callable[[dict[str, Any]], Any]  # from the house to the body of the request
    price: Callable[[Any], float]  # from the body of the answer to the price
    has_model: bool = True

    @property
    def label(self) -> str:
        """What the guide calls it."""
        return SERVERS[self.name]

    def body(self) -> bytes:
        """The body of the request."""
        return json.dumps(self.wrap(house())).encode()


def _as_it_is(row: dict[str, Any]) -> Any:
    return row


def _price(answer: Any) -> float:
    return float(answer["price"])


ECHO = Contender("echo", "/bench/echo", _as_it_is, _price, has_model=False)
NAIVE = Contender("naive", "/bench/naive", _as_it_is, _price)
LAB = Contender("lab", "/v1/house-price", _as_it_is, _price)
MLFLOW = Contender(
    "mlflow",
    "/invocations",
    lambda row: {"dataframe_records": [row]},
    lambda answer: float(answer["predictions"][0]),
)
BENTOML = Contender("bentoml", "/predict", lambda row: {"houses": [row]}, lambda answer: float(answer[0]))
CONTENDERS = (ECHO, NAIVE, LAB, MLFLOW, BENTOML)

Start = Callable[[Path], AbstractContextManager[Server]]


def house() -> dict[str, Any]:
    """The house that everybody is asked about: the first one in the data."""
    return houses(1)[0]


def houses(count: int) -> list[dict[str, Any]]:
    """The first houses in the data, with the fields of a request."""
    from lab1_models.house_price import FEATURES
    from mlops_lab.datasets import load_house_sales

    rows = load_house_sales()[FEATURES].head(count).to_dict("records")
    return [{str(name): value for name, value in row.items()} for row in rows]


def start_lab(models: Path, port: int | None = None) -> AbstractContextManager[Server]:
    """Run the service of lab 2 as it is."""
    return _start_app("lab2_service.app:create_app", models, port)


def start_others(models: Path) -> AbstractContextManager[Server]:
    """Run the service of lab 2 with `/bench/echo` and `/bench/naive`."""
    return _start_app("bench.serving.apps:create_app", models)


def _start_app(factory: str, models: Path, port: int | None = None) -> AbstractContextManager[Server]:
    command = [sys.executable, "-m", "uvicorn", "--factory", factory, "--port", "{port}", "--no-access-log"]
    environment = {**ENVIRONMENT, "MODELS_DIR": str(models)}
    return serve(command, health="/readyz", port=port, env=environment, timeout=SECONDS_TO_START)


@contextmanager
def start_mlflow(models: Path) -> Iterator[Server]:
    """Run `mlflow models serve` on the same estimator, logged with its signature and what it needs."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        _save_for_mlflow(load_artifact(models / "house_price"), Path(folder, "model"))
        command = [sys.executable, "-m", "mlflow", "models", "serve", "--model-uri", "model", "--env-manager", "local"]
        options = ["--port", "{port}", "--workers", "1"]
        with serve(
            [*command, *options], health="/health", env=ENVIRONMENT, cwd=folder, timeout=SECONDS_TO_START
        ) as server:
            yield server


def _save_for_mlflow(artifact: Artifact, folder: Path) -> None:
    import mlflow.sklearn
    import pandas as pd
    from mlflow.models import infer_signature

    # It says that whole numbers cannot be missing, and that a pickle runs code: both known here.
    logging.getLogger("mlflow").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module="mlflow")
    frame = pd.DataFrame(houses(100)).astype(artifact.metadata.features)
    libraries = artifact.metadata.libraries
    mlflow.sklearn.save_model(
        artifact.model,
        folder,
        signature=infer_signature(frame, artifact.model.predict(frame)),
        pip_requirements=[f"{name}=={libraries[name]}" for name in ("scikit-learn", "pandas", "numpy")],
        serialization_format="cloudpickle",
    )


@contextmanager
def start_bentoml(models: Path) -> Iterator[Server]:
    """Run a BentoML service on the same file, in an environment of its own. Raises NotHere where it cannot be made."""
    artifact = load_artifact(models / "house_price").metadata
    python = bentoml_python([f"{name}=={artifact.libraries[name]}" for name in ("scikit-learn", "pandas", "numpy")])
    with tempfile.TemporaryDirectory(prefix="bench-") as home:
        environment = {
            **ENVIRONMENT,
            "PYTHONPATH": str(ROOT),
            "PATH": os.pathsep.join([str(python.parent), os.environ.get("PATH", "")]),
            "BENTOML_HOME": home,
            "MODEL_FILE": str(models.resolve() / "house_price" / artifact.model_file),
        }
        command = [str(python), "-m", "bentoml", "serve", "bench.serving.bento:HousePrices", "--host", "127.0.0.1"]
        with serve(
            [*command, "--port", "{port}"], health="/readyz", env=environment, cwd=home, timeout=SECONDS_TO_START
        ) as server:
            yield server


def bentoml_python(libraries: list[str]) -> Path:
    """Return the Python of an environment with BentoML and these libraries, made where it is not there yet."""
    python, ready = BENTO / "bin" / "python", BENTO / ".ready"
    wanted = "\n".join([BENTO_VERSIONS, "joblib", *libraries])
    if ready.exists() and ready.read_text(encoding="utf-8") == wanted:
        return python
    uv = str(Path(sys.executable).with_name("uv"))
    for command in (
        [uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(BENTO)],
        [uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", str(python), *wanted.splitlines()],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise NotHere(f"BentoML could not be installed: {done.stderr.strip()[-400:]}")
    ready.write_text(wanted, encoding="utf-8")
    return python


def bentoml_version() -> str:
    """The version of BentoML in its environment."""
    code = "import importlib.metadata as m; print(m.version('bentoml'))"
    done = subprocess.run([str(BENTO / "bin" / "python"), "-c", code], capture_output=True, text=True, check=False)
    return done.stdout.strip()


STARTS: dict[str, Start] = {
    ECHO.name: start_others,
    NAIVE.name: start_others,
    LAB.name: start_lab,
    MLFLOW.name: start_mlflow,
    BENTOML.name: start_bentoml,
}
