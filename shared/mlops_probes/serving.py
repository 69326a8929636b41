"""Runs a learner's service inside the worker, without a socket, before the check starts it as a process."""

from __future__ import annotations

import asyncio
import importlib
import logging
import os
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

LOADING, LOADED = "[model loading]", "[model loaded]"


class Champion:
    """A model of house prices whose price is `grade` times `factor`, USD. It tells when it is loaded.

    Args:
        factor: USD for each grade.
        loading: seconds that loading takes.
        answer: what it does when it is asked: "price", "raise" or "nan".
    """

    def __init__(self, factor: float, *, loading: float = 0.0, answer: str = "price") -> None:
        self.factor = factor
        self.loading = loading
        self.answer = answer

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        print(f"{LOADING} {self.factor:g}", flush=True)
        time.sleep(self.loading)
        print(f"{LOADED} {self.factor:g}", flush=True)

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Return a price for each row."""
        if self.answer == "raise":
            raise RuntimeError("a column is missing: see /srv/secret/train.py")
        return np.asarray(X["grade"].to_numpy(dtype=float) * (np.nan if self.answer == "nan" else self.factor))


def ask_in_experiment(
    factory: str, package: str, share: float, factors: dict[str, float], asked: list[dict[str, Any]]
) -> list[Any]:
    """Ask an app whose followers have these versions (`{"champion": 3.0}`: its factor), without a registry.

    Each of `asked` has `unit` and `house`. Returns status, body and what was logged (its fields) for each.
    """
    from lab2_service.predictor import make_pricer
    from mlops_lab.artifacts import Artifact, Metadata

    module, _, name = factory.partition(":")
    app = getattr(importlib.import_module(module), name)("http://127.0.0.1:9")
    app.state.share = share
    for number, (alias, factor) in enumerate(factors.items(), start=1):
        follower = app.state.followers[alias]
        features = {"grade": "long"}
        metadata = Metadata("house_price", str(number), "", {}, features, 0, None, None, {}, "", "", {})
        artifact = Artifact(Champion(factor), metadata)
        follower.models.pricer = make_pricer(artifact)
        follower.models.ready["house_price"] = artifact
        follower.version = str(number)
    lines: list[dict[str, Any]] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append({"message": record.getMessage(), **getattr(record, "fields", {})})

    handler = Keep()
    logging.getLogger(package).addHandler(handler)
    logging.getLogger(package).setLevel(logging.INFO)
    try:
        return asyncio.run(_asked(app, asked, lines))
    finally:
        logging.getLogger(package).removeHandler(handler)


async def _asked(app: Any, asked: list[dict[str, Any]], lines: list[dict[str, Any]]) -> list[Any]:
    import httpx

    answers = []
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://service") as client:
        for one in asked:
            lines.clear()
            path = "/v1/house-price/experiment"
            answer = await client.post(path, params={"unit": one["unit"]}, json=one["house"])
            answers.append([answer.status_code, answer.text, [line for line in lines if line["message"] == "exposure"]])
    return answers


def run_until_ready(factory: str, environment: dict[str, str], seconds: float, breaks: bool = False) -> tuple[int, str]:
    """Run the app of `package.module:function` until `/readyz` answers 200, then end it; return status and body.

    With `breaks`, the first download from MLflow breaks off after one file.
    """
    os.environ.update(environment)
    module, _, name = factory.partition(":")
    app = getattr(importlib.import_module(module), name)()
    if breaks:
        import mlflow.artifacts

        whole = mlflow.artifacts.download_artifacts
        mlflow.artifacts.download_artifacts = _breaking(whole)
    return asyncio.run(_session(app, seconds))


async def _session(app: Any, seconds: float) -> tuple[int, str]:
    import httpx

    transport = httpx.ASGITransport(app=app)
    end = time.monotonic() + seconds
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://service") as client,
    ):
        while True:
            answer = await client.get("/readyz")
            if answer.status_code == 200 or time.monotonic() > end:
                # What follows the first good answer, such as a note on the disk, may need a moment.
                await asyncio.sleep(0.3)
                return answer.status_code, answer.text
            await asyncio.sleep(0.05)


def _breaking(whole: Callable[..., str]) -> Callable[..., str]:
    """MLflow's download, whose first call breaks off."""
    calls = 0

    def download(*arguments: Any, **options: Any) -> str:
        nonlocal calls
        calls += 1
        place = whole(*arguments, **options)
        if calls == 1:
            files = sorted(os.path.join(folder, name) for folder, _, names in os.walk(place) for name in names)
            for path in files:
                if not path.endswith("MLmodel"):
                    os.remove(path)
            raise ConnectionError("the download broke off")
        return place

    return download
