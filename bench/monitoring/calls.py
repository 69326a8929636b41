"""What a request costs the processor with metrics and without, in one process and in turns.

    python -m bench.monitoring.calls 40     prints JSON

Called without a server between: what the machine does besides changes both alike, and the difference is the metrics'.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from contextlib import AsyncExitStack
from typing import Any

from fastapi import FastAPI

from bench.monitoring import apps

PATH = "/v1/house-price"
CALLS = 100  # in a row


async def measure(rounds: int, body: bytes) -> dict[str, float]:
    """The microseconds of the processor that a request takes, and what metrics add to it."""
    both = {"plain": apps.plain(), "metrics": apps.metrics()}
    async with AsyncExitStack() as stack:
        for app in both.values():
            await stack.enter_async_context(app.router.lifespan_context(app))
            while "house_price" not in app.state.models.ready:
                await asyncio.sleep(0.1)
        times: dict[str, list[float]] = {name: [] for name in both}
        for number in range(rounds + 1):
            for name in both if number % 2 else reversed(list(both)):
                began = time.process_time()
                for _ in range(CALLS):
                    await _call(both[name], body)
                if number:
                    times[name].append(1e6 * (time.process_time() - began) / CALLS)
    # The quickest of many short rounds is the one that nothing else on the machine has slowed down.
    quickest = {name: min(found) for name, found in times.items()}
    return {"call_us": quickest["plain"], "added_us": quickest["metrics"] - quickest["plain"]}


async def _call(app: FastAPI, body: bytes) -> None:
    sent = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http",
        "path": PATH, "raw_path": PATH.encode(), "query_string": b"", "root_path": "", "headers": headers,
        "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 2), "state": {},
    }  # fmt: skip
    await app(scope, receive, send)
    if sent[0]["status"] != 200:
        raise SystemExit(f"error: status {sent[0]['status']}")


if __name__ == "__main__":
    print(json.dumps(asyncio.run(measure(int(sys.argv[1]), sys.stdin.buffer.read()))))
