"""The worker's side: runs the learner's code and answers with data.

Everything here runs in the learner's process, where nothing can be trusted: it decides nothing. What it sends is
read as data by the checker, which computes the verdict.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import runpy
import sys
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from labkit.sandbox.wire import Closed, Codec, Node, SocketStream, pack, read_frame

if TYPE_CHECKING:
    import socket

MAX_TEXT = 4000
"""Longest message of an exception, in characters."""


class CallbackError(RuntimeError):
    """A function of the check failed while the learner's code called it."""


class Callback:
    """A function of the checker: calling it here runs it there."""

    def __init__(self, executor: Executor, number: int) -> None:
        self._executor = executor
        self._number = number

    def __call__(self, *args: object, **kwargs: object) -> Any:
        return self._executor.call_back(self._number, args, kwargs)

    def __copy__(self) -> Callback:
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> Callback:
        return self

    def __repr__(self) -> str:
        return f"<function {self._number} of the check>"


class Executor:
    """Carries out requests: import, call, read an attribute, make an object, read a file.

    Args:
        package: the lab's package, such as `lab1_models`.
        folder: the worker's own folder.
        listener: the socket that a service in this worker listens on.
    """

    def __init__(self, package: str, folder: Path, listener: socket.socket | None = None) -> None:
        self.package = package
        self.folder = folder
        self.listener = listener
        self.objects: list[object] = []
        self.codec = Codec(self._keep, self._find)
        self.channel: socket.socket | None = None
        self.lock = threading.RLock()
        self.local_callbacks: dict[int, Any] = {}

    def _keep(self, value: object) -> Node:
        number = next((place for place, known in enumerate(self.objects) if known is value), len(self.objects))
        if number == len(self.objects):
            self.objects.append(value)
        bases = [f"{base.__module__}.{base.__qualname__}" for base in type(value).__mro__[:-1]]
        return {"$": "handle", "id": number, "bases": bases}

    def _find(self, node: Node) -> object:
        if node["$"] == "ref":
            return self.objects[node["id"]]
        if node["$"] == "callback":
            return self.local_callbacks.get(node["id"]) or Callback(self, node["id"])
        raise ValueError(f"unknown node `{node['$']}`")

    def call_back(self, number: int, args: tuple[object, ...], kwargs: dict[str, object]) -> Any:
        """Run function `number` of the checker and return its answer."""
        assert self.channel is not None
        with self.lock:
            node, blobs = self.codec.encode((list(args), kwargs))
            self.channel.sendall(pack({"callback": number, "value": node}, blobs))
            reply, blobs = read_frame(SocketStream(self.channel))
        if "error" in reply:
            raise CallbackError(reply["error"])
        return self.codec.decode(reply["value"], blobs)

    def handle(self, request: Node, blobs: list[bytes]) -> tuple[Node, list[bytes]]:
        """Carry out one request and return the reply: `{"value": …}` or `{"error": …}`."""
        try:
            args, kwargs = self.codec.decode(request["args"], blobs) if "args" in request else ([], {})
            value = self._do(request, args, kwargs)
            node, out = self.codec.encode(value)
            return {"value": node}, out
        except BaseException as error:
            return {"error": self._describe(error)}, []

    def _do(self, request: Node, args: list[object], kwargs: dict[str, object]) -> object:
        operation, target = request["op"], request.get("target", "")
        if operation == "import":
            importlib.import_module(target)
            return None
        if operation == "call":
            return getattr(importlib.import_module(target), request["name"])(*args, **kwargs)
        if operation == "method":
            return getattr(self.objects[target], request["name"])(*args, **kwargs)
        if operation == "attr":
            return getattr(self.objects[target], request["name"])
        if operation == "has":
            return [name for name in args if hasattr(self.objects[target], str(name))]
        if operation == "names":
            return sorted(name for name in vars(importlib.import_module(target)) if not name.startswith("_"))
        if operation == "make":
            module, _, name = target.partition(":")
            return getattr(importlib.import_module(module), name)(*args, **kwargs)
        if operation == "main":
            return self._run_main(target, [str(arg) for arg in args])
        if operation == "serve":
            self._serve(target, args[0])  # type: ignore[arg-type]
            return None
        if operation == "read":
            return (self.folder / str(args[0])).read_bytes()
        if operation == "write":
            target = self.folder / str(args[0])
            target.parent.mkdir(parents=True, exist_ok=True)
            return target.write_bytes(args[1])  # type: ignore[arg-type]
        if operation == "list":
            below = self.folder / str(args[0])
            return sorted(str(path.relative_to(below)) for path in below.rglob("*") if path.is_file())
        raise ValueError(f"unknown request `{operation}`")

    def _serve(self, target: str, environment: dict[str, str]) -> None:
        from labkit.sandbox.server import run_server

        assert self.listener is not None
        run_server(self.listener, target, environment)

    def _run_main(self, module: str, arguments: list[str]) -> object:
        """Run a module as `python -m` does; return the exit code and what it printed."""
        printed, code = io.StringIO(), 0
        sys.argv = [module, *arguments]
        with contextlib.redirect_stdout(printed):
            try:
                runpy.run_module(module, run_name="__main__", alter_sys=True)
            except SystemExit as end:
                code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
        return code, printed.getvalue()

    def _describe(self, error: BaseException) -> Node:
        """Return an exception as data: names, message, and the frames in the learner's files."""
        frames = [
            {"file": self._shown(frame.filename), "line": frame.lineno, "name": frame.name, "text": frame.line or ""}
            for frame in traceback.extract_tb(error.__traceback__)
            if f"{self.package}/" in frame.filename
        ]
        node: dict[str, Node] = {
            "type": type(error).__name__,
            "bases": [base.__name__ for base in type(error).__mro__],
            "message": _text_of(error),
            "frames": frames[-5:],
        }
        if isinstance(error, SyntaxError) and error.filename and f"{self.package}/" in error.filename:
            syntax = {
                "file": self._shown(error.filename),
                "line": error.lineno,
                "column": error.offset,
                "text": error.text,
            }
            node["syntax"] = syntax
            node["message"] = str(error.msg)
        return node

    def _shown(self, filename: str) -> str:
        return filename[filename.rindex(f"{self.package}/") + len(self.package) + 1 :]


def _text_of(error: BaseException) -> str:
    try:
        return str(error)[:MAX_TEXT]
    except BaseException:
        return ""


def prepare(function: str) -> None:
    """Call the lab's own `module:function` before the learner's code is there."""
    if function:
        module, _, name = function.partition(":")
        getattr(importlib.import_module(module), name)()


def serve(channel: socket.socket, executor: Executor) -> None:
    """Answer requests until the checker hangs up."""
    executor.channel = channel
    stream = SocketStream(channel)
    for request, blobs in _requests(stream):
        reply, out = executor.handle(request, blobs)
        _flush()
        with executor.lock:
            channel.sendall(_packed(reply, out))


def _packed(reply: Node, blobs: list[bytes]) -> bytes:
    try:
        return pack(reply, blobs)
    except (ValueError, TypeError, MemoryError, RecursionError) as error:
        text = f"the answer cannot be sent: {error}"
        return pack({"error": {"type": type(error).__name__, "bases": [], "message": text[:500], "frames": []}})


def _requests(stream: SocketStream) -> Iterator[tuple[Node, list[bytes]]]:
    while True:
        try:
            yield read_frame(stream)
        except Closed:
            return


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(BaseException):
            _flush_one(stream)


def _flush_one(stream: IO[str] | None) -> None:
    if stream is not None:
        stream.flush()
