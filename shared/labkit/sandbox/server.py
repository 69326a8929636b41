"""A learner's web service in the process that serves it."""

from __future__ import annotations

import importlib
import json
import os
import socket
import sys
from collections.abc import Mapping

HOST = "127.0.0.1"


def run_server(listener: socket.socket, target: str, environment: Mapping[str, str]) -> None:
    """Serve the ASGI app that `target` (`package.module:factory`) makes, until SIGTERM. Called in the worker."""
    import uvicorn

    os.environ.update(environment)
    module, _, factory = target.partition(":")
    with listener:  # where the service cannot start, nobody waits for it
        app = getattr(importlib.import_module(module), factory)()
        if app is None:
            raise TypeError(f"`{factory}` returned None: is the `return` missing?")
        uvicorn.Server(uvicorn.Config(app, access_log=False)).run(sockets=[listener])


def main(number: str, target: str, environment: str) -> None:
    """Be the process of a `LocalProcess`."""
    run_server(socket.socket(fileno=int(number)), target, json.loads(environment))


if __name__ == "__main__":
    main(*sys.argv[1:])
