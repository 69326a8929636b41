"""The trusted side of a submission's workers: start one, end one, a way into their network and out of it."""

from __future__ import annotations

import errno
import json
import os
import socket
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from labkit.sandbox.connection import Connection, Ending
from labkit.sandbox.job import Job
from labkit.sandbox.wire import WireError, read_frame

MESSAGE = 2**18
"""Bytes of the longest message to or from a nursery."""


@dataclass(frozen=True)
class Started:
    """A worker that runs. `port` is where it listens, in its own network, if it was to; else 0."""

    number: int
    connection: Connection
    port: int = 0


class WorkerSource(Protocol):
    """Where workers come from: a `Nursery`, or `labkit.sandbox.spawn`."""

    @property
    def missing(self) -> frozenset[str]:
        """The walls that this system does not give."""
        ...

    def start(
        self, *, listen: int | None = None, path: str = "", environment: Mapping[str, str] | None = None
    ) -> Started:
        """Start a worker.

        Args:
            listen: a port of loopback to hand a listening socket for, in the worker's own network; 0 for a free one.
            path: instead of that, the name of a socket in the worker's folder.
            environment: added to the worker's own.

        Raises:
            RuntimeError: for a worker that does not start.
        """
        ...

    def listen(self, port: int) -> socket.socket:
        """Return a socket that listens in the workers' network, on this port if it is free."""
        ...

    def connect(self, port: int) -> socket.socket:
        """Return a connection to a port of the workers' network. Raises `OSError`."""
        ...

    def signal(self, worker: int, number: int) -> None:
        """Send a signal to a worker."""
        ...

    def end(self, worker: int, *, grace: float = 0.0) -> Ending:
        """End a worker and all that it started, after `grace` seconds for its own end; return how it ended."""
        ...

    def close(self) -> None:
        """End all of them."""
        ...


class Nursery:
    """The trusted side of a nursery process. Threads may share it: one order is carried out at a time."""

    def __init__(self, control: socket.socket, job: Job) -> None:
        self._control = control
        self._output_bytes = job.walls.limits.output_bytes
        self._lock = threading.Lock()
        answer, _ = self._ask(job.to_json())
        self._missing: set[str] = set(answer["missing"])

    @property
    def missing(self) -> frozenset[str]:
        """The walls that this system does not give."""
        return frozenset(self._missing)

    def start(
        self, *, listen: int | None = None, path: str = "", environment: Mapping[str, str] | None = None
    ) -> Started:
        """Start a worker; see `WorkerSource`."""
        order = {"order": "start", "listen": listen, "path": path, "environment": dict(environment or {})}
        answer, handles = self._ask(order)
        connection = Connection(socket.socket(fileno=handles[0]), handles[1], output_bytes=self._output_bytes)
        self._missing.update(read_hello(connection))
        return Started(int(answer["worker"]), connection, int(answer["port"]))

    def listen(self, port: int) -> socket.socket:
        """Return a socket that listens in the workers' network, on this port if it is free."""
        _, handles = self._ask({"order": "listen", "port": port})
        return socket.socket(fileno=handles[0])

    def connect(self, port: int) -> socket.socket:
        """Return a connection to a port of the workers' network. Raises `OSError`."""
        _, handles = self._ask({"order": "connect", "port": port})
        return socket.socket(fileno=handles[0])

    def signal(self, worker: int, number: int) -> None:
        """Send a signal to a worker."""
        self._ask({"order": "signal", "worker": worker, "number": number})

    def end(self, worker: int, *, grace: float = 0.0) -> Ending:
        """End a worker and all that it started; return how it ended."""
        answer, _ = self._ask({"order": "end", "worker": worker, "grace": grace})
        return Ending(answer["code"], answer["signal"])

    def close(self) -> None:
        """Hang up: the nursery process ends, and everything below it."""
        self._control.close()

    def _ask(self, order: Mapping[str, Any]) -> tuple[dict[str, Any], list[int]]:
        """Give an order; return the answer and the file descriptors that came with it."""
        with self._lock:
            self._control.sendall(json.dumps(order).encode())
            message, handles, _, _ = socket.recv_fds(self._control, MESSAGE, 2)
        if not message:
            raise RuntimeError("the nursery process has ended")
        answer = json.loads(message)
        if "error" in answer:
            raise OSError(*answer["error"])
        if len(handles) < int(answer.get("handles", 0)):
            for number in handles:
                os.close(number)
            raise OSError(errno.EMFILE, "no file descriptor is left")
        return answer, list(handles)


def read_hello(connection: Connection) -> list[str]:
    """Read what a new worker says first: the walls that it could not put up.

    Raises `RuntimeError` for a worker that did not start.
    """
    connection.set_deadline(60)
    try:
        hello, _ = read_frame(connection)
    except WireError as error:
        raise RuntimeError(f"a worker did not start: {error}") from None
    if "broken" in hello:
        raise RuntimeError(f"a worker did not start:\n{hello['broken']}")
    return [str(name) for name in hello["missing"]]


def open_listener(folder: Path, port: int | None, path: str) -> socket.socket | None:
    """Return a socket that listens on a port of loopback (0: a free one) or on a name in `folder`; None for neither."""
    if path:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(folder / path))
        listener.listen(128)
        return listener
    return None if port is None else listen_on_loopback(port)


def listen_on_loopback(port: int) -> socket.socket:
    """Return a socket that listens on a port of loopback, or on a free one where that port is taken."""
    try:
        return socket.create_server(("127.0.0.1", port), backlog=128)
    except OSError:
        return socket.create_server(("127.0.0.1", 0), backlog=128)


def connect_to_loopback(port: int) -> socket.socket:
    """Return a connection to a port of loopback. Raises `OSError`."""
    return socket.create_connection(("127.0.0.1", port), 2.0)
