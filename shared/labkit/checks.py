"""What a file of checks imports: `exercise`, `expect`, `fail`, and what a check may hold or ask for."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import pytest

from labkit.checking import expect
from labkit.checking.documents import Documents
from labkit.checking.expect import CheckFailed, fail
from labkit.checking.faults import LearnerError, LearnerFault, LearnerStopped
from labkit.checking.handles import LabHandle
from labkit.checking.located import Located
from labkit.checking.remote import RemoteObject

__all__ = [
    "CheckFailed",
    "Documents",
    "LabHandle",
    "LearnerError",
    "LearnerFault",
    "LearnerStopped",
    "Located",
    "RemoteObject",
    "exercise",
    "expect",
    "fail",
]

Check = TypeVar("Check", bound=Callable[..., object])


def exercise(number: str, *, needs: tuple[str, ...] = ()) -> Callable[[Check], Check]:
    """Mark a test as a check of exercise `number`. Its docstring is the sentence that the learner reads.

    Args:
        needs: tools without which this check is skipped, such as "docker".
    """

    def mark(check: Check) -> Check:
        marked: Check = pytest.mark.exercise(number, needs=needs)(check)
        return marked

    return mark
