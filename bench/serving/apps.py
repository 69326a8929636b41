"""The service of lab 2 with two endpoints more, to compare with: `uvicorn --factory bench.serving.apps:create_app`."""

from __future__ import annotations

from typing import Any

import pandas as pd
from fastapi import FastAPI

from lab2_service.app import create_app as create_lab_app
from lab2_service.schemas import House

# As much as the service answers, without a model.
ANSWER = {"price": 0.0, "likely_range": {"low": 0.0, "high": 0.0, "share": 0.8}, "warnings": [], "model_version": ""}


def create_app() -> FastAPI:
    """Return the service of lab 2 with `/bench/echo` and `/bench/naive`, which pass the same middleware."""
    app = create_lab_app()
    models = app.state.models

    # The ceiling: the same body is read, and as much is answered, but nobody looks at the house.
    @app.post("/bench/echo")
    async def echo(house: dict[str, Any]) -> dict[str, Any]:
        return ANSWER

    # What most tutorials show: a frame for each request, handed to the estimator.
    @app.post("/bench/naive")
    def naive(house: House) -> dict[str, float]:
        artifact = models.get("house_price")
        frame = pd.DataFrame([house.model_dump()])[list(artifact.metadata.features)]
        return {"price": float(artifact.model.predict(frame)[0])}

    return app
