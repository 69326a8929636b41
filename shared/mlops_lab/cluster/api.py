"""The stand-in as a web app: the calls of a rollout over HTTP, and two of its own with which a play is set up.

    PUT /stage/{namespace}    set up a namespace: the arguments of `Stage` as JSON
    GET /stage/{namespace}    what was asked there, and its Deployment

Both want the key that stands in the file `key` in the folder of the state: code that is rolled out does not know it.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import json
import re
import secrets
import time
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

from mlops_lab.cluster import forward, objects, patches
from mlops_lab.cluster.objects import NAME, Object
from mlops_lab.cluster.stage import Conflict, Stage

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

WATCH_SECONDS = 60.0
TICK = 0.01
FIELDS = ("metadata.name", "metadata.namespace")
FIELDS_OF_POD = (*FIELDS, "status.phase", "spec.nodeName")
AWAY = ((503, "ServiceUnavailable"), (504, "Timeout"), (500, "InternalError"), (502, "BadGateway"))

_SPACE = r"/namespaces/(?P<namespace>[a-z0-9-]+)"
_DEPLOYMENT = re.compile(rf"/apis/apps/v1{_SPACE}/deployments/(?P<name>[^/]+)(?P<status>/status)?")
_DEPLOYMENTS = re.compile(rf"/apis/apps/v1{_SPACE}/deployments")
_SETS = re.compile(rf"/apis/apps/v1{_SPACE}/replicasets")
_PODS = re.compile(rf"/api/v1{_SPACE}/pods")
_POD = re.compile(rf"/api/v1{_SPACE}/pods/(?P<name>[^/]+)")
_SLICES = re.compile(rf"/apis/discovery.k8s.io/v1{_SPACE}/endpointslices")
_FORWARD = re.compile(rf"/api/v1{_SPACE}/pods/(?P<name>[^/]+)/portforward")
_SERVICE = re.compile(rf"/api/v1{_SPACE}/services/(?P<name>[^/]+)")
_PROXY = re.compile(rf"/api/v1{_SPACE}/services/(?P<name>[^/]+)/proxy(?P<path>/.*)?")
_STAGE = re.compile(r"/stage/(?P<namespace>[a-z0-9-]+)")


class Refused(Exception):
    """An answer other than 200, as the API words it."""

    def __init__(self, code: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.body = objects.failure(code, reason, message)


class CutOff(Exception):
    """The connection ends in the middle of the answer."""


class StandIn:
    """The ASGI app. `state` is the folder in which it leaves its key."""

    def __init__(self, state: Path) -> None:
        self.stages: dict[str, Stage] = {}
        self.key = secrets.token_hex(16)
        path = state / "key"
        path.touch(mode=0o600)
        path.write_text(self.key, encoding="utf-8")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan":
            while (await receive())["type"] != "lifespan.shutdown":
                await send({"type": "lifespan.startup.complete"})
            await send({"type": "lifespan.shutdown.complete"})
            return
        if scope["type"] == "websocket":
            await self._forward(scope, receive, send)
        if scope["type"] != "http":
            return
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body") or len(body) > 1_000_000:
                break
        request = _Request(scope, body)
        try:
            if request.is_watch and (match := _DEPLOYMENTS.fullmatch(request.path)):
                await self._watch(request, self._stage(match["namespace"]), receive, send)
                return
            answer = self._answer(request)
        except CutOff:
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1000")]})
            await send({"type": "http.response.body", "body": b'{"kind": ', "more_body": True})
            return  # without the rest: the connection is cut
        except Refused as refused:
            answer = refused.body
        except patches.Unfit as unfit:
            answer = objects.failure(422, "Invalid", str(unfit))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            answer = objects.failure(400, "BadRequest", f"this request cannot be read: {error!r}")
        status = int(answer.get("code", 200)) if answer.get("kind") == "Status" else 200
        await _respond(send, status, answer)

    def _answer(self, request: _Request) -> Object:
        method, path = request.method, request.path
        if path in ("/healthz", "/readyz", "/livez"):
            return {"status": "ok"}
        if path == "/version":
            return {"major": "1", "minor": "37", "gitVersion": "v1.37.0-stand-in", "platform": "stand/in"}
        if match := _STAGE.fullmatch(path):
            return self._set_up(request, match["namespace"])
        for pattern, methods, answer in (
            (_DEPLOYMENT, ("GET", "PATCH", "PUT"), self._deployment),
            (_DEPLOYMENTS, ("GET",), self._deployments),
            (_SETS, ("GET",), self._replica_sets),
            (_PODS, ("GET",), self._pods),
            (_POD, ("GET",), self._pod),
            (_SLICES, ("GET",), self._slices),
            (_PROXY, ("GET", "POST", "HEAD"), self._proxy),
            (_SERVICE, ("GET",), self._service),
        ):
            if match := pattern.fullmatch(path):
                if method not in methods:
                    raise Refused(405, "MethodNotAllowed", f"the stand-in takes no {method} of {path}")
                return answer(request, match, self._stage(match["namespace"]))
        raise Refused(404, "NotFound", f"the stand-in does not know {path}")

    def _stage(self, namespace: str) -> Stage:
        if namespace not in self.stages:
            raise Refused(404, "NotFound", f'namespaces "{namespace}" not found')
        return self.stages[namespace]

    def _set_up(self, request: _Request, namespace: str) -> Object:
        if not hmac.compare_digest(request.headers.get("x-key", ""), self.key):
            raise Refused(403, "Forbidden", "this is for the one who sets up the play")
        if request.method == "PUT":
            self.stages[namespace] = Stage(namespace=namespace, **request.json())
            return {}
        stage = self._stage(namespace)
        if request.method == "POST":
            stage.take_over(**request.json())
        return {"log": stage.log, "deployment": stage.deployment, "now": time.monotonic()}

    def _deployment(self, request: _Request, match: re.Match[str], stage: Stage) -> Object:
        if match["name"] != NAME:
            raise Refused(404, "NotFound", f'deployments.apps "{match["name"]}" not found')
        if request.method == "GET":
            self._is_away(stage)
            if stage.cut > 0 and stage.writes:
                stage.cut -= 1
                stage.entry(what="away")
                raise CutOff
            stage.go_on()
            stage.entry(what="read")
            return stage.current()
        return self._change(request, stage)

    def _change(self, request: _Request, stage: Stage) -> Object:
        body = request.json()
        kind = request.headers.get("content-type", "").partition(";")[0]
        change = {
            "application/strategic-merge-patch+json": patches.strategic,
            "application/merge-patch+json": patches.merge,
            "application/json-patch+json": patches.operations,
        }.get(kind)
        if request.method == "PATCH" and change is None:
            raise Refused(415, "UnsupportedMediaType", f"the stand-in takes no patch of the kind `{kind}`")
        line = stage.entry(what="write", wanted=_version(body), status=200)
        try:
            tested = isinstance(body, list) and any(one.get("op") == "test" for one in body)  # that refuses with 422
            stage.check_version(None if tested else _version(body))
            line["was"] = stage.image
            about = {**stage.deployment["metadata"], "resourceVersion": str(stage.version)}
            before = {**stage.deployment, "metadata": about}
            changed = change(before, body) if request.method == "PATCH" and change else body
            stage.write(changed)
        except Conflict:
            line["status"] = 409
            raise Refused(
                409, "Conflict",
                f'Operation cannot be fulfilled on deployments.apps "{NAME}": the object has been modified; please '
                "apply your changes to the latest version and try again",
            ) from None  # fmt: skip
        except patches.Unfit:
            line["status"] = 422
            raise
        line["set"] = stage.image
        answer = stage.current()
        stage.seen = False  # what a write answers is the old status: one who looks afterwards sees it, too
        return answer

    def _is_away(self, stage: Stage) -> None:
        if stage.away > 0 and stage.writes:
            stage.away -= 1
            stage.entry(what="away")
            code, reason = AWAY[stage.away % len(AWAY)]
            raise Refused(code, reason, "apiserver is shutting down")

    def _deployments(self, request: _Request, match: re.Match[str], stage: Stage) -> Object:
        self._is_away(stage)
        stage.go_on()
        stage.entry(what="read")
        items = [one for one in [stage.current()] if _selects(request, one)]
        return _list("apps/v1", "DeploymentList", items, stage)

    def _replica_sets(self, request: _Request, match: re.Match[str], stage: Stage) -> Object:
        found = [one for one in stage.replica_sets() if _selects(request, one)]
        return _list("apps/v1", "ReplicaSetList", found, stage)

    def _pods(self, request: _Request, match: re.Match[str], stage: Stage) -> Object:
        found = [one for one in _visible(stage) if _selects(request, one)]
        return _list("v1", "PodList", found, stage)

    def _pod(self, request: _Request, match: re.Match[str], stage: Stage) -> Object:
        for one in _visible(stage):
            if one["metadata"]["name"] == match["name"]:
                return one
        raise Refused(404, "NotFound", f'pods "{match["name"]}" not found')

    def _service(self, request: _Request, match: re.Match[str], stage: Stage) -> Object:
        if match["name"] != NAME:
            raise Refused(404, "NotFound", f'services "{match["name"]}" not found')
        return stage.service()

    def _slices(self, request: _Request, match: re.Match[str], stage: Stage) -> Object:
        found = [one for one in stage.endpoint_slices() if _selects(request, one)]
        return _list("discovery.k8s.io/v1", "EndpointSliceList", found, stage)

    def _proxy(self, request: _Request, match: re.Match[str], stage: Stage) -> Object:
        """The API server is a stranger to the network policy of exercise 3.4."""
        stage.entry(what="proxied", path=match["path"] or "/")
        refused = f"error trying to reach service: dial tcp 10.244.1.7:{objects.PORT}: connect: connection refused"
        raise Refused(503, "ServiceUnavailable", refused)

    async def _forward(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lead to a pod by way of its node, which no network policy forbids."""
        request = _Request(scope, b"")
        match = _FORWARD.fullmatch(request.path)
        stage = self.stages.get(match["namespace"]) if match else None
        image = stage.image_of_pod(match["name"]) if match and stage else None
        if match is None or stage is None or image is None:
            await forward.refuse(receive, send)
            return

        def answer(path: str) -> int:
            status = stage.answer(image) if path in ("/readyz", "/livez") else 404
            stage.entry(what="asked", path=path, status=status, pod=match["name"], by=image)
            return status

        await forward.one_port(scope, request.query.get("ports", ""), answer, receive, send)

    async def _watch(self, request: _Request, stage: Stage, receive: Receive, send: Send) -> None:
        """Send what changes, until the time is over or the other side hangs up."""
        self._is_away(stage)
        stage.entry(what="watch", since=request.query.get("resourceVersion", ""))
        seconds = float(request.query.get("timeoutSeconds") or WATCH_SECONDS)
        gone = asyncio.ensure_future(_hung_up(receive))
        end = time.monotonic() + min(seconds, WATCH_SECONDS) / stage.pace
        await _begin(send, 200)
        try:
            if stage.watch == "expires" and request.query.get("resourceVersion", "0") != "0":
                stage.watch = ""
                expired = objects.failure(410, "Expired", "too old resource version")
                await _piece(send, {"type": "ERROR", "object": expired})
                end = 0.0
            last = request.query.get("resourceVersion", "")
            while time.monotonic() < end and not gone.done():
                stage.go_on()
                if str(stage.version) != last and _selects(request, shown := stage.current()):
                    kind = "MODIFIED" if last else "ADDED"
                    last = shown["metadata"]["resourceVersion"]
                    stage.entry(what="event")
                    await _piece(send, {"type": kind, "object": shown})
                    if stage.watch == "ends":
                        break
                    if stage.watch == "breaks":
                        stage.watch = ""
                        return  # without the end of the answer: the connection is cut
                await asyncio.sleep(TICK)
            await send({"type": "http.response.body", "body": b""})
        finally:
            gone.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await gone


