"""One run of a lab's checks on one submission, as the conductor sees it: what was to come, what has come, what is late.

The end of a checker's process costs the check that was running. The others are carried out by a new one.
"""

from __future__ import annotations

import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from labkit.course.lab import Lab
from labkit.course.tracks import Collected, Track
from labkit.records import Result

PYTEST_BROKE = (2, 3, 4)
"""Exit statuses of a pytest that was interrupted, broke, or was used wrongly."""

MOST_LOST = 50
"""Checks of one run that may end their checker."""

MOST_SECONDS_LOST = 300.0
"""Seconds that these may take together: beyond it, the checks that are left have no verdict."""

Pair = tuple[str, str]


@dataclass
class Run:
    """A run, over all the checkers that it takes."""

    number: int
    lab: Lab
    exercises: tuple[str, ...]
    request: dict[str, Any]
    track: Track
    collected: Collected
    workspace: Path = Path("/nonexistent")
    channel: socket.socket = field(init=False)
    process: subprocess.Popen[bytes] | None = None
    second: socket.socket | None = None
    """The end of a second nursery that nobody has asked for yet; the checker holds the other one."""
    buffer: bytearray = field(default_factory=bytearray)
    expected: list[Pair] | None = None
    reported: set[Pair] = field(default_factory=set)
    current: tuple[str, str, str] | None = None
    """Exercise, name and title of the check that has begun."""
    heard: float = 0.0
    """When a check last began or ended."""
    late: bool = False
    broken: bool = False
    waiting: int = 0
    servers: set[int] = field(default_factory=set)
    lost: int = 0
    seconds_lost: float = 0.0

    def begin_again(self, channel: socket.socket) -> None:
        """Take a new checker's end of a channel."""
        self.channel = channel
        self.buffer.clear()
        self.current = None
        self.late = False
        self.waiting = 0
        self.heard = time.monotonic()

    def close_second(self) -> None:
        """Let go of a second nursery that nobody has asked for."""
        if self.second is not None:
            self.second.close()
            self.second = None

    def announced(self, pairs: list[list[str]]) -> None:
        """Take note of what is to be reported."""
        self.heard = time.monotonic()
        if self.expected is None:
            self.expected = [(exercise, check) for exercise, check in pairs]

    def began(self, exercise: str, check: str, title: str) -> None:
        """Take note of the check that is running now."""
        self.heard = time.monotonic()
        self.current = (exercise, check, title)

    def has_reported(self, result: dict[str, Any]) -> None:
        """Take note of a verdict."""
        self.heard = time.monotonic()
        self.reported.add((result["exercise"], result["check"]))

    def unreported(self) -> list[Pair] | None:
        """Return the checks that had to report and did not; None where it is not known which had to."""
        return None if self.expected is None else [pair for pair in self.expected if pair not in self.reported]

    def limit(self) -> float:
        """Return the seconds of the exercise that is being checked."""
        limits = {exercise.id: exercise.seconds for exercise in self.lab.exercises if exercise.id in self.exercises}
        return limits.get(self.current[0] if self.current else "", max(limits.values(), default=0.0))

    def culprit(self, status: int) -> Result | None:
        """Return the verdict on the check with which a checker has ended; None where it did not end with one."""
        if self.current is None or self.broken or status in PYTEST_BROKE or not self.unreported():
            return None
        exercise, check, title = self.current
        if (exercise, check) in self.reported:
            return None
        seconds = time.monotonic() - self.heard
        self.lost += 1
        self.seconds_lost += seconds
        return Result(exercise, check, "failed", self._message(status), seconds, title)

    def _message(self, status: int) -> str:
        if self.late:
            found = f"time: there was no verdict after {time.monotonic() - self.heard:.0f} seconds"
        else:
            how = f"signal {-status}" if status < 0 else f"status {status}"
            found = f"no verdict: what was answered ended the process that judges it ({how})"
        help_text = "return plain tables, arrays and numbers of the size that is asked for"
        return f"expected: answers that can be judged\nfound: {found}\nhelp: {help_text}"

    def may_go_on(self) -> bool:
        """Whether a new checker is to judge the checks that are left."""
        return bool(self.unreported()) and self.lost <= MOST_LOST and self.seconds_lost <= MOST_SECONDS_LOST
