"""Runs a learner's service inside the worker, without a socket, before the check starts it as a process."""

from __future__ import annotations

import asyncio
import importlib
import logging
import os
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mlops_probes.service import say

NOWHERE = "http://127.0.0.1:9"
"""An address at which no MLflow answers."""
LOADING, LOADED = "[model loading]", "[model loaded]"


class Champion:
    """A model of house prices whose price is `grade` times `factor`, USD. It tells when it is loaded.

    Args:
        factor: USD for each grade.
        loading: seconds that loading takes.
        answer: what it does when it is asked: "price", "raise", "nan" or "inf".
    """

    def __init__(self, factor: float, *, loading: float = 0.0, answer: str = "price") -> None:
        self.factor = factor
        self.loading = loading
        self.answer = answer
        self.meanwhile: Callable[[], None] | None = None

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        say(f"{LOADING} {self.factor:g}")
        time.sleep(self.loading)
        say(f"{LOADED} {self.factor:g}")

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Return a price for each row."""
        if self.answer == "raise":
            raise RuntimeError("a column is missing: see /srv/secret/train.py")
        if self.meanwhile is not None:
            self.meanwhile()
        factor = self.factor if self.answer == "price" else float(self.answer)
        return np.asarray(X["grade"].to_numpy(dtype=float) * factor)


def ask_in_experiment(
    factory: str, package: str, share: float, factors: dict[str, float], asked: list[dict[str, Any]]
) -> list[Any]:
    """Ask an app whose followers have these versions (`{"champion": 3.0}`: its factor), without a registry.

    Each of `asked` has `unit` and `house`; with `swap` in the first, another version is taken while a house is priced;
    with `over`, the registry has no challenger any more. Returns status, body and what was logged (its fields) for
    each.
    """
    from mlops_lab.artifacts import Artifact, Metadata

    os.environ["AB_SHARE"] = str(share)  # it may be read once, at the start
    app = _found(factory)[1](NOWHERE)
    app.state.share = share
    # It warns that our model is not compiled, which is no mistake of the learner's.
    logging.getLogger("lab2_service.predictor").setLevel(logging.ERROR)
    for number, (alias, factor) in enumerate(factors.items(), start=1):
        follower = app.state.followers[alias]
        features = {"grade": "long"}
        # What the maker has kept is another one for each version: each answer has a warning.
        extra = {"likely_range": {"low": 0.9 - number / 10, "high": 1.1, "share": 0.9}, "zipcodes": [1]}
        metadata = Metadata("house_price", str(number), "", {}, features, 0, None, None, {}, "", "", extra)
        artifact = Artifact(Champion(factor), metadata)
        follower.models.pricer = importlib.import_module("lab2_service.predictor").make_pricer(artifact)
        follower.models.ready["house_price"] = artifact
        follower.version = str(number)
        follower.named = not (alias == "challenger" and asked[0].get("over"))
        artifact.model.meanwhile = (
            partial(_take_another, app.state.followers, follower.models, artifact) if asked[0].get("swap") else None
        )
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


def _take_another(followers: Any, models: Any, artifact: Any) -> None:
    """What a service does in the middle of a request: from now on, version 9 is ready."""
    for follower in followers.values():
        follower.version = "9" if follower.version else None
    models.ready["house_price"] = replace(artifact, metadata=replace(artifact.metadata, version="9"))


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


def ready_with(factory: str, there: list[str], failed: list[str]) -> int:
    """The status of `/readyz` of an app in which these models are loaded, and these cannot be loaded."""
    import httpx

    from mlops_lab.artifacts import Artifact, Metadata

    app = _found(factory)[1](NOWHERE)
    for one in there:
        metadata = Metadata(one, "1", "", {}, {"grade": "long"}, 0, None, None, {}, "", "", {})
        app.state.models.ready[one] = Artifact(Champion(1.0), metadata)
    app.state.models.failed |= dict.fromkeys(failed, "a damaged file")
    if "house_price" in there:
        app.state.followers["champion"].version = "1"

    async def ask() -> int:
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
            return (await client.get("/readyz")).status_code

    return asyncio.run(ask())


def starts_beside_others(factory: str, seconds: float) -> bool:
    """Whether the app has started within so many seconds while the loading of lab 2's other models takes longer."""
    serve, make = _found(factory)
    release, given = threading.Event(), serve.load_others
    app = make(NOWHERE)

    async def start() -> bool:
        lifespan = app.router.lifespan_context(app)
        begun = time.monotonic()
        entering = asyncio.create_task(lifespan.__aenter__())
        done, _ = await asyncio.wait([entering], timeout=seconds)
        took = time.monotonic() - begun
        release.set()
        await entering
        return bool(done) and took < seconds

    serve.load_others = lambda models: release.wait(2 * seconds)
    try:
        return asyncio.run(start())
    finally:
        serve.load_others = given


