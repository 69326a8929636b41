"""The front of a service under check: the address at which the checker reaches what the worker listens on."""

from __future__ import annotations

import socket
from collections.abc import Mapping

from labkit.checking.relay import Bounds, Relay
from labkit.sandbox.server import HOST
from labkit.sandbox.workers import Started, WorkerSource

BOUNDS = Bounds(at_once=256, connections=1_000_000, bytes=8 * 2**30, idle=600.0)
"""The checker's own requests pass here: the checks bound them."""


class Front:
    """A port of this machine's loopback behind which stands a service in a worker.

    Where the worker has a network of its own, a relay leads into it; else the port is the service's own.
    """

    def __init__(self, port: int, relay: Relay | None = None) -> None:
        self.port = port
        self._relay = relay

    def close(self) -> None:
        """Nobody answers any more."""
        if self._relay is not None:
            self._relay.close()


def start_with_front(source: WorkerSource, environment: Mapping[str, str]) -> tuple[Started, Front]:
    """Start a worker that can serve; the port is the same number on both sides."""
    if "namespaces" in source.missing:
        started = source.start(listen=0, environment=environment)
        return started, Front(started.port)
    listener = socket.create_server((HOST, 0), backlog=128)
    port = int(listener.getsockname()[1])
    try:
        started = source.start(listen=port, environment=environment)
    except BaseException:
        listener.close()
        raise
    return started, Front(port, Relay(listener, lambda: source.connect(started.port), BOUNDS))
