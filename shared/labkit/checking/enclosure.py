"""A program, such as a browser, for which one service is all the network that there is.

It runs what a learner wrote and asks whom it likes. Where the system gives a network namespace, nobody hears it: in its
network listens a relay to that one service, and nothing else. Elsewhere it is told to go through a proxy.
"""

from __future__ import annotations

import json
import shlex
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from labkit.checking.fronts import BOUNDS
from labkit.checking.relay import Relay
from labkit.checking.socks import OneTarget
from labkit.sandbox import alone
from labkit.sandbox.server import HOST
from labkit.sandbox.workers import connect_to_loopback

SECONDS = 10.0
"""How long a program that has been started may take to say whether it is alone."""


class Enclosure:
    """Encloses one start of a program: start `command` in its place, then `open` the way to the service.

    Args:
        program: the full path of the program.
        port: the service's port of loopback; it is the same one inside.
        folder: an empty folder of nobody else's.
        proxied: what the program is told where it has no network of its own; `{proxy}` is a `host:port` for SOCKS5.
    """

    def __init__(self, program: str, port: int, folder: Path, proxied: Sequence[str] = ()) -> None:
        self.port = port
        self.command = folder / Path(program).name
        self._relay: Relay | None = None
        self._waiting = socket.socket(socket.AF_UNIX)
        self._waiting.bind(str(folder / "way"))
        self._waiting.listen(1)
        self._proxy = OneTarget(port)
        more = [word.replace("{proxy}", f"{HOST}:{self._proxy.port}") for word in proxied]
        order = {"port": port, "way": str(folder / "way"), "program": program, "in company": more}
        words = [sys.executable, "-I", "-S", alone.__file__, json.dumps(order)]
        self.command.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n', encoding="utf-8")
        self.command.chmod(0o700)

    def open(self) -> bool:
        """Open the way to the service; return whether the program has a network of its own.

        Raises `OSError` where the program was not started.
        """
        self._waiting.settimeout(SECONDS)
        connection, _ = self._waiting.accept()
        with connection:
            connection.settimeout(SECONDS)
            message, handles, _, _ = socket.recv_fds(connection, 64, 1)
        if message != alone.ALONE or not handles:
            self._proxy.start()
            return False
        self._proxy.close()
        listener = socket.socket(fileno=handles[0])
        assert listener.getsockname() == (HOST, self.port)
        self._relay = Relay(listener, lambda: connect_to_loopback(self.port), BOUNDS)
        return True

    def close(self) -> None:
        """Close the way. The program is ended by who has started it."""
        self._waiting.close()
        self._proxy.close()
        if self._relay is not None:
            self._relay.close()
