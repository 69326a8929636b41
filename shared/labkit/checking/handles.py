"""What a check holds: handles to the learner's modules, functions and objects, which all live in the worker.

Calling a handle sends data and returns data. A value that has no data form stays in the worker behind a
`RemoteObject`. A function that a check passes as an argument runs in the checker when the learner's code calls it.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from labkit.checking.bounds import bounded_memory
from labkit.checking.clients import Client, DirectClient, WorkerClient
from labkit.checking.faults import LearnerError, LearnerStopped
from labkit.checking.fronts import Front
from labkit.checking.processes import LocalProcess, Process, WorkerProcess
from labkit.checking.remote import RemoteObject
from labkit.checking.service import Service
from labkit.sandbox.budget import items, whole, word
from labkit.sandbox.connection import WorkerEnded
from labkit.sandbox.server import HOST
from labkit.sandbox.wire import Codec, Node, WireError


class ModuleHandle:
    """One module of the learner's: its attributes are functions to call."""

    def __init__(self, lab: LabHandle, name: str) -> None:
        self._lab = lab
        self._name = name

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("_"):
            raise AttributeError(name)
        lab, module = self._lab, self._name

        def function(*args: object, **kwargs: object) -> Any:
            lab._called(module.rpartition(".")[2], name)
            return lab._ask({"op": "call", "target": module, "name": name}, f"`{name}(…)`", *args, **kwargs)

        return function


