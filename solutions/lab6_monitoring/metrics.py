"""What the service tells Prometheus: requests, predictions, and the models behind them.

`instrument(app)` adds `GET /metrics` to the service of week 2, and counts what passes by.
"""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from fastapi.responses import Response
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
)
from starlette.types import ASGIApp, Message, Receive, Scope, Send

if TYPE_CHECKING:
    import numpy as np

    from lab2_service.app import Models

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
OTHER = "other"
# What we promise: 99 of 100 answers come within this time, in seconds.
LATENCY_BUDGET = 0.15
# Where the buckets of the values end: from what is common in King County, wide at both ends.
FEATURES = {
    "sqft_living": (500, 1_000, 1_500, 2_000, 2_500, 3_000, 4_000, 6_000),
    "grade": (4, 5, 6, 7, 8, 9, 10, 11),
    "yr_built": (1920, 1940, 1960, 1980, 2000, 2010),
}
PRICES = (100e3, 200e3, 300e3, 400e3, 500e3, 700e3, 1e6, 2e6)  # USD

# `LATENCIES` are the ends of the buckets of the durations, in seconds. One is `LATENCY_BUDGET`; three or more lie below
# it, and three or more above. The last one is ten times the budget or more.
# solution 6.1
# One bucket ends where the budget does: a share of answers within the budget is then exact, and not a guess.
LATENCIES = (0.005, 0.01, 0.025, 0.05, 0.1, LATENCY_BUDGET, 0.25, 0.5, 1.0, 2.5, 5.0)
# end solution


