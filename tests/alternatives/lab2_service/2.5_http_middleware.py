# exercise: 2.5
# file: app.py
# accepted: FastAPI's own kind of middleware, and lines that are printed
def add_operations(app):
    models = app.state.models

    @app.get("/livez")
    def livez():
        return "ok"

    @app.get("/readyz")
    def readyz(response: Response):
        if set(models.ready) != set(MODELS):
            raise HTTPException(503, f"missing: {sorted(set(MODELS) - set(models.ready))}")
        return {"ready": sorted(models.ready)}

    @app.get("/v1/models")
    def all_models():
        return {"models": [describe(models, name) for name in MODELS]}

    @app.middleware("http")
    async def log(request, call_next):
        started = time.perf_counter()
        given = request.headers.get("x-request-id", "")
        request_id = "".join(sign for sign in given if sign.isalnum() or sign in "-_")[:64] or str(uuid.uuid4())
        request.state.request_id = request_id
        line = {"request_id": request_id, "method": request.method, "path": request.url.path, "status": 500}
        try:
            response = await call_next(request)
            line["status"] = response.status_code
            response.headers["X-Request-ID"] = request_id
            return response
        finally:
            line["milliseconds"] = int((time.perf_counter() - started) * 1000)
            print(json.dumps(line), flush=True)


def describe(models, name):
    if name in models.failed:
        return {"name": name, "status": "failed", "version": None}
    if name not in models.ready:
        return {"name": name, "status": "loading", "version": None}
    known = vars(models.ready[name].metadata)
    shown = ("version", "created_at", "training_rows", "first_date", "last_date", "metrics", "features")
    return {"name": name, "status": "ready", **{key: known[key] for key in shown}}
