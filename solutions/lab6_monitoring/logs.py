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

    # solution 6.8
    arm = os.environ.get("MODEL_ARM", "champion")

    def watch(rows: Sequence[Mapping[str, Any]], prices: np.ndarray) -> None:
        request = AT_HAND.get()
        if request is None:  # priced outside of a request
            return
        request.priced = True
        now, version = datetime.now(UTC).isoformat(), models.get("house_price").metadata.version
        for place, (row, price) in enumerate(zip(rows, prices, strict=True)):
            values = (EVENT, now, f"{request.id}-{place}", version, arm, float(price), row["zipcode"])
            write(json.dumps(dict(zip(FIELDS, values, strict=True))))

    models.watchers.append(watch)
    app.add_middleware(PredictionIds)
    # ~ return
    # end solution


class PredictionIds:
    """Middleware that gives each request an id, and says it in the answer where a price was given."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Put the request into `AT_HAND` while it is answered."""
        if scope["type"] != "http":  # the start and the end of the app come this way, too
            return await self.app(scope, receive, send)
        # solution 6.8
        request = Request(uuid.uuid4().hex)
        token = AT_HAND.set(request)

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start" and request.priced:
                message["headers"] = [*message["headers"], (HEADER.lower().encode(), request.id.encode())]
            await send(message)

        try:
            await self.app(scope, receive, send_with_id)
        finally:
            AT_HAND.reset(token)
        # ~ return await self.app(scope, receive, send)
        # end solution


def read_predictions(lines: Iterable[str]) -> pd.DataFrame:
    """Return the predictions in a log: the columns `FIELDS` without `event`, in the order of the lines.

    `time` is a datetime in UTC. Other lines are left out: those of requests, those that are no JSON, one that was cut
    off. A line that was delivered twice counts once, where it came first. Without a prediction the table is empty, and
    has its columns.
    """
    # solution 6.8
    import pandas as pd

    found: dict[str, dict[str, Any]] = {}
    for line in lines:
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict) and record.get("event") == EVENT:
            found.setdefault(record["prediction_id"], record)
    table = pd.DataFrame(list(found.values()), columns=list(FIELDS[1:]))
    table["time"] = pd.to_datetime(table["time"], utc=True, format="ISO8601")
    return table
    # end solution


def join_labels(predictions: pd.DataFrame, labels: pd.DataFrame) -> pd.DataFrame:
    """Return the predictions with two more columns, `paid` (USD) and `reported_at`: missing where nothing is known.

    Both tables stay as they are.

    Args:
        predictions: as `read_predictions` returns them; rows, order and index stay.
        labels: `prediction_id`, `price` (USD that were paid) and `reported_at` (datetime), in any order. A sale may be
            reported again, to correct it: the last report counts. Some belong to predictions that are not here.
    """
    # solution 6.8
    last = labels.sort_values("reported_at", kind="stable").drop_duplicates("prediction_id", keep="last")
    last = last.set_index("prediction_id").reindex(predictions["prediction_id"])
    return predictions.assign(paid=last["price"].array, reported_at=last["reported_at"].array)
    # end solution
