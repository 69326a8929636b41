# exercise: 2.4
# file: app.py
# accepted: handlers registered by hand, and a limit that reads the body itself
import traceback


def field_name(location):
    parts = list(location)[1:] or list(location)
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts).lstrip(".")


async def on_validation(request, error):
    wrong = {}
    for one in error.errors(include_url=False, include_input=False) if False else error.errors():
        wrong.setdefault(field_name(one["loc"]), one["msg"])
    listed = [{"field": name, "reason": reason, "type": "value"} for name, reason in wrong.items()]
    return problem(request, 422, f"{len(listed)} wrong", errors=listed)


def on_http(request, error):
    return problem(request, error.status_code, error.detail, headers=error.headers or {})


def on_anything(request, error):
    print("".join(traceback.format_exception(error)), flush=True)
    return problem(request, 500, "sorry")


def add_problems(app):
    app.add_exception_handler(RequestValidationError, on_validation)
    app.add_exception_handler(StarletteHTTPException, on_http)
    app.add_exception_handler(Exception, on_anything)

    @app.middleware("http")
    async def limit(request, call_next):
        size, pieces = 0, []
        async for piece in request.stream():
            size += len(piece)
            pieces.append(piece)
            if size > MAX_BODY:
                return problem(request, 413, "too large")
        request._body = b"".join(pieces)
        return await call_next(request)
