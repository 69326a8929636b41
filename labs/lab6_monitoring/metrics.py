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
# TODO 6.1: Let the service tell its own story


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
        # TODO 6.1: Let the service tell its own story
        raise NotImplementedError

    def requested(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request. `route` is the path as the app declares it, `OTHER` where it has no such path."""
        # TODO 6.1: Let the service tell its own story
        raise NotImplementedError

    def priced(
        self, rows: Sequence[Mapping[str, Any]], prices: Iterable[float], version: str, zipcodes: Collection[int]
    ) -> None:
        """Count houses that were priced. `zipcodes` are those that the model knows; empty where it does not say."""
        # TODO 6.1: Let the service tell its own story
        raise NotImplementedError

    def text(self, models: Models) -> bytes:
        """Return what `/metrics` answers, of all workers together.

        Several workers share the folder `$PROMETHEUS_MULTIPROC_DIR`; without it there is only this one.
        `created_at` in the metadata of a model says when it was made.
        """
        # TODO 6.1: Let the service tell its own story
        raise NotImplementedError


def instrument(app: FastAPI) -> None:
    """Add `GET /metrics` to the service of lab 2, and count its requests and predictions (see `Metrics`).

    When this is called, `$MODEL_ARM` says which arm this one is ("champion" without it), `$REVISION` the commit
    ("unknown" without it).
    """
    models: Models = app.state.models

    # TODO 6.1: Let the service tell its own story
    return


class RequestMetrics:
    """Middleware that counts and times every request, also those that fail: their error goes on."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Time one request. Which route it took stands in the scope afterwards."""
        if scope["type"] != "http":  # the start and the end of the app come this way, too
            return await self.app(scope, receive, send)
        # TODO 6.1: Let the service tell its own story
        return await self.app(scope, receive, send)
