# exercise: 2.5
# file: app.py
# accepted: one route for both probes, and a middleware that writes by itself
from fastapi import APIRouter


class RequestLog:
    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = {name.lower(): value for name, value in scope["headers"]}
        mine = headers.get(b"x-request-id")
        if mine is None or not 1 <= len(mine) <= 200 or not all(32 < sign < 127 for sign in mine):
            mine = uuid.uuid4().bytes.hex().encode()
        scope.setdefault("state", {})["request_id"] = mine.decode()
        seen = {"request_id": mine.decode(), "method": scope["method"], "path": scope["path"], "status": 500}
        begun = time.monotonic_ns()

        async def answer(message):
            if message["type"] == "http.response.start":
                seen["status"] = message["status"]
                message = {**message, "headers": [*message.get("headers", ()), (b"X-Request-ID", mine)]}
            await send(message)

        try:
            await self.app(scope, receive, answer)
        finally:
            seen["milliseconds"] = (time.monotonic_ns() - begun) / 1e6
            sys.stdout.write(json.dumps(seen) + chr(10))
            sys.stdout.flush()


def add_operations(app):
    router = APIRouter()
    states = app.state.models

    @router.get("/{probe}z", include_in_schema=False)
    async def probe(probe: str):
        if probe == "live" or (probe == "ready" and all(name in states.ready for name in MODELS)):
            return Response(status_code=200)
        raise HTTPException(503 if probe == "ready" else 404)

    @router.get("/v1/models")
    async def models():
        return {"models": list(map(lambda name: describe(states, name), MODELS))}

    app.include_router(router)
    app.add_middleware(RequestLog)


def describe(models, name):
    found = models.ready.get(name)
    state = "ready" if found else "failed" if name in models.failed else "loading"
    return {"name": name, "status": state, **(vars(found.metadata) if found else {})}
