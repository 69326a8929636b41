"""The service of week 2 as it is, with metrics, and with metrics and a line for each prediction."""

from __future__ import annotations

from fastapi import FastAPI

from lab2_service import app as lab2


def plain() -> FastAPI:
    """Without anything."""
    return lab2.create_app()


def metrics() -> FastAPI:
    """With the metrics of 6.1."""
    from lab6_monitoring.metrics import instrument

    app = lab2.create_app()
    instrument(app)
    return app


def logged() -> FastAPI:
    """With the metrics, and the lines of 6.8."""
    from lab6_monitoring.service import create_app

    return create_app()
