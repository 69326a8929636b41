"""Lab 2's service on the version that the registry calls champion: `uvicorn --factory lab4_tracking.serve:create_app`.

It looks every few seconds whether the champion is another one, and takes it without being restarted. What happens to
MLflow meanwhile is no reason to stop: the last good model goes on.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import shutil
import tempfile
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.concurrency import run_in_threadpool

from lab2_service import app as lab2
from lab2_service.predictor import Pricer, make_pricer
from lab2_service.schemas import House, HousePrice, problem_answers
from lab2_service.training import ensure_artifact
from lab4_tracking.ab_test import assign
from mlops_lab.artifacts import Artifact, Metadata, load_artifact
from mlops_lab.files import write_atomically

logger = logging.getLogger(__name__)

REGISTERED = "house-price"  # in the registry
SERVED = "house_price"  # in the service
SERVING_FILE = "serving.json"  # names the version whose copy is good
IMPORTING = threading.Lock()


@dataclass
class Follower:
    """Keeps the house prices of `models` on the version that an alias of the registry points to.

    Args:
        models: lab 2's models. Their `ready["house_price"]` and `pricer` are what requests use.
        tracking_uri: MLflow.
        alias: `champion`, or `challenger`.
        folder: local copies. Nobody else writes there.
        seconds: from one look to the next.
    """

    models: lab2.Models
    tracking_uri: str
    alias: str
    folder: Path
    seconds: float
    version: str | None = None  # that serves
    since: str | None = None  # when this service took it: ISO 8601, UTC
    why_not_newer: str | None = None  # None where it serves what the registry says
    distrusted: str | None = None  # a version whose copy is damaged
    named: bool = True  # False where the registry said last that no version has the alias

    async def follow(self) -> None:
        """Begin with the local copy, then look every few seconds, for as long as the service runs."""
        await run_in_threadpool(import_mlflow)
        await self.begin()
        while True:
            await self.look()
            await asyncio.sleep(self.seconds)

    async def begin(self) -> None:
        """Serve the local copy if there is one. A note that cannot be read is no note, whatever stands there.

        A damaged copy is told in the log, and is fetched anew later.
        """
        # TODO 4.5: A service that follows the registry
        raise NotImplementedError

    async def look(self) -> None:
        """Ask the registry which version the alias points to now, and where that is another one, take it.

        - The event loop stays free, and the old version answers until the new one has priced a house.
        - Another version is another version: after a rollback its number is smaller.
        - Nothing that goes wrong here ends the service or the looking. The version that serves goes on, and
          `why_not_newer` says in one sentence why it is not another one: MLflow does not answer, no version has the
          alias, or version 7 cannot be loaded. It shows no address, no path and no trace: those are for the log.
        """
        # TODO 4.5: A service that follows the registry
        raise NotImplementedError

    def ask(self) -> str:
        """Return the version that the alias points to. Raises NoVersion where it points to none. Given."""
        from mlflow.exceptions import MlflowException

        try:
            version = registry(self.tracking_uri).get_model_version_by_alias(REGISTERED, self.alias).version
        except MlflowException as error:
            if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                self.named = False
                raise NoVersion from None
            raise
        self.named = True
        return str(version)

    def fetch(self, version: str) -> Path:
        """Copy a version from the registry into a folder of its own below `folder`, whole or not at all; return it."""
        # TODO 4.5: A service that follows the registry
        raise NotImplementedError

    def take(self, version: str, artifact: Artifact, pricer: Pricer) -> None:
        """Let all requests from now on use this version. Called in the event loop, so that no request comes between.

        A request reads version and pricer in one go: both change in one go, too.
        """
        # TODO 4.5: A service that follows the registry
        raise NotImplementedError

    def remember(self, version: str) -> None:
        """Note that the copy of this version is good, for the next start, and remove the other copies."""
        # TODO 4.5: A service that follows the registry
        raise NotImplementedError

    def stay(self, why: str, error: Exception | None = None) -> None:
        """Note why the service stays with what it has. The log hears of it once, with the error. Given."""
        if why != self.why_not_newer:
            logger.warning("%s: version %s goes on: %s", why, self.version, error)
        self.why_not_newer = why

    def state(self) -> dict[str, str | None]:
        """What `/readyz` and `/v1/models` say of the version. Given."""
        return {"version": self.version, "since": self.since, "why_not_newer": self.why_not_newer}


class NoVersion(LookupError):
    """No version of the model has the alias."""


def import_mlflow() -> None:
    """Import MLflow in one thread at a time: of two that begin at once, one fails. Given."""
    with IMPORTING:
        import mlflow.artifacts
        import mlflow.sklearn  # noqa: F401


def registry(tracking_uri: str) -> Any:
    """Return a client of MLflow that gives up soon: who looks again anyway need not insist. Given."""
    from mlflow import MlflowClient

    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "5")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")  # the log is JSON
    return MlflowClient(tracking_uri, registry_uri=tracking_uri)


def load_version(folder: Path, version: str) -> Artifact:
    """Load a model that MLflow has saved, as lab 2's service takes it. Given.

    The columns are those of the signature. What the maker kept as metadata of the model (`likely_range`, `zipcodes`)
    goes into the answers of lab 2. Loading runs code out of the model: whoever may write to the registry may run code
    here.
    """
    import mlflow
    from mlflow.models import Model

    info = Model.load(str(folder))
    if info.signature is None:
        raise ValueError("the model has no signature, and so nobody knows its columns")
    columns = info.signature.inputs.to_dict()
    return Artifact(
        mlflow.sklearn.load_model(str(folder)),
        Metadata(
            name=SERVED,
            version=version,
            created_at=str(info.utc_time_created),
            metrics={},
            features={str(column["name"]): str(column["type"]) for column in columns},
            training_rows=0,
            first_date=None,
            last_date=None,
            libraries={},
            model_file="",
            sha256="",
            extra=dict(info.metadata or {}),
        ),
    )


def prepare(folder: Path, version: str) -> tuple[Artifact, Pricer]:
    """Load the copy of a version, and have it price one house before anybody depends on it.

    Whatever is wrong with it raises: a damaged file, a missing column, a price that is no finite number.
    """
    # TODO 4.5: A service that follows the registry
    raise NotImplementedError


# One house, as a request has it: the examples of its fields.
EXAMPLE = {name: (field.examples or [None])[0] for name, field in House.model_fields.items()}


def create_app(tracking_uri: str | None = None) -> FastAPI:
    """Return the service. Without `tracking_uri`, `$MLFLOW_TRACKING_URI` counts.

    `$MODELS_DIR` (or `artifacts`) holds the local copies, and lab 2's other two models. `$POLL_SECONDS` (or 2) pass
    from one look at the registry to the next, `$AB_SHARE` (or 0.5) is what a challenger gets of an experiment.
    """
    app = FastAPI(title="House prices, by the champion", version="1.0", lifespan=lifespan)
    uri = tracking_uri or os.environ.get("MLFLOW_TRACKING_URI") or "http://127.0.0.1:5000"
    folder = Path(os.environ.get("MODELS_DIR") or "artifacts")
    app.state.models = lab2.Models(folder)
    app.state.followers = {
        alias: Follower(models, uri, alias, folder / alias, float(os.environ.get("POLL_SECONDS") or 2))
        for alias, models in (("champion", app.state.models), ("challenger", lab2.Models(folder)))
    }
    add_experiment(app)
    lab2.add_predictions(app)
    lab2.add_batch(app)
    lab2.add_page(app)
    add_operations(app)
    lab2.add_problems(app)
    return app


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Follow the registry and load the other models beside the requests, and end with the service."""
    log_to_stdout()
    # TODO 4.5: A service that follows the registry
    yield


