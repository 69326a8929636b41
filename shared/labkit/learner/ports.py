"""Ports of the loopback address: which are free, and which process has one that is taken."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterable
from typing import Any

from labkit.text import clean

HOST = "127.0.0.1"
LAST = 65535
_SHOWN = 80  # characters of a command line


def port_is_free(number: int) -> bool:
    """Whether a server could listen on this port of the loopback address."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, number))
        except OSError:
            return False
    return not _answers(number)


def _answers(number: int) -> bool:
    """Whether somebody listens: on macOS one who listens on all addresses does not keep others from this one."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        return probe.connect_ex((HOST, number)) == 0


def next_free_port(number: int) -> int:
    """Return the first free port above `number`; raises `OSError` where there is none."""
    for port in range(number + 1, LAST + 1):
        if port_is_free(port):
            return port
    raise OSError(f"no port above {number} is free")


def holder(number: int) -> str:
    """Return which process listens on a port, as "`mlflow server` (process 123)"; "" where the system does not tell.

    The processes of other users are not told.
    """
    import psutil

    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if _listens(process.net_connections(kind="tcp"), number):
                shown = clean(" ".join(process.cmdline()) or process.name(), 1000).replace("\n", " ")
                shown = f"{shown[:_SHOWN]}…" if len(shown) > _SHOWN else shown
                return f"`{shown}` (process {process.pid})"
    return ""


def _listens(connections: Iterable[Any], number: int) -> bool:
    import psutil

    return any(one.status == psutil.CONN_LISTEN and one.laddr.port == number for one in connections)
