"""The service: three models behind HTTP. Run it with `uvicorn --factory lab2_service.app:create_app`.

`create_app` puts the parts together; each `add_…` function is one part. One that is still to be written adds nothing.
"""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import os
import sys
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import HTTPException, RequestValidationError
from fastapi.responses import FileResponse, JSONResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lab2_service.predictor import WatchedPricer, Watcher, as_frame, make_pricer
from lab2_service.schemas import (
    Customer,
    Flower,
    House,
    HouseBatch,
    HousePrice,
    HousePrices,
    LikelyRange,
    PricedHouse,
    Segment,
    Species,
    problem_answers,
)
from lab2_service.training import ensure_artifact
from mlops_lab.artifacts import Artifact, load_artifact

logger = logging.getLogger(__name__)

# What the environment may set: which models are served, and the largest body of a request in bytes.
MODELS = tuple(os.environ.get("MODELS", "house_price,iris,customer_segment").split(","))
MAX_BODY = int(os.environ.get("MAX_BODY", "1000000"))
# What every prediction may answer besides its own form: for the documentation.
ERRORS = problem_answers(400, 413, 422, 503)
PAGE = Path(__file__).parent / "page"


@dataclass
class Models:
    """The models of one running service. `ready` fills while the service already answers."""

    folder: Path
    ready: dict[str, Artifact] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)  # name → why it cannot be loaded
    pricer: Any = None  # see `predictor.make_pricer`
    watchers: list[Watcher] = field(default_factory=list)  # told of each price, see `predictor.WatchedPricer`

    def __setattr__(self, name: str, value: Any) -> None:
        """Whoever sets the pricer: it is watched."""
        if name == "pricer" and value is not None:
            value = WatchedPricer(value, self.watchers)
        super().__setattr__(name, value)

    def get(self, name: str) -> Artifact:
        """Return a model that is loaded; else the answer to the request is 503, or 404 where it is not in `MODELS`."""
        if name in self.ready:
            return self.ready[name]
        if name not in MODELS:
            raise HTTPException(404, f"the model `{name}` is not served here")
        if name in self.failed:
            raise HTTPException(503, f"the model `{name}` could not be loaded; the log says why")
        raise HTTPException(503, f"the model `{name}` is not loaded yet", headers={"Retry-After": "1"})


def create_app(models_dir: Path | None = None) -> FastAPI:
    """Return the service. `models_dir` holds a folder per model; without it `$MODELS_DIR` counts, then `artifacts`."""
    # FastAPI's own `docs` loads its script from another host: `add_page` has one that needs nobody else.
    app = FastAPI(
        title="House prices, flowers, customers", version="1.0", lifespan=lifespan, docs_url=None, redoc_url=None
    )
    app.state.models = Models(Path(models_dir or os.environ.get("MODELS_DIR") or "artifacts"))
    add_predictions(app)
    add_batch(app)
    add_page(app)
    add_operations(app)
    add_problems(app)
    return app


