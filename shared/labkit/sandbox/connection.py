"""The checker's end of a worker: requests with a deadline, output collected and bounded, ends named."""

from __future__ import annotations

import contextlib
import os
import selectors
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass

from labkit.sandbox.wire import Closed, Node, WireError, pack, read_frame

KEPT_OUTPUT = 20_000
"""Bytes of the learner's output that are kept to be shown."""


@dataclass(frozen=True)
class Ending:
    """How a worker ended: an exit code or a signal's number."""

    code: int | None = None
    signal: int | None = None


class WorkerEnded(Exception):
    """The worker gave no answer.

    `reason` is one of "time", "exit", "signal", "output", "answer".
    """

    def __init__(self, reason: str, detail: str = "", ending: Ending | None = None) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
        self.ending = ending


Callbacks = Callable[[int, Node, list[bytes]], tuple[Node, list[bytes]]]


class Connection:
    """Speaks to one worker over a socket while it drains the pipe that the worker prints to.

    Never waits for a pipe to close: a child of the learner's may hold it open for ever.
    """

    def __init__(self, channel: socket.socket, output: int, *, output_bytes: int) -> None:
        self.channel = channel
        self.output = output
        self.printed = bytearray()
        self.printed_bytes = 0
        self._most = output_bytes
        self._deadline = 0.0
        channel.setblocking(False)
        os.set_blocking(output, False)
        self._ready = selectors.DefaultSelector()
        self._ready.register(channel, selectors.EVENT_READ)
        self._ready.register(output, selectors.EVENT_READ)

    def request(
        self, document: Node, blobs: list[bytes], seconds: float, callbacks: Callbacks
    ) -> tuple[Node, list[bytes]]:
        """Send one request and return the reply.

        Args:
            seconds: how long the worker may take; the time that callbacks take is not its own.
            callbacks: carries out a function of the check that the learner's code called.

        Raises:
            WorkerEnded: where no readable answer comes in time.
        """
        self._deadline = time.monotonic() + seconds
        try:
            self._send(pack(document, blobs))
            while True:
                reply, got = read_frame(self)
                if not isinstance(reply, dict) or "callback" not in reply:
                    return reply, got
                started = time.monotonic()
                node, out = callbacks(reply["callback"], reply.get("value"), got)
                self._deadline += time.monotonic() - started
                self._send(pack(node, out))
                if time.monotonic() > self._deadline:  # it may ask so fast that nobody ever waits
                    raise WorkerEnded("time")
        except Closed:
            raise WorkerEnded("exit") from None
        except WireError as error:
            raise WorkerEnded("answer", str(error)) from None

    def set_deadline(self, seconds: float) -> None:
        """Let the reads that follow take so long together."""
        self._deadline = time.monotonic() + seconds

    def recv_exactly(self, size: int) -> bytes:
        """Read `size` bytes of the worker's answer before the deadline."""
        parts = bytearray()
        while len(parts) < size:
            try:
                piece = self.channel.recv(min(size - len(parts), 2**20))
            except BlockingIOError:
                self._wait()
                continue
            except ConnectionError:
                raise Closed("the connection was reset") from None
            if not piece:
                raise Closed("the connection was closed")
            parts += piece
        return bytes(parts)

    def _send(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            try:
                view = view[self.channel.send(view) :]
            except BlockingIOError:
                self._wait(writing=True)
            except ConnectionError:
                raise Closed("the connection was reset") from None

    def _wait(self, *, writing: bool = False) -> None:
        """Wait until something can be read (or written), and drain what was printed."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise WorkerEnded("time")
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if writing else 0)
        self._ready.modify(self.channel, events)
        for key, _ in self._ready.select(min(left, 1.0)):
            if key.fd == self.output:
                self.drain()

    def drain(self) -> None:
        """Take what the worker has printed so far."""
        with contextlib.suppress(BlockingIOError):
            while True:
                piece = os.read(self.output, 2**16)
                if not piece:
                    with contextlib.suppress(KeyError):
                        self._ready.unregister(self.output)
                    return
                self.printed_bytes += len(piece)
                self.printed += piece[: max(0, KEPT_OUTPUT - len(self.printed))]
                if self.printed_bytes > self._most:
                    raise WorkerEnded("output", f"{self._most // 2**20} MB")

    def text(self) -> str:
        """Return what the worker has printed, clipped."""
        with contextlib.suppress(WorkerEnded, OSError):
            self.drain()
        return self.printed.decode("utf-8", "replace")

    def close(self) -> None:
        """Close both ends that are held here."""
        self._ready.close()
        self.channel.close()
        with contextlib.suppress(OSError):
            os.close(self.output)
