"""A bound on the memory of the checker while it decodes an answer: one that is unforeseen costs its own check alone."""

from __future__ import annotations

import contextlib
import resource
import sys
from collections.abc import Iterator

from labkit.sandbox.walls import own_memory

DECODING = 3 * 2**30
"""Bytes that an answer may take while it is decoded, more than the process has."""


@contextlib.contextmanager
def bounded_memory(most: int = DECODING) -> Iterator[None]:
    """Let this process have `most` bytes more; beyond that it meets `MemoryError`.

    Only for a while, and only the soft limit: what a check starts, such as a browser, reserves more than it uses.
    """
    before = resource.getrlimit(resource.RLIMIT_AS)
    bound = own_memory() + most
    if not sys.platform.startswith("linux") or (before[0] != resource.RLIM_INFINITY and before[0] <= bound):
        yield
        return
    resource.setrlimit(resource.RLIMIT_AS, (bound, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
