"""The conductor's side of a zygote: the process, and the orders that it takes."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from labkit.sandbox.workers import MESSAGE


class ZygoteProcess:
    """A zygote that runs. `channel` becomes readable when it has something to say; see `receive`."""

    def __init__(self, root: Path) -> None:
        self.channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            arguments = [sys.executable, "-P", "-s", "-m", "labkit.engine.zygote", str(theirs.fileno())]
            self._process = subprocess.Popen(
                arguments, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, cwd=root, env=dict(os.environ)
            )

    def send(self, order: Mapping[str, Any], handles: Sequence[int] = ()) -> None:
        """Give an order, with file descriptors for a child."""
        socket.send_fds(self.channel, [json.dumps(order).encode()], list(handles))

    def receive(self) -> dict[str, Any] | None:
        """Return what it says; None where it has ended."""
        with contextlib.suppress(OSError):
            message = self.channel.recv(MESSAGE)
            return dict(json.loads(message)) if message else None
        return None

    def close(self) -> None:
        """End it and all below it."""
        self.channel.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(8)
        self._process.kill()
        self._process.wait()
