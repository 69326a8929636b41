"""A server for tests of doors, as a course declares one: it keeps what is written to it in one file of its state."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Service:
    title: str
    app: str
    port: int = 5999
    health: str = "/health"
    page: str = "/"
    command: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    client: Mapping[str, str] = field(default_factory=lambda: {"ECHO_URL": "{url}"})
    checked: Mapping[str, str] = field(default_factory=dict)
    preload: tuple[str, ...] = ()
    packages: tuple[str, ...] = ("uvicorn",)


SERVICES = {
    "echo": Service("Echo", "echo:create_app", environment={"GREETING": "hello from {state}"}),
    "broken": Service("Broken", "echo:broken_app"),
}


def create_app() -> Any:
    kept = Path("kept.txt").resolve()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            raise RuntimeError("no lifespan here")
        path, query = scope["path"], scope["query_string"].decode()
        body = b"ok"
        if path == "/write":
            with kept.open("a") as file:
                file.write(query)
        elif path == "/read":
            body = kept.read_bytes() if kept.exists() else b""
        elif path == "/greeting":
            body = os.environ["GREETING"].encode()
        elif path == "/die":
            os._exit(9)
        elif path == "/large":
            body = b"x" * int(query)
        elif path == "/outside":
            body = outside(int(query))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})

    return app


def outside(port: int) -> bytes:
    """What the server itself reaches on this machine's loopback."""
    import socket

    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError as error:
        return type(error).__name__.encode()
    return b"reached"


def broken_app() -> Any:
    raise ValueError("the disk is on fire")
