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
    # solution 2.2
    for name in MODELS:
        try:
            artifact = load_artifact(ensure_artifact(models.folder, name))
            if name == "house_price":
                models.pricer = make_pricer(artifact)
            # Last, because from here on requests use it.
            models.ready[name] = artifact
        except Exception as error:  # whatever is wrong with this one, the service goes on
            logger.error("the model `%s` cannot be loaded: %s", name, error)
            models.failed[name] = str(error)
    # What is there by now stays: the garbage collector need not walk through it again and again.
    gc.collect()
    gc.freeze()
    # end solution


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Load the models once, beside the event loop, so that the service can say "not yet" meanwhile."""
    log_to_stdout()
    # solution 2.2
    loading = asyncio.create_task(run_in_threadpool(load_models, app.state.models))
    yield
    await loading
    # ~ yield
    # end solution


def add_predictions(app: FastAPI) -> None:
    """Add `POST /v1/house-price`, `/v1/iris` and `/v1/customer-segment`."""
    models: Models = app.state.models

    # solution 2.2
    @app.post("/v1/house-price", responses=ERRORS, tags=["predictions"])
    async def predict_house_price(house: House) -> HousePrice:
        """Estimate the price of one house."""
        metadata = models.get("house_price").metadata
        priced = await price_houses(models, [house])
        return HousePrice(**dict(priced[0]), model_version=metadata.version)

    # `def` and not `async def`: FastAPI runs it in a thread, because scikit-learn takes its time.
    @app.post("/v1/iris", responses=ERRORS, tags=["predictions"])
    def predict_iris(flower: Flower) -> Species:
        """Tell which species of iris a flower is."""
        artifact = models.get("iris")
        frame = as_frame([flower.model_dump()], list(artifact.metadata.features))
        shares = artifact.model.predict_proba(frame)[0].tolist()
        probabilities = dict(zip(artifact.model.classes_.tolist(), shares, strict=True))
        best = max(probabilities, key=lambda species: probabilities[species])
        return Species(species=best, probabilities=probabilities, model_version=artifact.metadata.version)

    @app.post("/v1/customer-segment", responses=ERRORS, tags=["predictions"])
    def predict_customer_segment(customer: Customer) -> Segment:
        """Put a customer into a segment: 0 spends least."""
        artifact = models.get("customer_segment")
        frame = as_frame([customer.model_dump()], list(artifact.metadata.features))
        segment, segments = int(artifact.model.predict(frame)[0]), artifact.metadata.extra["segments"]
        return Segment(segment=segment, segments=segments, model_version=artifact.metadata.version)

    # ~ return
    # end solution


async def price_houses(models: Models, houses: list[House]) -> list[PricedHouse]:
    """Price houses by `models.pricer`, in their order, with likely range and warnings as the metadata have them."""
    # solution 2.2
    known = models.get("house_price").metadata.extra
    rows = [vars(house) for house in houses]
    # One house, compiled: done sooner than handed to a thread. Anything longer would hold up all other requests.
    if len(rows) == 1 and models.pricer.is_compiled:
        prices = models.pricer.predict(rows)
    else:
        prices = await run_in_threadpool(models.pricer.predict, rows)
    return [priced_house(float(price), house.zipcode, known) for price, house in zip(prices, houses, strict=True)]
    # end solution


def priced_house(price: float, zipcode: int, known: dict[str, Any]) -> PricedHouse:
    """Return a price with its likely range and warnings. `known` is `extra` in the metadata of the model.

    The warning is `zipcode 98999 was not in the training data`, where `known` has the zipcodes at all.
    """
    likely, zipcodes = known.get("likely_range"), known.get("zipcodes")
    return PricedHouse(
        price=price,
        likely_range=likely
        and LikelyRange(low=price * likely["low"], high=price * likely["high"], share=likely["share"]),
        # solution 2.4
        warnings=[f"zipcode {zipcode} was not in the training data"] if zipcodes and zipcode not in zipcodes else [],
        # ~ warnings=[],
        # end solution
    )


def add_batch(app: FastAPI) -> None:
    """Add `POST /v1/house-price/batch`: up to 1,000 houses, priced in one call of the model."""
    models: Models = app.state.models

    # solution 2.3
    @app.post("/v1/house-price/batch", responses=ERRORS, tags=["predictions"])
    async def predict_house_prices(batch: HouseBatch) -> HousePrices:
        """Estimate the prices of 1 to 1,000 houses; the answers come in the order of the houses."""
        metadata = models.get("house_price").metadata
        return HousePrices(predictions=await price_houses(models, batch.houses), model_version=metadata.version)

    # ~ return
    # end solution


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
    # solution 2.4
    name = ""
    for part in location[1:]:
        name += f"[{part}]" if isinstance(part, int) else f".{part}" if name else part
    # A body that is no JSON has a position in place of a field: then it is the body that is wrong.
    return name if name and not name.startswith("[") else str(location[0])
    # end solution


def add_problems(app: FastAPI) -> None:
    """Make every error a problem document, and refuse bodies over `MAX_BODY` (`BodyLimit`). None shows the inside."""

    # solution 2.4
    @app.exception_handler(RequestValidationError)
    async def wrong_request(request: Request, error: RequestValidationError) -> Response:
        # Only place and reason: the value itself may be NaN, which JSON cannot hold, or a secret.
        errors = [{"field": field_name(one["loc"]), "reason": one["msg"]} for one in error.errors()]
        detail = "; ".join(f"{one['field']}: {one['reason']}" for one in errors[:3])
        return problem(request, 422, detail, errors=errors)

    @app.exception_handler(StarletteHTTPException)
    async def http_error(request: Request, error: StarletteHTTPException) -> Response:
        return problem(request, error.status_code, str(error.detail), headers=dict(error.headers or {}))

    # The trace goes to the log. Outside nobody learns how the service is built.
    @app.exception_handler(Exception)
    async def own_fault(request: Request, error: Exception) -> Response:
        return problem(request, 500, "the service made a mistake; its log says which")

    app.add_middleware(BodyLimit)
    # ~ return
    # end solution


class BodyLimit:
    """Middleware that stops to read a request when its body is larger than `MAX_BODY`."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count what arrives: `Content-Length` may be missing."""
        if scope["type"] != "http":  # the start and the end of the app come this way, too
            return await self.app(scope, receive, send)
        # solution 2.4
        size = 0

        async def counted() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > MAX_BODY:
                raise HTTPException(413, f"the body is larger than {MAX_BODY:,} bytes")
            return message

        return await self.app(scope, counted, send)
        # end solution


