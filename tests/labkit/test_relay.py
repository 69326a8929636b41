"""The relay between two networks: every byte, both ways, in order; bounded, counted, and cut off when it is told so."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from labkit.checking.relay import Bounds, Relay

Answer = Callable[[socket.socket], None]


def echo(connection: socket.socket) -> None:
    """Send back what comes, until the other side has ended."""
    while piece := connection.recv(2**16):
        connection.sendall(piece)


class Far:
    """A server at the far side of a relay; each connection is answered in a thread of its own."""

    def __init__(self, answer: Answer) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.answer = answer
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                threading.Thread(target=self._one, args=(connection,), daemon=True).start()

    def _one(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            self.answer(connection)

    def connect(self) -> socket.socket:
        return socket.create_connection(self.listener.getsockname())


@pytest.fixture
def start() -> Iterator[Callable[..., tuple[Relay, Callable[[], socket.socket]]]]:
    relays: list[Relay] = []
    fars: list[Far] = []

    def start(answer: Answer = echo, bounds: Bounds | None = None) -> tuple[Relay, Callable[[], socket.socket]]:
        fars.append(Far(answer))
        listener = socket.create_server(("127.0.0.1", 0))
        address = listener.getsockname()
        relays.append(Relay(listener, fars[-1].connect, bounds))
        return relays[-1], lambda: socket.create_connection(address, 5)

    yield start
    for relay in relays:
        relay.close()
    for far in fars:
        far.listener.close()


def read_all(end: socket.socket) -> bytes:
    found = bytearray()
    while piece := end.recv(2**16):
        found += piece
    return bytes(found)


def test_every_byte_goes_both_ways_and_an_end_is_passed_on(start) -> None:  # type: ignore[no-untyped-def]
    relay, connect = start()
    data = os.urandom(5_000_000)
    with connect() as end:
        sender = threading.Thread(target=lambda: (end.sendall(data), end.shutdown(socket.SHUT_WR)))
        sender.start()
        assert read_all(end) == data
        sender.join()
    relay.close()
    assert (relay.asked, relay.answered, relay.opened) == (len(data), len(data), 1)


def test_requests_are_noted_also_several_on_one_connection(start) -> None:  # type: ignore[no-untyped-def]
    relay, connect = start()
    with connect() as end:
        for path in ("/a", "/b?x=1"):
            request = f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
            end.sendall(request)
            assert end.recv(1000) == request
        end.sendall(b"not a request")
        assert end.recv(1000) == b"not a request"
    assert list(relay.requests) == ["GET /a HTTP/1.1", "GET /b?x=1 HTTP/1.1"]


def test_beyond_the_bytes_all_is_cut_off(start) -> None:  # type: ignore[no-untyped-def]
    relay, connect = start(bounds=Bounds(bytes=2 * 2**20))
    with connect() as end, contextlib.suppress(OSError):
        while True:
            end.sendall(b"x" * 2**16)
            end.recv(2**16)
    relay.close()
    assert relay.overrun == "more than 2 MB"
    with pytest.raises(ConnectionRefusedError):
        connect()


def test_beyond_the_connections_all_is_cut_off(start) -> None:  # type: ignore[no-untyped-def]
    relay, connect = start(bounds=Bounds(connections=5))
    with contextlib.suppress(OSError):
        for _ in range(50):
            with connect() as end:
                end.sendall(b"x")
                end.recv(1)
    relay.close()
    assert relay.overrun == "more than 5 connections"


def test_more_than_may_be_open_at_once_wait(start) -> None:  # type: ignore[no-untyped-def]
    relay, connect = start(bounds=Bounds(at_once=2))
    first, second, third = connect(), connect(), connect()
    for end in (first, second, third):
        end.sendall(b"x")
        end.settimeout(5)
    assert first.recv(1) == second.recv(1) == b"x"
    assert relay.opened == 2
    first.close()
    assert third.recv(1) == b"x"
    second.close()
    third.close()


def test_what_is_idle_is_cut_off(start) -> None:  # type: ignore[no-untyped-def]
    _, connect = start(bounds=Bounds(idle=0.2))
    with connect() as end:
        assert_cut(end)


def test_closing_cuts_off_at_once(start) -> None:  # type: ignore[no-untyped-def]
    relay, connect = start()
    with connect() as end:
        end.sendall(b"x")
        assert end.recv(1) == b"x"
        relay.close()
        assert_cut(end)
    with pytest.raises(ConnectionRefusedError):
        connect()


def assert_cut(end: socket.socket) -> None:
    """The other side is gone, by a reset or an end."""
    end.settimeout(5)
    with contextlib.suppress(ConnectionResetError):
        assert end.recv(1) == b""


def test_where_the_far_side_is_gone_the_near_one_is_cut_off() -> None:
    def connect_nowhere() -> socket.socket:
        raise ConnectionRefusedError(111, "refused")

    listener = socket.create_server(("127.0.0.1", 0))
    address = listener.getsockname()
    relay = Relay(listener, connect_nowhere)
    with contextlib.suppress(ConnectionResetError), socket.create_connection(address, 5) as end:
        assert_cut(end)
    relay.close()
    assert relay.opened == 1
