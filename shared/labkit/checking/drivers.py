"""Drivers: functions of the checks that a library carries out on what a learner wrote, such as generated requests.

Such a library may fetch what a text tells it to fetch. So a driver runs in a worker of the checker's own: behind the
walls, without a file of the submission, and in a network whose one address leads to the service under check.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from labkit.checking.clients import Client, DirectClient, WorkerClient
from labkit.checking.faults import LearnerError
from labkit.checking.fronts import BOUNDS
from labkit.checking.handles import LabHandle
from labkit.checking.relay import Relay
from labkit.sandbox.job import Job
from labkit.sandbox.server import HOST
from labkit.sandbox.walls import Walls
from labkit.sandbox.worker import Executor
from labkit.sandbox.workers import WorkerSource, connect_to_loopback

SECONDS = 60.0
"""How long a driver may take."""


class Drivers:
    """Runs drivers. Their nursery is opened for the first one: most runs have none.

    Args:
        open_source: opens the nursery; answers None where there is none, and a driver runs in this very process.
    """

    def __init__(self, open_source: Callable[[], WorkerSource | None]) -> None:
        self._open_source = open_source
        self._source: WorkerSource | None = None
        self._opened = False

    def drive(self, port: int, target: str, *args: object, **kwargs: object) -> Any:
        """Call `package.module:function` where only this port of loopback can be reached; return its answer.

        Arguments and answer are data: numbers, texts, lists.

        Raises:
            LearnerStopped: where its process ends, or has to be ended: what the learner wrote may be made for that.
            RuntimeError: where it raises.
        """
        if not self._opened:
            self._source, self._opened = self._open_source(), True
        if self._source is None:
            return _call(DirectClient(Executor("", Path())), target, *args, **kwargs)
        if "namespaces" in self._source.missing:  # its network is this machine's: the port is there already
            return self._start(self._source, target, *args, **kwargs)
        relay = Relay(_listen(self._source, port), lambda: connect_to_loopback(port), BOUNDS)
        try:
            return self._start(self._source, target, *args, **kwargs)
        finally:
            relay.close()

    def _start(self, source: WorkerSource, target: str, *args: object, **kwargs: object) -> Any:
        started = source.start()
        client = WorkerClient(started.connection, lambda grace: source.end(started.number, grace=grace), SECONDS)
        try:
            return _call(client, target, *args, **kwargs)
        finally:
            client.close()

    def close(self) -> None:
        """End the nursery."""
        if self._source is not None:
            self._source.close()


def _call(client: Client, target: str, *args: object, **kwargs: object) -> Any:
    try:
        return LabHandle("", client, Path()).make(target, *args, doing=f"`{target}`", **kwargs)
    except LearnerError as error:
        raise RuntimeError(f"`{target}`: {error}") from None


def _listen(source: WorkerSource, port: int) -> socket.socket:
    """Listen at `HOST` on this very port of the drivers' network."""
    listener = source.listen(port)
    if listener.getsockname()[:2] != (HOST, port):
        listener.close()
        raise RuntimeError(f"port {port} is taken where the checks drive a service")
    return listener


def driver_job(root: Path, work: Path) -> Job:
    """Return what the drivers' nursery needs to know: where the checks are imported from, and nothing of a submission.

    Args:
        root: the course.
        work: the folder to make for what a driver writes.
    """
    work.mkdir(mode=0o755)
    paths = [path for path in sys.path if path and Path(path) != root]
    readable = [Path(sys.base_prefix), Path(sys.prefix), root / "shared", *map(Path, paths)]
    hidden = [root / name for name in ("solutions", "labs", ".git", ".lab")]
    walls = Walls([path for path in readable if path.exists()], work, hidden)
    return Job("", tuple(paths), "", walls)