class _Request:
    """A request as it is used here."""

    def __init__(self, scope: Scope, body: bytes) -> None:
        self.method = str(scope.get("method", "GET"))
        raw = bytes(scope.get("raw_path") or scope["path"].encode())
        self.path = unquote(raw.partition(b"?")[0].decode("latin-1"))
        self.query = dict(parse_qsl(bytes(scope["query_string"]).decode("latin-1")))
        self.headers = {name.decode("latin-1").lower(): text.decode("latin-1") for name, text in scope["headers"]}
        self.body = body

    @property
    def is_watch(self) -> bool:
        """Whether it asks for a stream of changes."""
        return self.method == "GET" and self.query.get("watch", "").lower() in ("true", "1")

    def json(self) -> Any:
        """Its body."""
        return json.loads(self.body)


def _version(body: Any) -> object:
    """The resource version that a change names."""
    if isinstance(body, list):
        named = [one.get("value") for one in body if one["path"] == "/metadata/resourceVersion"]  # tested, or set
        return named[0] if named else None
    return (body.get("metadata") or {}).get("resourceVersion")


def _visible(stage: Stage) -> list[Object]:
    """The pods of the namespace, where they can be asked for."""
    if stage.hidden:
        raise Refused(503, "ServiceUnavailable", "the server is currently unable to handle the request")
    return stage.all_pods()


