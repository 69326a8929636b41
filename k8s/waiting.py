"""Wait for what has no watch: ask again until it holds, and give up in words."""

from __future__ import annotations

import time
from collections.abc import Callable

from labkit.course.labtoml import patience


class GaveUpError(RuntimeError):
    """Something did not come about in time; the message says what, and what was seen last."""


def until(what: str, holds: Callable[[], bool], seconds: float, told: Callable[[], str] = lambda: "") -> float:
    """Ask until `holds()` is true, and return the seconds that it took.

    `told()` adds to the message of the failure. LABKIT_PATIENCE multiplies the limit.
    """
    seconds *= patience()
    begin = time.monotonic()
    pause = 0.02
    while not holds():
        if time.monotonic() - begin > seconds:
            raise GaveUpError(f"{what}: not within {seconds:g} s. {told()}".strip())
        time.sleep(pause)
        pause = min(pause * 1.5, 0.25)
    return time.monotonic() - begin
