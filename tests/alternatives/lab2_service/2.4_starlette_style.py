# exercise: 2.4
# file: app.py
# accepted: the size is looked at first, and handlers by status
class BodyLimit:
    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        told = dict(scope["headers"]).get(b"content-length", b"0")
        left = MAX_BODY

        async def limited():
            nonlocal left
            message = await receive()
            left -= len(message.get("body", b""))
            if left < 0:
                raise StarletteHTTPException(413)
            return message

        if told.isdigit() and int(told) > MAX_BODY:
            return await problem(Request(scope), 413, "too large")(scope, receive, send)
        await self.app(scope, limited, send)
        return None


def add_problems(app):
    app.add_middleware(BodyLimit)

    @app.exception_handler(404)
    @app.exception_handler(405)
    @app.exception_handler(StarletteHTTPException)
    async def http(request, error):
        return problem(request, error.status_code, error.detail or "no", headers=dict(error.headers or {}))

    @app.exception_handler(RequestValidationError)
    async def invalid(request, error):
        def name(loc):
            return ".".join(str(part) for part in loc if part != "body") or "body"

        errors = [{"field": name(one["loc"]), "reason": one["msg"]} for one in error.errors()]
        return problem(request, 422, "see errors", errors=errors)

    @app.exception_handler(500)
    async def broken(request, error):
        logger.exception("broken", exc_info=error)
        return problem(request, 500, "internal error")