def run_until_ready(
    factory: str,
    environment: dict[str, str],
    seconds: float,
    version: str,
    breaks: bool = False,
    by_argument: bool = False,
    why: str = "",
) -> dict[str, Any]:
    """Run the app of `package.module:function` until `/readyz` names the version, then end it.

    Return the `answer` (status and body), whether versions were taken in the event loop alone (`takes_in_loop`), and
    whether something was downloaded or loaded there (`slow_in_loop`), what the package has `logged` (level and text),
    and how many copies there were when the first download began (`copies`; None: there was none).

    What follows that answer, notes on the disk for example, has some time before the end. With `why`, this has to stand
    in `why_not_newer`, too, and nothing follows.

    With `breaks`, the first download from MLflow breaks off after one file. With `by_argument`, the app is told of
    MLflow by its argument alone, and the environment names a server that is not there.
    """
    os.environ.update(environment)
    owner, make = _found(factory)
    import mlflow.artifacts

    download = mlflow.artifacts.download_artifacts
    whole = {"take": owner.Follower.take, "load_version": owner.load_version, "download": download}
    places: dict[str, set[int]] = {one: set() for one in whole}
    copies: list[int] = []

    def seen(one: str) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            places[one].add(threading.get_ident())
            if one == "download":
                copies.append(_copies())
            return whole[one](*args, **kwargs)

        return call

    owner.Follower.take, owner.load_version = seen("take"), seen("load_version")
    mlflow.artifacts.download_artifacts = _breaking(seen("download")) if breaks else seen("download")
    logged, make_record = list[tuple[int, str]](), logging.getLogRecordFactory()

    def record(*args: Any, **kwargs: Any) -> logging.LogRecord:
        made = make_record(*args, **kwargs)
        if made.name.partition(".")[0] == factory.partition(".")[0]:
            logged.append((made.levelno, made.getMessage()))
        return made

    logging.setLogRecordFactory(record)
    address = os.environ["MLFLOW_TRACKING_URI"]
    if by_argument:
        os.environ["MLFLOW_TRACKING_URI"] = NOWHERE
    try:
        said = asyncio.run(_session(make(*[address] if by_argument else []), seconds, version, why))
    finally:
        os.environ["MLFLOW_TRACKING_URI"] = address
        logging.setLogRecordFactory(make_record)
        owner.Follower.take, owner.load_version = whole["take"], whole["load_version"]
        mlflow.artifacts.download_artifacts = download
    here = threading.get_ident()
    return {
        "answer": said,
        "takes_in_loop": places["take"] <= {here},
        "slow_in_loop": here in places["load_version"] | places["download"],
        "logged": logged,
        "copies": copies[0] if copies else None,
    }


def goes_on_with_notes(factory: str, environment: dict[str, str], path: str, notes: list[str]) -> str | None:
    """Start the app once for each content of the file of the note, without a server of MLflow's.

    Return the first note with which it does not get as far as to ask MLflow; None: each is no reason to stop.
    """
    os.environ.update(environment)
    make = _found(factory)[1]

    async def is_asking() -> bool:
        app = make(NOWHERE)
        async with app.router.lifespan_context(app):
            end = time.monotonic() + 5
            champion = app.state.followers["champion"]
            while champion.why_not_newer is None and time.monotonic() < end:
                await asyncio.sleep(0.02)
            return champion.why_not_newer is not None

    for note in notes:
        Path(path).write_text(note, encoding="utf-8")
        if not asyncio.run(is_asking()):
            return note
    return None


def _found(factory: str) -> tuple[Any, Callable[..., Any]]:
    """The module and the function that `package.module:function` names; the function makes an app."""
    module, _, name = factory.partition(":")
    owner = importlib.import_module(module)
    return owner, getattr(owner, name)


def _copies() -> int:
    """How many models lie below the folder of the service."""
    return len(list(Path(os.environ["MODELS_DIR"]).rglob("model.pkl")))


async def _session(app: Any, seconds: float, version: str, why: str) -> tuple[int, str]:
    import httpx

    transport = httpx.ASGITransport(app=app)
    end = time.monotonic() + seconds
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://service") as client,
    ):
        while True:
            answer = await client.get("/readyz")
            told = answer.json() if answer.status_code == 200 else {}
            is_there = told.get("version") == version and why in str(told.get("why_not_newer"))
            if is_there or time.monotonic() > end:
                break
            await asyncio.sleep(0.05)
        end = time.monotonic() + 2
        while is_there and not why and time.monotonic() < end:
            await asyncio.sleep(0.1)
            if _copies() == 1:
                break
        return answer.status_code, answer.text


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
