# exercise: 6.1
# file: metrics.py
# accepted: a middleware in FastAPI's own style, and buckets in steps of the budget
LATENCIES = tuple(round(LATENCY_BUDGET * factor, 6) for factor in (0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 16))


def instrument(app: FastAPI) -> None:
    from fastapi import Request
    from fastapi.responses import PlainTextResponse

    models = app.state.models
    metrics = Metrics(os.environ.get("MODEL_ARM") or "champion", os.environ.get("REVISION") or "unknown")

    def watch(rows: Sequence[Mapping[str, Any]], prices: Sequence[float]) -> None:
        metadata = models.ready["house_price"].metadata
        metrics.priced(rows, prices, metadata.version, set(metadata.extra.get("zipcodes") or []))

    models.watchers.append(watch)

    @app.middleware("http")
    async def count(request: Request, call_next: Any) -> Any:
        status, started = 500, time.monotonic()
        try:
            answer = await call_next(request)
            status = answer.status_code
            return answer
        finally:
            route = request.scope.get("route")
            metrics.requested(request.method, getattr(route, "path", OTHER), status, time.monotonic() - started)

    async def scrape(request: Request) -> PlainTextResponse:
        return PlainTextResponse(metrics.text(models), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app.add_route("/metrics", scrape)
