"""Sends a check's requests to where the learner's code runs: a worker, or this very process."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from labkit.checking.faults import LearnerStopped
from labkit.sandbox.connection import Connection, Ending, WorkerEnded
from labkit.sandbox.wire import Node
from labkit.sandbox.worker import Executor


class Client(Protocol):
    """Sends one request to where the learner's code runs."""

    def exchange(self, document: Node, blobs: list[bytes], doing: str) -> tuple[Node, list[bytes]]:
        """Return the reply; raise `LearnerStopped` where there is none."""
        ...

    def close(self) -> str:
        """End it; return what was printed."""
        ...


class WorkerClient:
    """A worker process. The time that it may take is counted over all requests of one check.

    What the check's own functions take when the learner's code calls them is not the worker's time. But they may take
    as much again and no more: code that calls them without an end would else outlive its limit.

    Args:
        end: ends the worker and says how it ended; its argument is how many seconds to wait for its own end.
        kill: sends it a signal.
    """

    def __init__(
        self,
        connection: Connection,
        end: Callable[[float], Ending],
        seconds: float,
        kill: Callable[[int], None] = lambda number: None,
    ) -> None:
        self.connection = connection
        self.left = self.spare = self.seconds = seconds
        self.answer: Callable[[int, Node, list[bytes]], tuple[Node, list[bytes]]] = _no_callbacks
        self._end = end
        self._kill = kill
        self._stopped: LearnerStopped | None = None
        self._ending: Ending | None = None

    def exchange(self, document: Node, blobs: list[bytes], doing: str) -> tuple[Node, list[bytes]]:
        """Return the reply; raise `LearnerStopped` where the worker ended or had to be ended."""
        if self._stopped:
            raise self._stopped
        waited = 0.0

        def timed(number: int, node: Node, data: list[bytes]) -> tuple[Node, list[bytes]]:
            nonlocal waited
            begun = time.monotonic()
            try:
                return self.answer(number, node, data)
            finally:
                took = time.monotonic() - begun
                waited += took
                self._spend_spare(took)

        started = time.monotonic()
        try:
            return self.connection.request(document, blobs, max(self.left, 0.05), timed)
        except WorkerEnded as ended:
            ending = self.end(1.0 if ended.reason == "exit" else 0.0)
            self._stopped = LearnerStopped(ended, doing, self.seconds, ending)
            raise self._stopped from None
        except BaseException:  # the worker still waits for the answer of a function that failed the check
            self.end(0.0)
            raise
        finally:
            self.left -= time.monotonic() - started - waited

    def _spend_spare(self, took: float) -> None:
        self.spare -= took
        if self.spare < 0:
            raise WorkerEnded("time")

    def refresh(self, seconds: float) -> None:
        """Give a worker that outlives one check its time for the next one."""
        self.left = self.spare = self.seconds = seconds

    @property
    def alive(self) -> bool:
        """Whether the worker has not been ended."""
        return self._stopped is None and self._ending is None

    def end(self, grace: float) -> Ending:
        """End the worker, if that was not done before; return how it ended."""
        self._ending = self._ending or self._end(grace)
        return self._ending

    def signal(self, number: int) -> None:
        """Send a signal to the worker's process."""
        if self._ending is None:
            self._kill(number)

    def close(self) -> str:
        """End the worker and all that it started; return what it printed."""
        self.end(0.0)
        text = self.connection.text()
        self.connection.close()
        return text


class DirectClient:
    """The same in this very process, for plain pytest and a debugger: no walls, no time limit."""

    def __init__(self, executor: Executor) -> None:
        self.executor = executor

    def exchange(self, document: Node, blobs: list[bytes], doing: str) -> tuple[Node, list[bytes]]:
        """Return the reply."""
        return self.executor.handle(document, blobs)

    def close(self) -> str:
        """Forget the objects."""
        self.executor.objects.clear()
        return ""


def _no_callbacks(number: int, node: Node, blobs: list[bytes]) -> tuple[Node, list[bytes]]:
    return {"error": "no such function"}, []
