"""Prepares the clients of servers in a worker, before the learner's code is there."""

from __future__ import annotations


def read_prefect_settings() -> None:
    """Have Prefect read its settings again: it was imported before this process was told where its server is."""
    from prefect.context import refresh_global_settings_context

    refresh_global_settings_context()
