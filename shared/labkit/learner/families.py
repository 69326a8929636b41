"""Every process below this one, ended: groups, children, and those that have left their parents."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import psutil

GRACE_SECONDS = 10.0
"""How long a server has to end well, its writes finished."""
_KILL_SECONDS = 5.0
_TICK = 0.05


def end_family(leaders: Sequence[subprocess.Popen[bytes]], wait: Callable[[float], bool]) -> None:
    """End the groups that `leaders` lead, and all else that this process is an ancestor of.

    They are asked first, and killed where they are still there after a while.

    Args:
        leaders: each leads a process group of its own.
        wait: passes so many seconds with what else there is to do; True where nobody wants to wait for a good end.
    """
    family = _Family(leaders)
    end = time.monotonic() + GRACE_SECONDS
    while family.tell(signal.SIGTERM) and time.monotonic() < end and not wait(_TICK):
        pass
    end = time.monotonic() + _KILL_SECONDS
    while family.tell(signal.SIGKILL) and time.monotonic() < end:
        wait(_TICK)


class _Family:
    """Who is still there, and who was told what."""

    def __init__(self, leaders: Sequence[subprocess.Popen[bytes]]) -> None:
        self._leaders = leaders
        # Where this process is no subreaper, those who lose their parent are found only by having been seen before.
        self._seen: set[psutil.Process] = set()
        self._told: set[tuple[int, signal.Signals]] = set()

    def tell(self, number: signal.Signals) -> bool:
        """Send a signal to everyone who has not had it yet; return whether somebody is left."""
        left = self._left()
        groups = {leader.pid for leader in self._leaders}
        for pid in [*(-group for group in groups), *(process.pid for process in left if _group(process) not in groups)]:
            if (pid, number) not in self._told:
                self._told.add((pid, number))
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, number)
        return bool(left)

    def _left(self) -> set[psutil.Process]:
        import psutil

        self._reap()
        own = set(psutil.Process().children())
        self._seen |= own | set(psutil.Process().children(recursive=True))
        # A child of ours counts until it is reaped: one whose first thread has ended is a zombie, and may still work.
        self._seen = {process for process in self._seen if process in own or _is_alive(process)}
        return self._seen

    def _reap(self) -> None:
        """Take the exit status of everyone who ended; in a container nobody else would do it for the orphans."""
        import psutil

        for leader in self._leaders:
            leader.poll()
        for process in psutil.Process().children():
            if process.pid not in {leader.pid for leader in self._leaders}:
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(process.pid, os.WNOHANG)


def _is_alive(process: psutil.Process) -> bool:
    import psutil

    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def _group(process: psutil.Process) -> int | None:
    try:
        return os.getpgid(process.pid)
    except ProcessLookupError:
        return None
