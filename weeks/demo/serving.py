"""The service of the demo, and those who ask it."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pandas as pd
from fastapi import FastAPI

from mlops_lab.processes import Server, serve

ROOT = Path(__file__).resolve().parents[2]
BATCH = 250  # houses in a request; the service takes up to 1,000
PATIENCE = 300.0


def create_app() -> FastAPI:
    """Return week 4's service, which follows the champion, with week 6's metrics and a line for each prediction."""
    from lab4_tracking.serve import create_app as follow_the_champion
    from lab6_monitoring.logs import log_predictions
    from lab6_monitoring.metrics import instrument

    app = follow_the_champion()
    instrument(app)
    log_predictions(app)
    return app


@contextlib.contextmanager
def service(labs: Path, folder: Path, tracking_uri: str) -> Iterator[Server]:
    """Run the service as a process of its own on a free port, until the end of the `with` block."""
    environment = {
        "PYTHONPATH": f"{labs}:{ROOT}",
        "MLFLOW_TRACKING_URI": tracking_uri,
        "MODELS_DIR": str(folder / "served"),
        "MODELS": "house_price",
        "POLL_SECONDS": "1",
        "OMP_NUM_THREADS": "1",
    }
    command = [sys.executable, "-m", "uvicorn", "--factory", "weeks.demo.serving:create_app", "--port", "{port}"]
    with serve(
        [*command, "--no-access-log"], health="/readyz", env=environment, cwd=folder, timeout=PATIENCE
    ) as server:
        yield server


def price(url: str, houses: pd.DataFrame) -> list[str]:
    """Have the service price some houses, and return the ids of the predictions, in the order of the houses."""
    ids = []
    rows = houses.to_dict("records")
    with httpx.Client(base_url=url, trust_env=False, timeout=60) as client:
        for first in range(0, len(rows), BATCH):
            part = rows[first : first + BATCH]
            answer = client.post("/v1/house-price/batch", json={"houses": part}).raise_for_status()
            request = answer.headers["X-Prediction-ID"]
            ids += [f"{request}-{place}" for place in range(len(part))]
    return ids


@dataclass
class Callers:
    """Somebody who asks for one and the same house all the time, and notes which version has answered."""

    url: str
    house: dict[str, Any]
    answers: list[tuple[float, str | None]] = field(default_factory=list)  # when, and the version; None: no answer
    news: threading.Condition = field(default_factory=threading.Condition)

    @contextlib.contextmanager
    def asking(self) -> Iterator[None]:
        """Ask until the end of the `with` block."""
        enough = threading.Event()
        thread = threading.Thread(target=self._ask, args=(enough,))
        thread.start()
        try:
            yield
        finally:
            enough.set()
            thread.join()

    def _ask(self, enough: threading.Event) -> None:
        with httpx.Client(base_url=self.url, trust_env=False, timeout=10) as client:
            while not enough.wait(0.05):
                version = None
                with contextlib.suppress(httpx.HTTPError, ValueError, KeyError):
                    version = client.post("/v1/house-price", json=self.house).raise_for_status().json()["model_version"]
                with self.news:
                    self.answers.append((time.monotonic(), version))
                    self.news.notify_all()

    def wait_for(self, version: str) -> float:
        """Wait until a version has answered, and return when that was."""
        with self.news:
            if not self.news.wait_for(lambda: any(one == version for _, one in self.answers), PATIENCE):
                raise TimeoutError(f"the service does not take version {version}; it has {self.answers[-1:]}")
            return next(when for when, one in self.answers if one == version)

    def without_answer(self) -> int:
        """How many have got none."""
        return sum(version is None for _, version in self.answers)
