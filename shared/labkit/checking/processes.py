"""Where a learner's web service runs: in a worker, or as a plain child process."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from labkit.checking.clients import WorkerClient
from labkit.checking.expect import CheckFailed
from labkit.checking.faults import LearnerError, LearnerStopped
from labkit.sandbox.connection import Ending, WorkerEnded
from labkit.sandbox.wire import Node

LONGEST_LIFE = 600.0
"""Seconds after which a service is ended, whatever it does."""


class Process(Protocol):
    """Where a service runs."""

    def has_ended(self) -> bool: ...
    def wait(self, seconds: float) -> bool: ...
    def signal(self, number: int) -> None: ...
    def output(self) -> str: ...
    def ending(self) -> Ending: ...
    def fault(self, doing: str) -> Exception: ...
    def close(self) -> None: ...


class WorkerProcess:
    """A service in a worker: the worker answers the request to serve when the service has ended."""

    def __init__(self, client: WorkerClient, document: Node, doing: str, on_end: Callable[[], None]) -> None:
        self._client = client
        self._on_end = on_end
        self._reply: Node = None
        self._ended: WorkerEnded | None = None
        self._thread = threading.Thread(target=self._serve, args=(document,), daemon=True)
        self._doing = doing
        self._thread.start()

    def _serve(self, document: Node) -> None:
        try:
            self._reply, _ = self._client.connection.request(document, [], LONGEST_LIFE, _no_callbacks)
        except WorkerEnded as ended:
            self._ended = ended
        self._on_end()

    def has_ended(self) -> bool:
        """Whether the service is gone."""
        return not self._thread.is_alive()

    def wait(self, seconds: float) -> bool:
        """Wait for its end; return whether it came."""
        self._thread.join(seconds)
        return self.has_ended()

    def signal(self, number: int) -> None:
        """Send a signal to the process."""
        self._client.signal(number)

    def output(self) -> str:
        """Return what it has printed so far."""
        return self._client.connection.printed.decode("utf-8", "replace")

    def ending(self) -> Ending:
        """End the worker and return how it ended; code 0 where the service came to its own end."""
        ending = self._client.end(1.0)
        return Ending(code=0) if self._ended is None else ending

    def fault(self, doing: str) -> Exception:
        """Return what went wrong in a service that has ended."""
        error = self._reply.get("error") if isinstance(self._reply, dict) else None
        if isinstance(error, dict) and error.get("type") != "SystemExit":
            return LearnerError(error, self._doing)
        if self._ended is not None and self._ended.reason != "exit":
            return LearnerStopped(self._ended, doing, self._client.seconds, self.ending())
        return _gone(doing, self.output())

    def close(self) -> None:
        """End it."""
        self._client.end(0.0)
        self._thread.join(5)


class LocalProcess:
    """A service as a plain child process, for plain pytest: no walls."""

    def __init__(self, listener: socket.socket, target: str, environment: Mapping[str, str], folder: Path) -> None:
        self._log = (folder / "service.log").open("w+b")
        path = os.pathsep.join(entry for entry in sys.path if entry)
        arguments = [str(listener.fileno()), target, json.dumps(dict(environment))]
        self._child = subprocess.Popen(
            [sys.executable, "-m", "labkit.sandbox.server", *arguments],
            pass_fds=[listener.fileno()], stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log, cwd=folder,
            env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
        )  # fmt: skip

    def has_ended(self) -> bool:
        """Whether the service is gone."""
        return self._child.poll() is not None

    def wait(self, seconds: float) -> bool:
        """Wait for its end; return whether it came."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._child.wait(seconds)
        return self.has_ended()

    def signal(self, number: int) -> None:
        """Send a signal to the process."""
        self._child.send_signal(number)

    def output(self) -> str:
        """Return what it has printed so far."""
        return Path(self._log.name).read_text(encoding="utf-8", errors="replace")

    def ending(self) -> Ending:
        """Return how it ended."""
        code = self._child.wait(10)
        return Ending(code=code) if code >= 0 else Ending(signal=-code)

    def fault(self, doing: str) -> Exception:
        """Return what went wrong in a service that has ended."""
        return _gone(doing, self.output())

    def close(self) -> None:
        """End it."""
        if not self.has_ended():
            self._child.kill()
        self._child.wait()
        self._log.close()


def _gone(doing: str, output: str) -> CheckFailed:
    lines = [line for line in output.splitlines() if line.strip()]
    return CheckFailed(
        expected=f"the service runs and answers {doing}",
        found="its process has ended" + (f"; it last said: {' / '.join(lines[-3:])}" if lines else ""),
        help="a service that cannot start says why in what it prints",
    )


def _no_callbacks(number: int, node: Node, blobs: list[bytes]) -> tuple[Node, list[bytes]]:
    return {"error": "a service cannot call the check"}, []
