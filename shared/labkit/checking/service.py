"""A learner's web service under check: its process in the worker's walls, and the HTTP client of the checker.

The checker opens a listening socket on loopback and hands it to the worker, which has no network of its own. So the
service is a real one, reached over TCP, and still cannot reach anything itself.
"""

from __future__ import annotations

import json
import re
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from labkit.checking.deadlines import Deadline
from labkit.checking.expect import fail, shown
from labkit.checking.faults import LearnerStopped
from labkit.checking.processes import Process
from labkit.sandbox.connection import WorkerEnded
from labkit.sandbox.server import HOST

if TYPE_CHECKING:
    import httpx

LARGEST_ANSWER = 8 * 2**20
"""Bytes of an answer that are read."""
ERROR_LINE = re.compile(r"(?:[A-Za-z_]\w{0,80}\.){0,8}[A-Z]\w{0,80}(?:Error|Exception)\b")
"""The beginning of the line that names an exception, at the end of a traceback."""


@dataclass(frozen=True)
class Answer:
    """An HTTP answer. `headers` have lower-case names; `asked` is like "`GET /livez`".

    `why` tells what the service has printed about its mistake, where the status is 500.
    """

    asked: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    why: Callable[[], str] = field(default=str, repr=False, compare=False)

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", "replace")

    @property
    def path(self) -> str:
        """The path that was asked for, without its query."""
        return self.asked.strip("`").partition(" ")[2].partition("?")[0]

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

    def told(self) -> str:
        """Status and beginning of the body, for a message, and the cause of a 500."""
        because = self.why() if self.status == 500 else ""
        return f"status {self.status}, {self.excerpt()}" + (f"; it printed: {because}" if because else "")

    def expect(self, *statuses: int, help: str = "") -> Answer:
        """Fail the check unless the status is one of these."""
        if self.status not in statuses:
            wanted = " or ".join(map(str, statuses))
            fail(expected=f"{self.asked} answers with status {wanted}", found=self.told(), help=help)
        return self


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


class Service:
    """A running service. A context manager: leaving it ends the process.

    `url` is like `http://127.0.0.1:41234`. A request that gets no answer fails the check and says why.
    """

    def __init__(self, process: Process, port: int, seconds: float, drive: Callable[..., Any] | None = None) -> None:
        self.process = process
        self.port = port
        self.url = f"http://{HOST}:{port}"
        self.seconds = seconds
        self._drive = drive
        self._http: httpx.Client | None = None
        self.refresh()

    def __enter__(self) -> Service:
        return self

    def __exit__(self, *unused: object) -> None:
        self.close()

    def close(self) -> None:
        """End the service."""
        if self._http is not None:
            self._http.close()
        self.process.close()

    def refresh(self) -> None:
        """Give a service that outlives one check its time for the next one: all its answers together."""
        self.left = 3 * self.seconds

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
        deadline = Deadline(max(0.05, min(limit, self.left)))
        try:
            with deadline:
                return self._exchange(method, path, asked, deadline, options)
        except httpx.TimeoutException:
            raise LearnerStopped(WorkerEnded("time"), asked, limit, None) from None
        except httpx.HTTPError as error:
            if deadline.passed:
                raise LearnerStopped(WorkerEnded("time"), asked, limit, None) from None
            if self.process.wait(0.5):
                raise self.process.fault(asked) from None
            fail(expected=f"{asked} is answered", found=f"the connection broke: {type(error).__name__}: {error}")
        finally:
            self.left -= deadline.spent

    def drive(self, target: str, *args: object, **kwargs: object) -> Any:
        """Call a function of the checks, `package.module:function`, in a process that reaches this service alone.

        For libraries that read what the service says: they may fetch what it tells them to. See `checking.drivers`.
        """
        assert self._drive is not None
        return self._drive(self.port, target, *args, **kwargs)

    def _exchange(self, method: str, path: str, asked: str, deadline: Deadline, options: Mapping[str, Any]) -> Answer:
        import httpx

        body = bytearray()
        watched = {"trace": deadline.trace}
        with self._client().stream(
            method, self.url + path, timeout=deadline.seconds, extensions=watched, **options
        ) as answer:
            for piece in answer.iter_bytes():
                body += piece
                if len(body) > LARGEST_ANSWER:
                    fail(expected=f"{asked} answers with less than 8 MB", found="more than that")
            if deadline.passed:  # what was cut off looks like an answer that ends
                raise httpx.ReadTimeout("the answer does not end")
            headers = {name.lower(): value for name, value in answer.headers.items()}
            return Answer(asked, answer.status_code, headers, bytes(body), self._last_error)

    def _last_error(self) -> str:
        """The last line of the last traceback that the service has printed; it prints it after its answer."""
        self.wait_for_output("Traceback (most recent call last)", 0.5)
        lines = [line for line in self.output().splitlines() if ERROR_LINE.match(line)]
        return lines[-1][:300] if lines else ""

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
