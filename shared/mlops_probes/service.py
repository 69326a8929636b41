"""What the checks of a service put into the learner's process: models that tell what is done with them."""

from __future__ import annotations

import asyncio
import builtins
import importlib
import json
import logging
import os
import sys
import threading
import time
from collections import UserDict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

LOADED, ASKED = "[model loaded]", "[model asked]"


def say(line: str) -> None:
    """Print a line in one write. (`print` makes two where stdout is unbuffered, and a thread may come in between.)"""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


class Told:
    """A model that prints when it is loaded and when it is asked.

    Its price of a house is the weighted sum of its `weights`' columns, looked up by name.

    Args:
        name: printed with each line.
        weights: column → USD for each unit.
        loading: seconds that loading takes.
        asking: seconds that every answer but the first one takes.
        error: text of an error that is raised instead of an answer.
        kind: its class, a built-in one.
        classes: what a classifier chooses from: always the first one. Without them the answer is a number.
        again: while it is asked, somebody trains it again: its metadata in `$MODELS_DIR` have another version.
    """

    def __init__(
        self,
        name: str,
        weights: dict[str, float],
        *,
        loading: float = 0.0,
        asking: float = 0.0,
        error: str = "",
        kind: str = "RuntimeError",
        classes: tuple[str, ...] = (),
        again: bool = False,
    ) -> None:
        self.name = name
        self.weights = weights
        self.classes = classes
        self.loading = loading
        self.asking = asking
        self.error = error
        self.kind = kind
        self.again = again
        self.asked = 0

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        time.sleep(self.loading)
        say(f"{LOADED} {self.name}")

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Return a price, or a class, for each row."""
        say(f"{ASKED} {self.name} {len(X)}")
        time.sleep(self.asking if self.asked else 0)
        self.asked += 1
        if self.error:
            raise getattr(builtins, self.kind)(self.error)
        if self.again:
            for path in Path(os.environ["MODELS_DIR"], self.name).glob("*.json"):
                path.write_text(json.dumps({**json.loads(path.read_text()), "version": "trained-again"}))
        if self.classes:
            return np.full(len(X), self.classes[0])
        return np.asarray(X[list(self.weights)].to_numpy(dtype=float) @ np.array(list(self.weights.values())))

    @property
    def classes_(self) -> np.ndarray:
        """The classes of a classifier."""
        return np.array(self.classes)

    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        """Return the same probabilities for each row: the first class is the most probable one."""
        self.predict(X)
        shares = np.arange(len(self.classes), 0, -1, dtype=float)
        return np.tile(shares / shares.sum(), (len(X), 1))


def refusals(schema: str, requests: Sequence[dict[str, Any]]) -> list[list[str] | None]:
    """Validate requests as FastAPI does; for each one the places that are wrong, or None where it is accepted."""
    from pydantic import ValidationError

    module, _, name = schema.partition(":")
    model = getattr(importlib.import_module(module), name)
    found: list[list[str] | None] = []
    for request in requests:
        try:
            model.model_validate(request)
        except ValidationError as error:
            found.append([".".join(map(str, one["loc"])) for one in error.errors()])
        else:
            found.append(None)
    return found


def json_schema(schema: str) -> dict[str, Any]:
    """Return the JSON schema of a Pydantic model, `package.module:Class`."""
    module, _, name = schema.partition(":")
    found: dict[str, Any] = getattr(importlib.import_module(module), name).model_json_schema()
    return found


def keeps_rows(pricer: Any, rows: list[dict[str, Any]]) -> bool:
    """Ask a pricer; return whether the rows are what they were."""
    before = [dict(row) for row in rows]
    pricer.predict(rows)
    return rows == before


class _Ready(UserDict[str, Any]):
    """What is ready, and what was put in before there was a pricer."""

    def __init__(self, models: Any) -> None:
        self.models, self.early = models, list[str]()
        super().__init__()

    def __setitem__(self, name: str, artifact: Any) -> None:
        if name == "house_price" and self.models.pricer is None:
            self.early.append(name)
        super().__setitem__(name, artifact)


def loaded(folder: str, names: list[str]) -> tuple[list[str], list[str]]:
    """Load the models of a folder where `MODELS` has these names; return which got ready, and which too early."""
    os.environ["MODELS"] = ",".join(names)
    app: Any = importlib.import_module("lab2_service.app")
    app.MODELS = tuple(names)
    models = app.Models(Path(folder))
    ready = models.ready = _Ready(models)
    app.load_models(models)
    return sorted(models.ready), ready.early


def failures(folder: str, names: list[str], is_read_only: bool = False) -> dict[str, str]:
    """Load the models of a folder, perhaps one that cannot be written; return why some of `names` are not loaded."""
    if is_read_only:
        training: Any = importlib.import_module("lab2_service.training")
        training._is_writable = lambda folder: False
    app: Any = importlib.import_module("lab2_service.app")
    app.MODELS = tuple(names)
    models = app.Models(Path(folder))
    app.load_models(models)
    return {str(name): str(why or "") for name, why in models.failed.items()}


def priced_together(folder: str, houses: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], dict[str, list[int]]]:
    """Load the models of a folder; return what `price_houses` says of many houses, and whom it asked.

    `zipcodes`: those that `priced_house` was asked for. `watched`: how many rows the watchers were told of, each time.
    """
    app: Any = importlib.import_module("lab2_service.app")
    models = app.Models(Path(folder))
    app.load_models(models)
    whole, zipcodes, watched = app.priced_house, list[int](), list[int]()
    models.watchers.append(lambda rows, prices: watched.append(len(rows)))

    def priced_house(price: float, zipcode: int, known: dict[str, Any]) -> Any:
        zipcodes.append(int(zipcode))
        return whole(price, zipcode, known)

    app.priced_house = priced_house
    priced = asyncio.run(app.price_houses(models, [app.House(**house) for house in houses]))
    return [one.model_dump() for one in priced], {"zipcodes": zipcodes, "watched": watched}


class _Pricer:
    """A compiled pricer that notes in which thread it is asked for more than one house."""

    is_compiled = True

    def __init__(self) -> None:
        self.threads: list[int] = []

    def predict(self, rows: Sequence[Any]) -> np.ndarray:
        if len(rows) > 1:
            self.threads.append(threading.get_ident())
        return np.ones(len(rows))


def batch_is_in_the_loop(folder: str, path: str, body: dict[str, Any]) -> bool:
    """Send a batch to the service on the models of a folder; return whether its pricer runs in the event loop."""
    import httpx

    module = importlib.import_module("lab2_service.app")
    app, pricer = module.create_app(Path(folder)), _Pricer()

    async def loop_thread() -> int:
        transport = httpx.ASGITransport(app=app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://service") as client,
        ):
            while "house_price" not in app.state.models.ready:  # `/readyz` may not be written yet
                await asyncio.sleep(0.01)
            app.state.models.pricer = pricer
            await client.post(path, json=body)
        return threading.get_ident()

    return asyncio.run(loop_thread()) in pricer.threads


class FrameWatch:
    """Counts the tables that pandas makes, and how often trees and encoder of scikit-learn are asked, until `stop`."""

    def __init__(self) -> None:
        self.frames = self.asked = 0

    def start(self) -> None:
        """Begin to count."""
        from sklearn.ensemble import HistGradientBoostingRegressor
        from sklearn.preprocessing import TargetEncoder

        self._made, self._predict = pd.DataFrame.__init__, HistGradientBoostingRegressor.predict
        self._transform = TargetEncoder.transform
        made, predict, transform = self._made, self._predict, self._transform

        def count_frame(frame: pd.DataFrame, *args: Any, **kwargs: Any) -> None:
            self.frames += 1
            made(frame, *args, **kwargs)

        def count_predict(trees: Any, X: Any) -> Any:
            self.asked += 1
            return predict(trees, X)

        def count_transform(encoder: Any, X: Any) -> Any:
            self.asked += 1
            return transform(encoder, X)

        pd.DataFrame.__init__ = count_frame  # type: ignore[method-assign, assignment]
        HistGradientBoostingRegressor.predict = count_predict
        TargetEncoder.transform = count_transform

    def stop(self) -> list[int]:
        """Stop; return how many tables were made, and how often trees and encoder were asked."""
        from sklearn.ensemble import HistGradientBoostingRegressor
        from sklearn.preprocessing import TargetEncoder

        pd.DataFrame.__init__ = self._made  # type: ignore[method-assign]
        HistGradientBoostingRegressor.predict = self._predict
        TargetEncoder.transform = self._transform
        return [self.frames, self.asked]


def with_logs(function: str, *args: Any) -> tuple[Any, list[str]]:
    """Call `package.module:function`; return its answer and what was logged meanwhile, as `LEVEL message`."""
    module, _, name = function.partition(":")
    lines: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(f"{record.levelname} {record.getMessage()}")

    handler, root = Keep(), logging.getLogger()
    root.addHandler(handler)
    level = root.level
    root.setLevel(logging.DEBUG)
    try:
        return getattr(importlib.import_module(module), name)(*args), lines
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