def load_others(models: lab2.Models) -> None:
    """Load the models of lab 2 that no registry knows. Given."""
    for name in lab2.MODELS:
        if name == SERVED:
            continue
        try:
            models.ready[name] = load_artifact(ensure_artifact(models.folder, name))
        except Exception as error:
            logger.error("the model `%s` cannot be loaded: %s", name, error)
            models.failed[name] = str(error)


def add_operations(app: FastAPI) -> None:
    """Add `GET /livez`, `/readyz` and `/v1/models`, and lab 2's log of requests.

    `/readyz` answers 503 until every model of lab 2 is there, then `{"status": "ready"}` with the state of the
    champion: `version`, `since` and `why_not_newer`. `/v1/models` is as in lab 2; its `house_price` has these, too.
    """
    models: lab2.Models = app.state.models
    champion: Follower = app.state.followers["champion"]

    @app.get("/livez", tags=["operations"])
    async def livez() -> dict[str, str]:
        """Say that the process answers."""
        return {"status": "alive"}

    # TODO 4.5: A service that follows the registry
    raise NotImplementedError
    app.add_middleware(lab2.RequestLog)


class ArmPrice(HousePrice):
    """The answer to one house in an experiment."""

    arm: str | None


def add_experiment(app: FastAPI) -> None:
    """Add `POST /v1/house-price/experiment?unit=…`: the price of a house, by the model that the unit is assigned.

    While the registry has a challenger (`named`) and its `version` is loaded, an experiment runs. Its name is
    `challenger-7` for version 7, and `assign` says who answers, with `app.state.share` for the challenger. The answer
    is that of lab 2 with the `arm`, and one line goes to the log, with the message `exposure` and the fields `unit`,
    `experiment`, `arm`, `model_version` and `price`: what an analysis needs when the house is sold. Where there is no
    challenger, the champion answers, `arm` is null, and nothing is logged.
    """
    app.state.share = float(os.environ.get("AB_SHARE") or 0.5)
    # TODO 4.6: Divide the traffic
    return


def log_to_stdout() -> None:
    """Send what this package and lab 2 log to stdout, as lines of JSON. Given."""
    lab2.log_to_stdout()
    package, of_lab2 = logging.getLogger("lab4_tracking"), logging.getLogger("lab2_service")
    package.handlers = of_lab2.handlers
    package.setLevel(logging.INFO)
    package.propagate = False