class LabHandle:
    """The learner's lab in a worker: `lab.house_price.split_by_time(sales, cutoff)`."""

    def __init__(
        self, package: str, client: Client, folder: Path, front: Front | None = None, seconds: float = 10.0
    ) -> None:
        self._package = package
        self._client = client
        self._front = front
        self._seconds = seconds
        self._service: Service | None = None
        self._functions: list[Callable[..., object]] = []
        self._codec = Codec(self._keep, self._find)
        self._called: Callable[[str, str], None] = lambda module, name: None
        self._drive: Callable[..., Any] | None = None
        self.folder = str(folder)
        if isinstance(client, WorkerClient):
            client.answer = self._answer
        elif isinstance(client, DirectClient):
            client.executor.local_callbacks = _Local(self._functions)

    def __getattr__(self, name: str) -> ModuleHandle:
        if name.startswith("_"):
            raise AttributeError(name)
        return ModuleHandle(self, f"{self._package}.{name}")

    def load(self, module: str) -> None:
        """Import one of the lab's modules."""
        self._ask({"op": "import", "target": f"{self._package}.{module}"}, f"importing `{module}.py`")

    def make(self, factory: str, *args: object, doing: str = "", **kwargs: object) -> Any:
        """Make an object of the course's own in the worker: `make("package.module:Class", …)`.

        Args:
            doing: what the learner would call it, where learner code runs in it: "`fit(…)`".
        """
        doing = doing or f"what the check prepares (`{factory.rpartition(':')[2]}`)"
        return self._ask({"op": "make", "target": factory}, doing, *args, **kwargs)

    def run_main(self, module: str, *arguments: str) -> Any:
        """Run a module as `python -m` does; return its exit code and what it printed."""
        name = f"{self._package}.{module}"
        return self._ask({"op": "main", "target": name}, f"`python -m {name}`", *arguments)

    def read_bytes(self, path: object) -> Any:
        """Read a file that the learner's code wrote, relative to the worker's folder or absolute."""
        return self._ask({"op": "read"}, f"reading `{path}`", str(path))

    def write_bytes(self, path: str, data: bytes) -> None:
        """Write a file for the learner's code, relative to the worker's folder."""
        self._ask({"op": "write"}, f"what the check prepares (`{path}`)", path, data)

    def list_files(self, path: object = ".") -> Any:
        """Return the files below a folder in the worker, sorted."""
        return self._ask({"op": "list"}, f"listing `{path}`", str(path))

    def serve(self, factory: str, **environment: str) -> Service:
        """Start the web service that `factory` makes (`app:create_app`), in a worker opened with `listen=True`.

        From then on the worker does nothing else. `environment` is added to its environment.
        """
        target, doing = f"{self._package}.{factory}", f"`{factory.partition(':')[2]}(…)` as a service"
        process: Process
        if not isinstance(self._client, WorkerClient):
            with socket.create_server((HOST, 0), backlog=128) as listener:  # the service holds it, and alone
                port = int(listener.getsockname()[1])
                process = LocalProcess(listener, target, environment, Path(self.folder))
        elif self._front is None:
            raise RuntimeError("the worker has no listening socket: open it with `listen=True`")
        else:
            port = self._front.port
            node, _ = self._codec.encode(([environment], {}))
            document = {"op": "serve", "target": target, "args": node}
            process = WorkerProcess(self._client, document, doing, self._front.close)
        self._service = Service(process, port, self._seconds, self._drive)
        return self._service

    def refresh(self) -> None:
        """Give a worker that several checks share its time for the next one."""
        if isinstance(self._client, WorkerClient):
            self._client.refresh(self._client.seconds)
        if self._service is not None:
            self._service.refresh()

    def close(self) -> str:
        """End the worker; return what it printed."""
        if self._service is not None:
            self._service.close()
        if self._front is not None:
            self._front.close()
        return self._client.close()

    def _ask(self, document: dict[str, Node], doing: str, /, *args: object, **kwargs: object) -> Any:
        node, blobs = self._codec.encode((list(args), kwargs))
        reply, got = self._client.exchange({**document, "args": node}, blobs, doing)
        if not isinstance(reply, dict) or ("value" in reply) == ("error" in reply):
            self._unreadable("neither a value nor an error", doing)
        if "error" in reply:
            raise LearnerError(reply["error"], doing)
        try:
            with bounded_memory():
                return self._codec.decode(reply["value"], got)
        except WireError as error:
            self._unreadable(str(error), doing)

    def _unreadable(self, detail: str, doing: str) -> NoReturn:
        raise LearnerStopped(WorkerEnded("answer", detail), doing, 0, None)

    def _keep(self, value: object) -> Node:
        if isinstance(value, RemoteObject):
            return {"$": "ref", "id": value._number}
        if callable(value):
            self._functions.append(value)
            return {"$": "callback", "id": len(self._functions) - 1}
        raise TypeError(f"a check cannot send a `{type(value).__name__}` to the learner's code")

    def _find(self, node: Node) -> object:
        if node["$"] != "handle":
            raise WireError(f"unknown node `{node['$'][:40]}`")
        number = whole(node.get("id"), "the number of an object", 2**31)
        return RemoteObject(self, number, tuple(word(base)[:200] for base in items(node.get("bases"))[:50]))

    def _answer(self, number: int, node: Node, blobs: list[bytes]) -> tuple[Node, list[bytes]]:
        """Run a function of the check that the learner's code called."""
        if type(number) is not int or not 0 <= number < len(self._functions):
            return {"error": "no such function"}, []
        with bounded_memory():
            called = self._codec.decode(node, blobs)
        try:
            args, kwargs = called
            value = self._functions[number](*args, **kwargs)
        except _ODD_ARGUMENTS as error:
            return {"error": f"{type(error).__name__}: {error}"[:500]}, []
        encoded, out = self._codec.encode(value)
        return {"value": encoded}, out


_ODD_ARGUMENTS = (
    TypeError, ValueError, LookupError, AttributeError, ArithmeticError, MemoryError, RecursionError
)  # fmt: skip
"""What a function of a check raises where the learner's code calls it with something else than it takes."""


class _Local(dict[int, Any]):
    """The check's functions by number, for a lab in the same process."""

    def __init__(self, functions: list[Callable[..., object]]) -> None:
        super().__init__()
        self._functions = functions

    def get(self, key: int, default: object = None) -> Any:
        return self._functions[key]
