"""Prepares the clients of servers in a worker, before the learner's code is there."""

from __future__ import annotations

import sys


def read_prefect_settings() -> None:
    """Have Prefect read its settings again, where it was imported before this process was told where its server is.

    Where it was not, there is nothing to read: to import it here would cost each worker two seconds.
    """
    if "prefect" not in sys.modules:
        return
    from prefect.context import refresh_global_settings_context

    refresh_global_settings_context()
