"""A SOCKS5 proxy (RFC 1928) that leads to one port of loopback and refuses every other target.

The second-best wall around a browser, for systems without network namespaces: the browser is told to ask it for
every connection. TCP only; it resolves no names.
"""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import struct
import threading

from labkit.sandbox.server import HOST
from labkit.sandbox.workers import connect_to_loopback

_CONNECT, _IPV4, _NAME, _IPV6 = 1, 1, 3, 4
_GRANTED, _NOT_ALLOWED, _REFUSED = 0, 2, 5
SECONDS = 10.0
"""How long a client may take to say where it wants to go."""


class OneTarget:
    """Listens at `port` from the start on, and answers from `start` on, with a thread for each connection."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._listener = socket.create_server((HOST, 0), backlog=64)
        self.port = int(self._listener.getsockname()[1])

    def start(self) -> None:
        """Answer whoever connects."""
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Refuse new connections; those that are open end with the service or the browser."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError, ValueError, struct.error):
            client.settimeout(SECONDS)
            if _asked(client) != (HOST, self._target):
                _answer(client, _NOT_ALLOWED)
                return
            try:
                service = connect_to_loopback(self._target)
            except OSError:
                _answer(client, _REFUSED)
                return
            with service:
                _answer(client, _GRANTED)
                client.settimeout(None)
                service.settimeout(None)
                back = threading.Thread(target=_carry, args=(service, client), daemon=True)
                back.start()
                _carry(client, service)
                back.join()


def _asked(client: socket.socket) -> tuple[str, int]:
    """Read where the client wants to go: a host, as an address or a name, and a port."""
    version, methods = _exactly(client, 2)
    _exactly(client, methods)
    if version != 5:
        raise ValueError("not SOCKS5")
    client.sendall(b"\x05\x00")
    _, command, _, kind = _exactly(client, 4)
    if kind == _NAME:
        host = _exactly(client, _exactly(client, 1)[0]).decode("ascii")
    else:
        host = str(ipaddress.ip_address(_exactly(client, {_IPV4: 4, _IPV6: 16}.get(kind, 0))))
    (port,) = struct.unpack("!H", _exactly(client, 2))
    return (host, port) if command == _CONNECT else ("", 0)


def _exactly(client: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        piece = client.recv(count - len(data))
        if not piece:
            raise ValueError("the client has gone")
        data += piece
    return data


def _answer(client: socket.socket, code: int) -> None:
    client.sendall(struct.pack("!BBBB4sH", 5, code, 0, _IPV4, bytes(4), 0))


def _carry(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(2**16):
            target.sendall(piece)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
