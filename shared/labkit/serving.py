"""A learner's web service under check: its process in the worker's walls, and the HTTP client of the checker.

The checker opens a listening socket on loopback and hands it to the worker, which has no network of its own. So the
service is a real one, reached over TCP, and still cannot reach anything itself.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from labkit.connection import Ending, WorkerEnded
from labkit.expect import CheckFailed, fail, shown
from labkit.handles import LearnerError, LearnerStopped, WorkerClient
from labkit.wire import Node

if TYPE_CHECKING:
    import httpx

HOST = "127.0.0.1"
LARGEST_ANSWER = 8 * 2**20
"""Bytes of an answer that are read."""
LONGEST_LIFE = 600.0
"""Seconds after which a service is ended, whatever it does."""


def open_listener() -> socket.socket:
    """Return a socket that listens on a free port of loopback."""
    return socket.create_server((HOST, 0), backlog=128)


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

    def __init__(self, client: WorkerClient, document: Node, doing: str) -> None:
        self._client = client
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
        self._child = subprocess.Popen(
            [sys.executable, "-m", "labkit.serving", str(listener.fileno()), target, json.dumps(dict(environment))],
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


@dataclass(frozen=True)
class Answer:
    """An HTTP answer. `headers` have lower-case names; `asked` is like "`GET /livez`"."""

    asked: str
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", "replace")

    @property
    def media_type(self) -> str:
        """The content type without its parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def json(self) -> Any:
        """The body as JSON; a body that is none fails the check."""
        try:
            return json.loads(self.body, parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            fail(expected=f"{self.asked} answers with JSON", found=f"status {self.status}, {self.excerpt()}")

    def excerpt(self) -> str:
        """The beginning of the body, for a message."""
        return shown(self.text[:160]) if self.body else "an empty body"

    def expect(self, *statuses: int, help: str = "") -> Answer:
        """Fail the check unless the status is one of these."""
        if self.status not in statuses:
            wanted = " or ".join(map(str, statuses))
            found = f"status {self.status}, {self.excerpt()}"
            fail(expected=f"{self.asked} answers with status {wanted}", found=found, help=help)
        return self


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


class Service:
    """A running service. A context manager: leaving it ends the process.

    `url` is like `http://127.0.0.1:41234`. A request that gets no answer fails the check and says why.
    """

    def __init__(self, process: Process, port: int, seconds: float) -> None:
        self.process = process
        self.port = port
        self.url = f"http://{HOST}:{port}"
        self.seconds = seconds
        self._http: httpx.Client | None = None

    def __enter__(self) -> Service:
        return self

    def __exit__(self, *unused: object) -> None:
        self.close()

    def close(self) -> None:
        """End the service."""
        if self._http is not None:
            self._http.close()
        self.process.close()

    def output(self) -> str:
        """What the service has printed so far."""
        return self.process.output()

    def get(self, path: str, **options: Any) -> Answer:
        """Ask with GET; see `request`."""
        return self.request("GET", path, **options)

    def post(self, path: str, json: object = None, **options: Any) -> Answer:
        """Ask with POST; see `request`."""
        return self.request("POST", path, json=json, **options)

    def request(self, method: str, path: str, *, seconds: float | None = None, **options: Any) -> Answer:
        """Send one request and return the answer.

        Args:
            seconds: how long the answer may take (default: the time of the exercise).
            options: for `httpx.Client.stream`: `json`, `content`, `headers`.

        Raises:
            LearnerFault: where no whole answer comes.
        """
        import httpx

        asked, limit = f"`{method} {path}`", seconds or self.seconds
        try:
            return self._exchange(method, path, asked, limit, options)
        except httpx.TimeoutException:
            raise LearnerStopped(WorkerEnded("time"), asked, limit, None) from None
        except httpx.HTTPError as error:
            if self.process.wait(0.5):
                raise self.process.fault(asked) from None
            fail(expected=f"{asked} is answered", found=f"the connection broke: {type(error).__name__}: {error}")

    def _exchange(self, method: str, path: str, asked: str, limit: float, options: Mapping[str, Any]) -> Answer:
        import httpx

        end = time.monotonic() + limit
        body = bytearray()
        with self._client().stream(method, self.url + path, timeout=limit, **options) as answer:
            for piece in answer.iter_bytes():
                body += piece
                if time.monotonic() > end:
                    raise httpx.ReadTimeout("the answer does not end")
                if len(body) > LARGEST_ANSWER:
                    fail(expected=f"{asked} answers with less than 8 MB", found="more than that")
            headers = {name.lower(): value for name, value in answer.headers.items()}
            return Answer(asked, answer.status_code, headers, bytes(body))

    def _client(self) -> httpx.Client:
        import httpx

        if self._http is None:
            # Loopback only: no proxy, no redirect to somewhere else.
            limits = httpx.Limits(max_keepalive_connections=0)
            self._http = httpx.Client(trust_env=False, follow_redirects=False, limits=limits)
        return self._http

    def poll(
        self, method: str, path: str, until: frozenset[int] | set[int], *, within: float = 5.0, **options: Any
    ) -> Answer:
        """Ask until the status is one of `until`, or for `within` seconds; return the last answer."""
        end = time.monotonic() + within
        pause = 0.01
        while (answer := self.request(method, path, **options)).status not in until and time.monotonic() < end:
            time.sleep(pause)
            pause = min(pause * 1.5, 0.1)
        return answer

    def wait_for_output(self, text: str, seconds: float | None = None) -> bool:
        """Wait until the service has printed `text`; return whether it has."""
        end = time.monotonic() + (seconds or self.seconds)
        while text not in self.output():
            if time.monotonic() > end or self.process.has_ended():
                return text in self.output()
            time.sleep(0.01)
        return True

    def terminate(self) -> None:
        """Ask the service to end, as `docker stop` and Kubernetes do: SIGTERM."""
        self.process.signal(signal.SIGTERM)


def main(number: str, target: str, environment: str) -> None:
    """Be the process of a `LocalProcess`."""
    run_server(socket.socket(fileno=int(number)), target, json.loads(environment))


if __name__ == "__main__":
    main(*sys.argv[1:])
