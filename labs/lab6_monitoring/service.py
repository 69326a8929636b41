"""The service of week 2 with everything that this week adds: `uvicorn --factory lab6_monitoring.service:create_app`."""

from __future__ import annotations

import os
from pathlib import Path

from fastapi import FastAPI

from lab2_service import app as lab2
from lab6_monitoring.drift_job import keep_features
from lab6_monitoring.logs import log_predictions
from lab6_monitoring.metrics import instrument


def create_app(models_dir: Path | None = None) -> FastAPI:
    """Return the service of lab 2, with metrics and a line for each prediction.

    `$FEATURE_LOG` names a folder where the houses are kept for the drift job, `$FEATURE_SHARE` which share of them (all
    without it).
    """
    app = lab2.create_app(models_dir)
    instrument(app)
    log_predictions(app)
    if folder := os.environ.get("FEATURE_LOG"):
        keep_features(app, Path(folder), float(os.environ.get("FEATURE_SHARE", "1")))
    return app
