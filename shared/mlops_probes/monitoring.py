"""What the checks of metrics and logs put into the learner's process."""

from __future__ import annotations

import asyncio
import importlib
import re


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


def _count(text: str) -> int:
    lines = [line for line in text.splitlines() if line.startswith("http_requests_total{") and '"/livez"' in line]
    return int(sum(float(re.split(r"\s", line)[-1]) for line in lines))
