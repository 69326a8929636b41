"""Starts a program in a network of its own, in which one port of loopback is all that there is.

`python -I -S alone.py ORDER ARGUMENT…` hands the socket that listens on that port to whoever waits for it, and becomes
the program. Where the system gives no such network, it says so there, and the program gets further arguments, which
tell it of a proxy. It imports nothing of this project: a fresh Python runs it each time.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import socket
import struct
import sys
from pathlib import Path

_NEWUSER, _NEWNET = 0x10000000, 0x40000000
_SIOCSIFFLAGS, _IFF_UP = 0x8914, 1
ALONE, IN_COMPANY = b"alone", b"in company"


def enter_network() -> None:
    """Enter a new network with nothing but its loopback; as an ordinary user, in a new user namespace, too.

    Raises `OSError` where the system does not allow it.
    """
    uid, gid = os.getuid(), os.getgid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_NEWNET | (_NEWUSER if uid else 0)):
        raise OSError(ctypes.get_errno(), "unshare")
    if uid:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
        Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", _IFF_UP))


def hand_out(port: int, way: socket.socket) -> bool:
    """Enter a network, listen there, and hand the listening socket out; return whether that worked."""
    try:
        enter_network()
        listener = socket.create_server(("127.0.0.1", port), backlog=128)
    except (OSError, AttributeError):  # a system whose C library has no `unshare`
        way.sendall(IN_COMPANY)
        return False
    with listener:
        socket.send_fds(way, [ALONE], [listener.fileno()])
    return True


def main(order: str, *arguments: str) -> None:
    """Be the program."""
    known = json.loads(order)
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(known["way"])
        more = [] if hand_out(known["port"], connection) else known["in company"]
    os.execv(known["program"], [known["program"], *arguments, *more])


if __name__ == "__main__":
    main(*sys.argv[1:])