def add_operations(app: FastAPI) -> None:
    """Add `GET /livez`, `/readyz` and `/v1/models` (`{"models": […]}`), a request id and one log line per request."""
    models: Models = app.state.models

    # solution 2.5
    # Alive: the process answers. A restart would not load a damaged model either, so models do not count here.
    @app.get("/livez", tags=["operations"])
    async def livez() -> dict[str, str]:
        """Say that the process answers."""
        return {"status": "alive"}

    # Ready: every model is there. Until then no requests should be sent here.
    @app.get("/readyz", responses=problem_answers(503), tags=["operations"])
    async def readyz() -> dict[str, str]:
        """Say whether every model is loaded."""
        for name in MODELS:
            models.get(name)
        return {"status": "ready"}

    @app.get("/v1/models", tags=["operations"])
    async def list_models() -> dict[str, list[dict[str, Any]]]:
        """List the models with what is known about them."""
        return {"models": [describe(models, name) for name in MODELS]}

    app.add_middleware(RequestLog)
    # ~ return
    # end solution


def describe(models: Models, name: str) -> dict[str, Any]:
    """Return what `/v1/models` says about one model: `name` and `status` ("ready", "loading" or "failed") always.

    Once it is loaded also what its metadata say, of the same names: `version`, `created_at`, `training_rows`,
    `first_date`, `last_date`, `metrics` and `features`. Why a model has failed is for the log only.
    """
    # solution 2.5
    if name not in models.ready:
        return {"name": name, "status": "failed" if name in models.failed else "loading"}
    metadata = models.ready[name].metadata
    return {
        "name": name,
        "status": "ready",
        "version": metadata.version,
        "created_at": metadata.created_at,
        "training_rows": metadata.training_rows,
        "first_date": metadata.first_date,
        "last_date": metadata.last_date,
        "metrics": metadata.metrics,
        "features": list(metadata.features),
    }
    # end solution


class RequestLog:
    """Middleware: a request id in every answer, and one line of JSON per request in the log (see `JsonLines`)."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take over the caller's `X-Request-ID`, or make one up; time the request and log it."""
        if scope["type"] != "http":  # the start and the end of the app come this way, too
            return await self.app(scope, receive, send)
        # solution 2.5
        wanted = dict(scope["headers"]).get(b"x-request-id", b"").decode("latin-1")
        # A caller may send anything: what ends up in logs and headers is short and plain.
        is_plain = 0 < len(wanted) <= 128 and wanted.isascii() and wanted.isprintable()
        request_id = wanted if is_plain else uuid.uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id
        status, started = 500, time.perf_counter()

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", request_id.encode())]
            await send(message)

        try:
            await self.app(scope, receive, send_with_id)
        finally:
            milliseconds = round((time.perf_counter() - started) * 1000, 3)
            request = {"method": scope["method"], "path": scope["path"], "status": status, "milliseconds": milliseconds}
            logger.info("request", extra={"fields": {"request_id": request_id, **request}})
        # end solution


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