def _selects(request: _Request, one: Object) -> bool:
    """Whether the selectors of a request take an object."""
    known = FIELDS_OF_POD if one.get("kind") == "Pod" else FIELDS
    for term in filter(None, request.query.get("fieldSelector", "").split(",")):
        key, sign, value = re.split("(!=|==?)", term, maxsplit=1)
        if key not in known:
            raise Refused(400, "BadRequest", f"the stand-in knows the field selectors {', '.join(known)}, not {key}")
        part, name = key.split(".")
        if (one[part].get(name, "") == value) == (sign == "!="):
            return False
    labels = one["metadata"]["labels"]
    for term in filter(None, request.query.get("labelSelector", "").split(",")):
        found = re.fullmatch(r"\s*([\w./-]+)\s*(==|=|!=)\s*([\w.-]*)\s*", term)
        if found is None:
            raise Refused(400, "BadRequest", f"the stand-in knows the label selectors a=b and a!=b, not {term}")
        if (labels.get(found[1]) == found[3]) == (found[2] == "!="):
            return False
    return True


def _list(version: str, kind: str, items: list[Object], stage: Stage) -> Object:
    return {"apiVersion": version, "kind": kind, "metadata": {"resourceVersion": str(stage.version)}, "items": items}


async def _hung_up(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _begin(send: Send, status: int) -> None:
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": status, "headers": headers})


async def _piece(send: Send, document: Object) -> None:
    text = json.dumps(document).encode() + b"\n"
    await send({"type": "http.response.body", "body": text, "more_body": True})


async def _respond(send: Send, status: int, document: Object) -> None:
    await _begin(send, status)
    await send({"type": "http.response.body", "body": json.dumps(document).encode()})


def main() -> None:
    """Run it as a server of its own, in the folder of its state, with a namespace `ml` to play in."""
    import argparse

    import uvicorn

    parser = argparse.ArgumentParser(prog="python -m mlops_lab.cluster.api", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--state", type=Path, required=True)
    arguments = parser.parse_args()
    arguments.state.mkdir(parents=True, exist_ok=True)
    app = StandIn(arguments.state)
    app.stages["ml-api"] = demonstration()
    (arguments.state / "kubeconfig").write_text(
        kubeconfig(f"http://{arguments.host}:{arguments.port}"), encoding="utf-8"
    )
    uvicorn.run(app, host=arguments.host, port=arguments.port, access_log=False, log_level="warning")


def demonstration() -> Stage:
    """The namespace of the stand-in that a learner starts: each kind of image goes another way."""
    return Stage(
        namespace="ml-api",
        image="ml-api:1.0",
        replicas=3,
        labels={"app.kubernetes.io/name": NAME},
        past=[(1, "ml-api:0.9")],
        plays={"ml-api:crash": "stuck-crash", "ml-api:huge": "waiting-unschedulable", "ml-api:typo": "stuck-pull"},
        answers={"ml-api:wrong": 503},
    )


def kubeconfig(url: str) -> str:
    """The text of a kubeconfig file for a server without accounts."""
    return json.dumps({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "stand-in",
        "clusters": [{"name": "stand-in", "cluster": {"server": url}}],
        "users": [{"name": "nobody", "user": {}}],
        "contexts": [{"name": "stand-in", "context": {"cluster": "stand-in", "user": "nobody", "namespace": "ml-api"}}],
    })  # fmt: skip


if __name__ == "__main__":
    main()