class Metrics:
    """The metrics of one app. Each app has its own, so that one process can have several (tests do).

    Requests: `http_requests_total` by `method`, `route` and `status`; `http_request_duration_seconds` by `method` and
    `route`.
    Prices of houses: `predictions_total` and `prediction_usd` by `version` and `arm`; a histogram
    `house_feature_<name>` for each of `FEATURES`; `unseen_category_total` by `feature`.
    Models: `model_trained_timestamp_seconds` by `model` and `version`; `service_build_info` by `revision`, always 1.

    No label holds what a caller made up.

    Args:
        arm: which of the models that share the traffic this one is.
        revision: the commit that the service was built from.
    """

    def __init__(self, arm: str, revision: str) -> None:
        self.arm = arm
        # solution 6.1
        from functools import cache

        self.registry = registry = CollectorRegistry()
        self.requests = Counter(
            "http_requests", "Requests by their outcome", ["method", "route", "status"], registry=registry
        )
        self.durations = Histogram(
            "http_request_duration_seconds",
            "Time until the answer was sent",
            ["method", "route"],
            buckets=LATENCIES,
            registry=registry,
        )
        labels = ["version", "arm"]
        self.predictions = Counter("predictions", "Houses that were priced", labels, registry=registry)
        self.prices = Histogram("prediction_usd", "Prices that were given", labels, buckets=PRICES, registry=registry)
        self.features = {
            name: Histogram(f"house_feature_{name}", f"`{name}` of priced houses", buckets=edges, registry=registry)
            for name, edges in FEATURES.items()
        }
        self.unseen = Counter("unseen_category", "Values that the model has never seen", ["feature"], registry=registry)
        # One number for all workers: they have the same models. Without a mode each would be a series by its pid.
        self.trained = Gauge(
            "model_trained_timestamp_seconds",
            "When the model was made, seconds since 1970",
            ["model", "version"],
            multiprocess_mode="max",
            registry=registry,
        )
        self.build = Gauge(
            "service_build_info", "What is running", ["revision"], multiprocess_mode="max", registry=registry
        )
        self.build.labels(revision).set(1)
        self.unseen_zipcodes = self.unseen.labels("zipcode")  # there from the start: it can be asked for its rate

        # To look a series up takes longer than to count: each is looked up once, and kept. Their labels are few.
        @cache
        def of_request(method: str, route: str, status: int) -> tuple[Counter, Histogram]:
            return self.requests.labels(method, route, str(status)), self.durations.labels(method, route)

        @cache
        def of_version(version: str) -> tuple[Counter, Histogram]:
            return self.predictions.labels(version, self.arm), self.prices.labels(version, self.arm)

        self.of_request, self.of_version = of_request, of_version
        # end solution

    def requested(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request. `route` is the path as the app declares it, `OTHER` where it has no such path."""
        # solution 6.1
        method = method if method in METHODS else OTHER
        requests, durations = self.of_request(method, route, status)
        requests.inc()
        durations.observe(seconds)
        # end solution

    def priced(
        self, rows: Sequence[Mapping[str, Any]], prices: Iterable[float], version: str, zipcodes: Collection[int]
    ) -> None:
        """Count houses that were priced. `zipcodes` are those that the model knows; empty where it does not say."""
        # solution 6.1
        predictions, usd = self.of_version(version)
        predictions.inc(len(rows))
        for row, price in zip(rows, prices, strict=True):
            usd.observe(price)
            for name, feature in self.features.items():
                feature.observe(row[name])
        if zipcodes:
            self.unseen_zipcodes.inc(sum(row["zipcode"] not in zipcodes for row in rows))
        # end solution

    def text(self, models: Models) -> bytes:
        """Return what `/metrics` answers, of all workers together.

        Several workers share the folder `$PROMETHEUS_MULTIPROC_DIR`; without it there is only this one.
        `created_at` in the metadata of a model says when it was made.
        """
        # solution 6.1
        for name, artifact in list(models.ready.items()):
            made = datetime.fromisoformat(artifact.metadata.created_at).timestamp()
            self.trained.labels(name, artifact.metadata.version).set(made)
        registry = self.registry
        if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
            registry = CollectorRegistry()
            multiprocess.MultiProcessCollector(registry)
        return generate_latest(registry)
        # end solution


def instrument(app: FastAPI) -> None:
    """Add `GET /metrics` to the service of lab 2, and count its requests and predictions (see `Metrics`).

    When this is called, `$MODEL_ARM` says which arm this one is ("champion" without it), `$REVISION` the commit
    ("unknown" without it).
    """
    models: Models = app.state.models

    # solution 6.1
    metrics = Metrics(os.environ.get("MODEL_ARM", "champion"), os.environ.get("REVISION", "unknown"))
    known: dict[str, frozenset[int]] = {}  # version → its zipcodes: a set answers at once, the list of the metadata not

    def watch(rows: Sequence[Mapping[str, Any]], prices: np.ndarray) -> None:
        metadata = models.get("house_price").metadata
        if metadata.version not in known:
            known[metadata.version] = frozenset(metadata.extra.get("zipcodes", ()))
        # Floats of Python: to compare those of NumPy, one by one, takes several times as long.
        metrics.priced(rows, prices.tolist(), metadata.version, known[metadata.version])

    models.watchers.append(watch)
    app.add_middleware(RequestMetrics, metrics=metrics)

    # `def`: in a thread, because other workers' files are read.
    @app.get("/metrics", include_in_schema=False)
    def scrape() -> Response:
        return Response(metrics.text(models), headers={"Content-Type": CONTENT_TYPE_LATEST})

    # ~ return
    # end solution


class RequestMetrics:
    """Middleware that counts and times every request, also those that fail: their error goes on."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Time one request. Which route it took stands in the scope afterwards."""
        if scope["type"] != "http":  # the start and the end of the app come this way, too
            return await self.app(scope, receive, send)
        # solution 6.1
        status, started = 500, time.perf_counter()

        async def send_and_look(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, send_and_look)
        finally:
            # The template, `/v1/house-price`, and not the path: anybody can ask for a million paths.
            route = getattr(scope.get("route"), "path", OTHER)
            self.metrics.requested(scope["method"], route, status, time.perf_counter() - started)
        # ~ return await self.app(scope, receive, send)
        # end solution
