"""One line of JSON for each price that was given; and the way back, from lines to a table with what was paid.

What a house was sold for is known weeks later. Only an id finds the prediction again by then.
"""

from __future__ import annotations

import json
import os
import sys
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from lab2_service.app import Models

# What a line has, and nothing more. A zipcode is shared by hundreds of houses; place, size and year would name one.
FIELDS = ("event", "time", "prediction_id", "version", "arm", "price", "zipcode")
EVENT = "prediction"
HEADER = "X-Prediction-ID"


@dataclass
class Request:
    """The request at hand: its own id, and whether a price was given in it."""

    id: str
    priced: bool = False


# Set by the middleware for each request; also seen in the thread that prices a batch.
AT_HAND: ContextVar[Request | None] = ContextVar("request", default=None)


def print_line(line: str) -> None:
    """Write a line to stdout, where whoever runs the service collects it.

    The line and its end are one write: where stdout is unbuffered, `print` makes two of them, and the line of another
    thread may come in between.
    """
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def log_predictions(app: FastAPI, write: Callable[[str], None] = print_line) -> None:
    """Have the service of lab 2 write a line for each house that it prices, through `write`.

    A line is a JSON object with the `FIELDS`: `event` is `EVENT`; `time` in UTC, ISO 8601 with `+00:00` or `Z`;
    `prediction_id` is the id of the request, `-`, and the place of the house in it, from 0; `version` of the model that
    is served at that time; `arm` from `$MODEL_ARM` ("champion" without it); `price` in USD; `zipcode`.

    The id of the request is made up anew, also where two are answered at a time, and never what a caller sent: that may
    be anything, a name too. The answer carries it in the header `HEADER`, where a price was given.
    """
    models: Models = app.state.models

    # TODO 6.8: Remember each prediction, and nobody's name
    return


class PredictionIds:
    """Middleware that gives each request an id, and says it in the answer where a price was given."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Put the request into `AT_HAND` while it is answered."""
        if scope["type"] != "http":  # the start and the end of the app come this way, too
            return await self.app(scope, receive, send)
        # TODO 6.8: Remember each prediction, and nobody's name
        return await self.app(scope, receive, send)


def read_predictions(lines: Iterable[str]) -> pd.DataFrame:
    """Return the predictions in a log: the columns `FIELDS` without `event`, in the order of the lines.

    `time` is a datetime in UTC. Other lines are left out: those of requests, those that are no JSON, one that was cut
    off. A line that was delivered twice counts once, where it came first. Without a prediction the table is empty, and
    has its columns.
    """
    # TODO 6.8: Remember each prediction, and nobody's name
    raise NotImplementedError


def join_labels(predictions: pd.DataFrame, labels: pd.DataFrame) -> pd.DataFrame:
    """Return the predictions with two more columns, `paid` (USD) and `reported_at`: missing where nothing is known.

    Both tables stay as they are.

    Args:
        predictions: as `read_predictions` returns them; rows, order and index stay.
        labels: `prediction_id`, `price` (USD that were paid) and `reported_at` (datetime), in any order. A sale may be
            reported again, to correct it: the last report counts. Some belong to predictions that are not here.
    """
    # TODO 6.8: Remember each prediction, and nobody's name
    raise NotImplementedError
