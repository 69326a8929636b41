"""The end of an HTTP exchange, whatever it is that does not end: the answer, its headers, or a flood of 1xx answers.

A time limit of an HTTP client counts each wait anew. A service that sends one byte in a while is never late for it.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self


class Deadline:
    """A context manager: what is exchanged in it is cut off after `seconds`.

    `trace` is for the extension of this name of httpx; who has the socket at hand names it with `watch`.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.passed = False
        self._socket: socket.socket | None = None
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True
        self._begun = 0.0

    def __enter__(self) -> Self:
        self._begun = time.monotonic()
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()

    @property
    def spent(self) -> float:
        """Seconds since it was begun."""
        return time.monotonic() - self._begun

    def trace(self, event: str, about: Mapping[str, Any]) -> None:
        """Take note of the connection when it is there."""
        if event == "connection.connect_tcp.complete":
            self.watch(about["return_value"].get_extra_info("socket"))

    def watch(self, connection: socket.socket | None) -> None:
        """Cut off this connection when the time has passed."""
        self._socket = connection
        if self.passed:
            self._cut()

    def _cut(self) -> None:
        self.passed = True
        with contextlib.suppress(OSError):
            if self._socket is not None:
                self._socket.shutdown(socket.SHUT_RDWR)
