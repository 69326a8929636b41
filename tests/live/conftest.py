"""Live tests take minutes. Where CI has no more time, those that have not begun are skipped, and say so."""

from __future__ import annotations

import os
import time

import pytest

UNTIL = "MLOPS_LAB_LIVE_UNTIL"
"""Seconds since 1970 after which no more live test begins; without it there is no such limit."""


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what would begin too late."""
    if time.time() > float(os.environ.get(UNTIL, "inf")):
        pytest.skip("CI has no time left for it; `make test-live` runs it")