def load_models(models: Models) -> None:
    """Load every model of `MODELS` into `models.ready`; where one cannot be loaded, say why in `models.failed`.

    An artifact that is missing is trained first. One model that fails does not keep the others from loading. A model is
    put into `models.ready` last: from then on requests use it, and its pricer has to be there.
    """
    # TODO 2.2: Load the models once, and answer
    raise NotImplementedError


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Load the models once, beside the event loop, so that the service can say "not yet" meanwhile."""
    log_to_stdout()
    # TODO 2.2: Load the models once, and answer
    yield


def add_predictions(app: FastAPI) -> None:
    """Add `POST /v1/house-price`, `/v1/iris` and `/v1/customer-segment`."""
    models: Models = app.state.models

    # TODO 2.2: Load the models once, and answer
    return


async def price_houses(models: Models, houses: list[House]) -> list[PricedHouse]:
    """Price houses by `models.pricer`, in their order, with likely range and warnings as the metadata have them."""
    # TODO 2.2: Load the models once, and answer
    raise NotImplementedError


def priced_house(price: float, zipcode: int, known: dict[str, Any]) -> PricedHouse:
    """Return a price with its likely range and warnings. `known` is `extra` in the metadata of the model.

    The warning is `zipcode 98999 was not in the training data`, where `known` has the zipcodes at all.
    """
    likely, zipcodes = known.get("likely_range"), known.get("zipcodes")
    return PricedHouse(
        price=price,
        likely_range=likely
        and LikelyRange(low=price * likely["low"], high=price * likely["high"], share=likely["share"]),
        # TODO 2.4: Say what is wrong, and nothing more
        warnings=[],
    )


def add_batch(app: FastAPI) -> None:
    """Add `POST /v1/house-price/batch`: up to 1,000 houses, priced in one call of the model."""
    models: Models = app.state.models

    # TODO 2.3: Price a thousand houses in one call
    return


def problem(request: Request, status: int, detail: str, **more: Any) -> JSONResponse:
    """Return an error as RFC 9457 has it: `application/problem+json`."""
    title = HTTPStatus(status).phrase
    content = {"type": "about:blank", "title": title, "status": status, "detail": detail, "instance": request.url.path}
    headers = more.pop("headers", {})
    if status == 500 and hasattr(request.state, "request_id"):
        # This answer is made outside of every middleware: here the id has to be given by hand.
        headers = {**headers, "X-Request-ID": request.state.request_id}
    return JSONResponse(content | more, status, headers, media_type="application/problem+json")


def field_name(location: tuple[int | str, ...]) -> str:
    """Return the place of an error as a person writes it: `("body", "houses", 3, "grade")` is `houses[3].grade`.

    The body itself, `("body",)`, is `body`.
    """
    # TODO 2.4: Say what is wrong, and nothing more
    raise NotImplementedError


def add_problems(app: FastAPI) -> None:
    """Make every error a problem document, and refuse bodies over `MAX_BODY` (`BodyLimit`). None shows the inside."""

    # TODO 2.4: Say what is wrong, and nothing more
    return


class BodyLimit:
    """Middleware that stops to read a request when its body is larger than `MAX_BODY`."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count what arrives: `Content-Length` may be missing."""
        if scope["type"] != "http":  # the start and the end of the app come this way, too
            return await self.app(scope, receive, send)
        # TODO 2.4: Say what is wrong, and nothing more
        raise NotImplementedError


def add_operations(app: FastAPI) -> None:
    """Add `GET /livez`, `/readyz` and `/v1/models` (`{"models": […]}`), a request id and one log line per request."""
    models: Models = app.state.models

    # TODO 2.5: Make it operable
    return


def describe(models: Models, name: str) -> dict[str, Any]:
    """Return what `/v1/models` says about one model: `name` and `status` ("ready", "loading" or "failed") always.

    Once it is loaded also what its metadata say, of the same names: `version`, `created_at`, `training_rows`,
    `first_date`, `last_date`, `metrics` and `features`. Why a model has failed is for the log only.
    """
    # TODO 2.5: Make it operable
    raise NotImplementedError


class RequestLog:
    """Middleware: a request id in every answer, and one line of JSON per request in the log (see `JsonLines`)."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take over the caller's `X-Request-ID`, or make one up; time the request and log it."""
        if scope["type"] != "http":  # the start and the end of the app come this way, too
            return await self.app(scope, receive, send)
        # TODO 2.5: Make it operable
        raise NotImplementedError


def add_page(app: FastAPI) -> None:
    """Serve the page to try the models: `/`, and its files below `/page/`. And `/docs`: Swagger UI, from this host."""
    app.mount("/page", StaticFiles(directory=PAGE), name="page")
    app.mount("/swagger-ui", StaticFiles(packages=[("fastapi_offline", "static")]), name="swagger-ui")

    @app.get("/", include_in_schema=False)
    async def page() -> FileResponse:
        # The page may load its own files and ask its own service, and nobody else.
        return FileResponse(PAGE / "index.html", headers={"Content-Security-Policy": "default-src 'self'"})

    @app.get("/docs", include_in_schema=False)
    async def documentation() -> FileResponse:
        # Swagger UI draws its arrows from its own style sheet.
        rules = "default-src 'self'; img-src 'self' data:"
        return FileResponse(PAGE / "docs.html", headers={"Content-Security-Policy": rules})


class JsonLines(logging.Formatter):
    """Log records as one line of JSON each; a record may carry more under `extra={"fields": {…}}`."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        when = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03}Z"
        line = {"time": when, "level": record.levelname, "logger": record.name, "message": record.getMessage()}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line | getattr(record, "fields", {}))


def log_to_stdout() -> None:
    """Send what this package logs to stdout, one line of JSON per record. Calling it twice changes nothing more.

    The environment's LOG_LEVEL is the lowest level that is logged: INFO where it is not set.
    """
    package = logging.getLogger("lab2_service")
    if not package.handlers:
        handler = logging.StreamHandler(sys.stdout)
        handler.setFormatter(JsonLines())
        package.addHandler(handler)
    package.setLevel(os.environ.get("LOG_LEVEL", "INFO"))
    package.propagate = False
