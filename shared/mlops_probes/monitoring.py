"""What the checks of metrics and logs put into the learner's process."""

from __future__ import annotations

import asyncio
import importlib
import os
import re
from pathlib import Path
from types import SimpleNamespace


def ask_two_apps() -> tuple[int, int]:
    """Make the learner's app twice, ask one 3 times and the other once; return what each says about it."""
    import httpx

    create_app = importlib.import_module("lab6_monitoring.service").create_app
    apps = [create_app(), create_app()]

    async def ask() -> tuple[int, int]:
        clients = [httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://app") for app in apps]
        for client, count in zip(clients, (3, 1), strict=True):
            for _ in range(count):
                await client.get("/livez")
        first, second = [(await client.get("/metrics")).text for client in clients]
        return _count(first), _count(second)

    return asyncio.run(ask())


def log_two_at_a_time() -> tuple[list[str], list[str]]:
    """Price houses in zipcodes 1 and 2 at a time, then in 3 with another version; return the lines that were written
    through `write`, and the ids that the answers have. After those of the three come the ids of a hundred more answers
    at a time, whose lines are left out."""
    import httpx
    import numpy as np
    from fastapi import FastAPI

    models = importlib.import_module("lab2_service.app").Models(Path("models"))
    app = FastAPI()
    lines: list[str] = []
    app.state.models = models
    importlib.import_module("lab6_monitoring.logs").log_predictions(app, lines.append)
    barrier = asyncio.Barrier(2)

    @app.post("/{zipcode}")
    async def price(zipcode: int) -> None:
        if zipcode < 3:
            await barrier.wait()
        for watcher in models.watchers:
            watcher([{"zipcode": zipcode}], np.array([1_000.0]))
        if zipcode < 3:
            await barrier.wait()

    def serve(version: str) -> None:
        models.ready["house_price"] = SimpleNamespace(metadata=SimpleNamespace(version=version))

    async def ask() -> tuple[list[str], list[str]]:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://app") as client, asyncio.timeout(20):
            serve("first")
            answers = list(await asyncio.gather(client.post("/1"), client.post("/2")))
            serve("second")
            answers.append(await client.post("/3"))
            written = [str(line) for line in lines]
            answers += await asyncio.gather(*[client.post("/4") for _ in range(100)])
        return written, [answer.headers.get("x-prediction-id", "") for answer in answers]

    return asyncio.run(ask())


def tell_of_three_versions(arm: str, made: str) -> tuple[tuple[str, bool], list[float] | None]:
    """Price houses with three versions of a model, made at `made`, and look at `/metrics` with each. Then ask in an odd
    way, for two paths at a time, and break. Return what `/metrics` says at last, whether the error went on to whoever
    asked, and the learner's `LATENCIES`.

    The first version knows the zipcodes 1 and 5, the second 3, and the third does not say.
    """
    import httpx
    import numpy as np
    from fastapi import FastAPI, Response

    models = importlib.import_module("lab2_service.app").Models(Path("models"))
    app = FastAPI()
    app.state.models = models
    metrics = importlib.import_module("lab6_monitoring.metrics")
    os.environ["MODEL_ARM"] = arm  # after the import: it is asked when an app is made
    metrics.instrument(app)
    begun, ended = asyncio.Event(), asyncio.Event()

    @app.post("/priced")
    async def priced(zipcodes: list[int]) -> None:
        rows = [{"sqft_living": 1_800, "grade": 7, "yr_built": 1990, "zipcode": zipcode} for zipcode in zipcodes]
        for watcher in models.watchers:
            watcher(rows, np.full(len(rows), 450_000.0))

    @app.get("/waits/{number}")
    async def waits(number: int) -> Response:
        if number == 0:
            return Response(status_code=404)
        begun.set()
        await ended.wait()
        return Response(status_code=503)

    @app.get("/broken")
    async def broken() -> None:
        raise RuntimeError("broken on purpose")

    async def ask_meanwhile(client: httpx.AsyncClient) -> None:
        waiting = asyncio.create_task(client.get("/waits/17"))
        await begun.wait()
        await asyncio.sleep(0.1)
        await client.get("/nothing")
        await client.get("/waits/0")
        ended.set()
        await waiting

    async def ask() -> tuple[str, bool]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://app") as client:
            for version, extra, asked in (
                ("first", {"zipcodes": [1, 5]}, [1, 3, 3, 3]),
                ("second", {"zipcodes": [3]}, [3, 1]),
                ("third", {}, [9, 9]),
            ):
                metadata = SimpleNamespace(name="house_price", version=version, created_at=made, extra=extra)
                models.ready["house_price"] = SimpleNamespace(metadata=metadata)
                (await client.post("/priced", json=asked)).raise_for_status()
                await client.get("/metrics")
            await client.request("BREW", "/priced")
            async with asyncio.timeout(20):
                await ask_meanwhile(client)
            try:
                await client.get("/broken")
                went_on = False
            except RuntimeError:
                went_on = True
            except AssertionError:  # of the client: there was neither an error nor an answer
                went_on = False
            return (await client.get("/metrics")).text, went_on

    told, latencies = asyncio.run(ask()), getattr(metrics, "LATENCIES", None)
    return told, None if latencies is None else [float(end) for end in latencies if float(end) < float("inf")]


def tell_of_two_workers(made: str) -> str:
    """Price a house with a model that was made at `made`, as the first of two workers that do the same; return what
    `/metrics` says. Neither `$MODEL_ARM` nor `$REVISION` is set.
    """
    import httpx
    import numpy as np
    from fastapi import FastAPI

    folder = Path("two_workers")
    folder.mkdir()
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)  # before the client of Prometheus is imported
    for name in ("MODEL_ARM", "REVISION"):
        os.environ.pop(name, None)
    models = importlib.import_module("lab2_service.app").Models(Path("models"))
    metadata = SimpleNamespace(name="house_price", version="first", created_at=made, extra={})
    models.ready["house_price"] = SimpleNamespace(metadata=metadata)
    app = FastAPI()
    app.state.models = models
    importlib.import_module("lab6_monitoring.metrics").instrument(app)
    row = {"sqft_living": 1_800, "grade": 7, "yr_built": 1990, "zipcode": 98_101}
    for watcher in models.watchers:
        watcher([row], np.full(1, 450_000.0))

    async def ask() -> str:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://app") as client:
            await client.get("/metrics")
            for path in list(folder.iterdir()):  # what another worker with the same model would write
                other = path.with_name(path.name.replace(f"_{os.getpid()}.db", "_999999.db"))
                other.write_bytes(path.read_bytes())
            return (await client.get("/metrics")).text

    return asyncio.run(ask())


def _count(text: str) -> int:
    lines = [line for line in text.splitlines() if line.startswith("http_requests_total{") and '"/livez"' in line]
    return int(sum(float(re.split(r"\s", line)[-1]) for line in lines))
