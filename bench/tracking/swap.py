"""The champion changes under load: two versions of the model of week 1, a real MLflow, the service of exercise 4.5."""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from bench.common import ROOT, p99
from mlops_lab.processes import serve
from mlops_lab.services import running

NAME = "house-price"


@dataclass(frozen=True)
class Answer:
    """One request: when it was due, how long after that its answer came, and from which version."""

    due: float
    milliseconds: float
    version: str | None  # None: it failed


def measure(rate: int, seconds: float) -> dict[str, float]:
    """Figures by name. The rate is constant: a request that waits does not hold up the next one."""
    import mlflow

    with (
        tempfile.TemporaryDirectory(prefix="bench-tracking-") as folder,
        running("mlflow", Path(folder, "mlflow")) as mlflow_server,
    ):
        # MLflow remembers the store and the experiment that were set last, which are those of another server.
        mlflow.set_tracking_uri(mlflow_server.url)
        mlflow.set_experiment(NAME)
        first, second = _register()
        _point(first)
        environment = {
            "PYTHONPATH": str(ROOT / "solutions"),
            "MLFLOW_TRACKING_URI": mlflow_server.url,
            "MODELS_DIR": str(Path(folder, "models")),
            "OMP_NUM_THREADS": "1",
        }
        command = [
            sys.executable,
            "-m",
            "uvicorn",
            "--factory",
            "lab4_tracking.serve:create_app",
            "--port",
            "{port}",
        ]
        with serve([*command, "--no-access-log"], health="/readyz", env=environment, timeout=300) as service:
            return asyncio.run(_under_load(service.url, rate, seconds, second))


def _register() -> tuple[str, str]:
    """Train the model of week 1 twice, with two seeds, and register both; their numbers."""
    import mlflow

    from lab1_models.house_price import CUTOFF, FEATURES, build_model, split_by_time
    from lab4_tracking.lineage import requirements
    from lab4_tracking.tracking import signature_of
    from mlops_lab.datasets import load_house_sales

    train, _ = split_by_time(load_house_sales(), CUTOFF)
    numbers = []
    for seed in (0, 1):
        model = build_model().set_params(regressor__trees__random_state=seed).fit(train[FEATURES], train["price"])
        with mlflow.start_run():
            made = mlflow.sklearn.log_model(
                model,
                name="model",
                signature=signature_of(model, train[FEATURES].head(50)),
                pip_requirements=requirements(),
                serialization_format="cloudpickle",
            )
        numbers.append(str(mlflow.register_model(made.model_uri, NAME).version))
    return numbers[0], numbers[1]


def _point(version: str) -> None:
    from mlflow import MlflowClient

    MlflowClient().set_registered_model_alias(NAME, "champion", version)


async def _under_load(url: str, rate: int, seconds: float, second: str) -> dict[str, float]:
    import httpx

    from lab2_service.schemas import House

    house = {name: field.examples[0] for name, field in House.model_fields.items() if field.examples}
    answers: list[Answer] = []
    begun = time.perf_counter()

    async def ask(client: httpx.AsyncClient, due: float) -> None:
        version = None
        try:
            answer = await client.post("/v1/house-price", json=house)
            if answer.status_code == 200:
                version = str(answer.json()["model_version"])
        except httpx.HTTPError:
            pass
        answers.append(Answer(due, (time.perf_counter() - begun - due) * 1000, version))

    pointed = 0.0
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=30.0) as client, asyncio.TaskGroup() as group:
        pointing: asyncio.Task[None] | None = None
        for number in range(int(3 * seconds * rate)):
            due = number / rate
            await asyncio.sleep(max(0.0, due - (time.perf_counter() - begun)))
            if pointing is None and due >= seconds:
                pointed = due
                pointing = group.create_task(asyncio.to_thread(_point, second))
            group.create_task(ask(client, due))
    return _figures(answers, pointed, second)


def _figures(answers: list[Answer], pointed: float, second: str) -> dict[str, float]:
    """Before: the requests up to the new champion, without the first second. During: from there until it serves."""
    taken = min((one.due for one in answers if one.version == second), default=float("nan"))
    before = [one.milliseconds for one in answers if 1.0 <= one.due < pointed]
    during = [one.milliseconds for one in answers if pointed <= one.due <= taken + 0.5]
    return {
        "requests": float(len(answers)),
        "failed": float(sum(one.version is None for one in answers)),
        "seconds from the alias to the first answer": taken - pointed,
        "p99 before the swap, ms": p99(before),
        "p99 during the swap, ms": p99(during) if during else float("nan"),
        "ratio": p99(during) / p99(before) if during else float("nan"),
    }
