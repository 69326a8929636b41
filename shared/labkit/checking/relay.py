"""A relay: what connects to a listening socket is carried to somewhere else, byte by byte, bounded and counted.

It stands between a submission's network and this machine's, in both directions: a door lets a worker reach one real
server, a front lets the checker reach a service that the worker runs. It understands nothing of what passes through.
"""

from __future__ import annotations

import contextlib
import re
import selectors
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

_REQUEST = re.compile(rb"[A-Z]{3,7} \S{1,300} HTTP/1\.[01]\r")
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: closing says at once that the connection is broken
_PIECE = 2**16


@dataclass(frozen=True)
class Bounds:
    """What may pass: connections at once and in all, bytes in all, seconds in which nothing passes."""

    at_once: int = 64
    connections: int = 20_000
    bytes: int = 512 * 2**20
    idle: float = 120.0


class _Way:
    """One direction of a connection: what was read from `source` and waits to be sent to `target`."""

    def __init__(self, source: socket.socket, target: socket.socket, *, asks: bool) -> None:
        self.source = source
        self.target = target
        self.asks = asks
        self.waiting = bytearray()
        self.ended = False
        self.closed = False


class _Pair:
    """One connection: the two sockets, the two ways."""

    def __init__(self, near: socket.socket, far: socket.socket) -> None:
        self.ways = (_Way(near, far, asks=True), _Way(far, near, asks=False))
        self.sockets = (near, far)
        self.active = time.monotonic()
        self.answered = True


class Relay:
    """Carries what connects to `listener` to what `connect` opens, from a thread of its own, until it is closed.

    Args:
        connect: opens a connection to the other side; where it raises `OSError`, the one who asked is cut off.
        bounds: beyond them the relay cuts everything off and `overrun` says why.

    `opened` counts the connections, `asked` and `answered` the bytes of both directions; `requests` are the first lines
    of what looked like an HTTP request, the newest 10,000 of them.
    """

    def __init__(
        self, listener: socket.socket, connect: Callable[[], socket.socket], bounds: Bounds | None = None
    ) -> None:
        self.opened = self.asked = self.answered = 0
        self.requests: deque[str] = deque(maxlen=10_000)
        self.overrun = ""
        self._bounds = bounds or Bounds()
        self._listener = listener
        self._connect = connect
        self._pairs: set[_Pair] = set()
        self._events: dict[socket.socket, int] = {}
        self._selector = selectors.DefaultSelector()
        self._wake, self._woken = socket.socketpair()
        listener.setblocking(False)
        self._register(listener, selectors.EVENT_READ, None)
        self._register(self._woken, selectors.EVENT_READ, None)
        self._stopping = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Refuse new connections and cut off the others; returns when that is done."""
        if not self._stopping:
            self._stopping = True
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)  # refuses at once, also while a connection is being opened
            with contextlib.suppress(OSError):
                self._wake.send(b"x")
        if threading.current_thread() is not self._thread:
            self._thread.join(10)

    def _run(self) -> None:
        try:
            while not self._stopping:
                for key, events in self._selector.select(1.0):
                    self._handle(key, events)
                self._cut_idle()
        finally:
            self._listener.close()
            for pair in list(self._pairs):
                self._cut(pair)
            self._selector.close()
            self._woken.close()
            self._wake.close()

    def _handle(self, key: selectors.SelectorKey, events: int) -> None:
        if key.fileobj is self._listener:
            self._accept()
        elif isinstance(key.data, _Pair) and key.data in self._pairs:
            try:
                self._carry(key.data, key.fileobj, events)
            except Exception:  # one connection that breaks costs no other
                self._cut(key.data)

    def _accept(self) -> None:
        try:
            near, _ = self._listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        except OSError:  # no file descriptor is left: who waits is taken when a connection has ended, or in a second
            self._register(self._listener, 0, None)
            return
        with contextlib.suppress(OSError):
            self.opened += 1
            if self.opened > self._bounds.connections:
                self._stop(f"more than {self._bounds.connections:,} connections")
            try:
                far = self._connect()
            except Exception:
                _reset(near)
                return
            pair = _Pair(near, far)
            self._pairs.add(pair)
            for end in pair.sockets:
                end.setblocking(False)
                with contextlib.suppress(OSError):  # what goes by a path has no such option
                    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._register(end, selectors.EVENT_READ, pair)
            self._listen_if_there_is_room()

    def _carry(self, pair: _Pair, ready: object, events: int) -> None:
        pair.active = time.monotonic()
        for way in pair.ways:
            if way.source is ready and events & selectors.EVENT_READ:
                self._read(pair, way)
            if way.waiting or way.ended:
                self._write(way)
        for way in pair.ways:
            self._watch(pair, way.source)
        if all(way.closed for way in pair.ways):
            self._cut(pair)

    def _read(self, pair: _Pair, way: _Way) -> None:
        if way.ended or len(way.waiting) >= 4 * _PIECE:
            return
        piece = way.source.recv(_PIECE)
        if not piece:
            way.ended = True
            return
        way.waiting += piece
        if way.asks:
            self.asked += len(piece)
            if pair.answered and _REQUEST.match(piece):
                self.requests.append(piece[: piece.index(b"\r")].decode("ascii", "replace"))
        else:
            self.answered += len(piece)
        pair.answered = not way.asks
        if self.asked + self.answered > self._bounds.bytes:
            self._stop(f"more than {self._bounds.bytes // 2**20:,} MB")

    def _write(self, way: _Way) -> None:
        with contextlib.suppress(BlockingIOError):
            while way.waiting:
                del way.waiting[: way.target.send(way.waiting)]
        if way.ended and not way.waiting and not way.closed:
            way.closed = True
            way.target.shutdown(socket.SHUT_WR)

    def _watch(self, pair: _Pair, end: socket.socket) -> None:
        """Wait for what can happen at one end: it can be read where there is room, written where something waits."""
        reading = next(way for way in pair.ways if way.source is end)
        writing = next(way for way in pair.ways if way.target is end)
        can_read = not reading.ended and len(reading.waiting) < 4 * _PIECE
        self._register(
            end, (selectors.EVENT_READ if can_read else 0) | (selectors.EVENT_WRITE if writing.waiting else 0), pair
        )

    def _register(self, end: socket.socket, events: int, pair: _Pair | None) -> None:
        before = self._events.get(end, 0)
        if events == before:
            return
        if not events:
            self._selector.unregister(end)
        elif before:
            self._selector.modify(end, events, pair)
        else:
            self._selector.register(end, events, pair)
        self._events[end] = events

    def _listen_if_there_is_room(self) -> None:
        """Beyond the bound, who comes next waits in the kernel's queue."""
        room = len(self._pairs) < self._bounds.at_once
        self._register(self._listener, selectors.EVENT_READ if room else 0, None)

    def _cut_idle(self) -> None:
        now = time.monotonic()
        for pair in [pair for pair in self._pairs if now - pair.active > self._bounds.idle]:
            self._cut(pair)
        if not self._events[self._listener] and not self._stopping:
            self._listen_if_there_is_room()

    def _cut(self, pair: _Pair) -> None:
        self._pairs.discard(pair)
        whole = all(way.closed for way in pair.ways)
        for end in pair.sockets:
            self._register(end, 0, None)
            del self._events[end]
            if whole:
                end.close()
            else:
                _reset(end)
        if not self._stopping:
            self._listen_if_there_is_room()

    def _stop(self, why: str) -> None:
        self.overrun = why
        self._stopping = True


def _reset(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    end.close()
