"""What a check holds: handles to the learner's modules, functions and objects, which all live in the worker.

Calling a handle sends data and returns data. A value that has no data form stays in the worker behind a
`RemoteObject`. A function that a check passes as an argument runs in the checker when the learner's code calls it.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

from labkit.connection import Connection, Ending, WorkerEnded
from labkit.wire import Codec, Node, WireError
from labkit.worker import Executor

if TYPE_CHECKING:
    from labkit.serving import Service


class LearnerFault(Exception):
    """The learner's code did something that stands in the way of a verdict: the check has failed."""


@dataclass(frozen=True)
class Frame:
    """A line of the learner's code in a traceback."""

    file: str
    line: int
    name: str
    text: str


class LearnerError(LearnerFault):
    """The learner's code raised an exception.

    `type_name` is its class, `base_names` its bases from the class itself on, `frames` its lines in the lab's files.
    A check may say better what was done (`doing`), and what to look at (`help`).
    """

    def __init__(self, node: Node, doing: str) -> None:
        self.type_name = str(node.get("type", "Exception"))
        self.message = str(node.get("message", ""))
        self.base_names = tuple(str(name) for name in node.get("bases", ()))
        self.frames = tuple(_frame(item) for item in node.get("frames", ()) if isinstance(item, dict))
        self.syntax = node.get("syntax") if isinstance(node.get("syntax"), dict) else None
        self.doing = doing
        self.help = ""
        super().__init__(f"{self.type_name}: {self.message}")


class LearnerStopped(LearnerFault):
    """The worker ended, or had to be ended, instead of answering. `reason` as in `WorkerEnded`."""

    def __init__(self, ended: WorkerEnded, doing: str, seconds: float, ending: Ending | None) -> None:
        self.reason = ended.reason
        self.detail = ended.detail
        self.doing = doing
        self.seconds = seconds
        self.ending = ending
        super().__init__(f"{doing}: {ended.reason} {ended.detail}".strip())


def _frame(item: dict[str, Any]) -> Frame:
    line = item.get("line")
    return Frame(
        str(item.get("file")), line if isinstance(line, int) else 0, str(item.get("name")), str(item.get("text"))[:200]
    )


class Client(Protocol):
    """Sends one request to where the learner's code runs."""

    def exchange(self, document: Node, blobs: list[bytes], doing: str) -> tuple[Node, list[bytes]]:
        """Return the reply; raise `LearnerStopped` where there is none."""
        ...

    def close(self) -> str:
        """End it; return what was printed."""
        ...


class WorkerClient:
    """A worker process. The time that it may take is counted over all requests of one check.

    Args:
        end: ends the worker and says how it ended; its argument is how many seconds to wait for its own end.
        kill: sends it a signal.
    """

    def __init__(
        self,
        connection: Connection,
        end: Callable[[float], Ending],
        seconds: float,
        kill: Callable[[int], None] = lambda number: None,
    ) -> None:
        self.connection = connection
        self.left = self.seconds = seconds
        self.answer: Callable[[int, Node, list[bytes]], tuple[Node, list[bytes]]] = _no_callbacks
        self._end = end
        self._kill = kill
        self._stopped: LearnerStopped | None = None
        self._ending: Ending | None = None

    def exchange(self, document: Node, blobs: list[bytes], doing: str) -> tuple[Node, list[bytes]]:
        """Return the reply; raise `LearnerStopped` where the worker ended or had to be ended."""
        if self._stopped:
            raise self._stopped
        waited = 0.0

        def timed(number: int, node: Node, data: list[bytes]) -> tuple[Node, list[bytes]]:
            nonlocal waited
            begun = time.monotonic()
            try:
                return self.answer(number, node, data)
            finally:
                waited += time.monotonic() - begun

        started = time.monotonic()
        try:
            return self.connection.request(document, blobs, max(self.left, 0.05), timed)
        except WorkerEnded as ended:
            ending = self.end(1.0 if ended.reason == "exit" else 0.0)
            self._stopped = LearnerStopped(ended, doing, self.seconds, ending)
            raise self._stopped from None
        finally:
            self.left -= time.monotonic() - started - waited

    def refresh(self, seconds: float) -> None:
        """Give a worker that outlives one check its time for the next one."""
        self.left = self.seconds = seconds

    @property
    def alive(self) -> bool:
        """Whether the worker has not been ended."""
        return self._stopped is None and self._ending is None

    def end(self, grace: float) -> Ending:
        """End the worker, if that was not done before; return how it ended."""
        self._ending = self._ending or self._end(grace)
        return self._ending

    def signal(self, number: int) -> None:
        """Send a signal to the worker's process."""
        if self._ending is None:
            self._kill(number)

    def close(self) -> str:
        """End the worker and all that it started; return what it printed."""
        self.end(0.0)
        text = self.connection.text()
        self.connection.close()
        return text


class DirectClient:
    """The same in this very process, for plain pytest and a debugger: no walls, no time limit."""

    def __init__(self, executor: Executor) -> None:
        self.executor = executor

    def exchange(self, document: Node, blobs: list[bytes], doing: str) -> tuple[Node, list[bytes]]:
        """Return the reply."""
        return self.executor.handle(document, blobs)

    def close(self) -> str:
        """Forget the objects."""
        self.executor.objects.clear()
        return ""


def _no_callbacks(number: int, node: Node, blobs: list[bytes]) -> tuple[Node, list[bytes]]:
    return {"error": "no such function"}, []


class RemoteObject:
    """An object that stays in the worker. Its methods are called there; see `attr` for its attributes."""

    def __init__(self, lab: LabHandle, number: int, base_names: tuple[str, ...]) -> None:
        self._lab = lab
        self._number = number
        self.base_names = base_names

    @property
    def type_name(self) -> str:
        """The class of the object, with its module."""
        return self.base_names[0] if self.base_names else "object"

    def attr(self, name: str) -> Any:
        """Read an attribute."""
        return self._lab._ask({"op": "attr", "target": self._number, "name": name}, f"reading `{name}`")

    def lacks(self, *names: str) -> list[str]:
        """Return those of the given attributes that the object does not have."""
        there = self._lab._ask({"op": "has", "target": self._number}, "looking at an object", *names)
        return [name for name in names if not isinstance(there, list) or name not in there]

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("_"):
            raise AttributeError(name)
        lab, number = self._lab, self._number

        def method(*args: object, **kwargs: object) -> Any:
            return lab._ask({"op": "method", "target": number, "name": name}, f"`{name}(…)`", *args, **kwargs)

        return method

    def __repr__(self) -> str:
        return f"<{self.type_name} in the learner's process>"


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
        self, package: str, client: Client, folder: Path, listener: socket.socket | None = None, seconds: float = 10.0
    ) -> None:
        self._package = package
        self._client = client
        self._listener = listener
        self._seconds = seconds
        self._service: Service | None = None
        self._functions: list[Callable[..., object]] = []
        self._codec = Codec(self._keep, self._find)
        self._called: Callable[[str, str], None] = lambda module, name: None
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
        from labkit.serving import LocalProcess, Process, Service, WorkerProcess

        if self._listener is None:
            raise RuntimeError("the worker has no listening socket: open it with `listen=True`")
        listener, self._listener = self._listener, None
        target, doing = f"{self._package}.{factory}", f"`{factory.partition(':')[2]}(…)` as a service"
        process: Process
        if isinstance(self._client, WorkerClient):
            node, _ = self._codec.encode(([environment], {}))
            process = WorkerProcess(self._client, {"op": "serve", "target": target, "args": node}, doing)
        else:
            process = LocalProcess(listener, target, environment, Path(self.folder))
        port = int(listener.getsockname()[1])
        listener.close()  # the service holds it now: when it ends, nobody answers
        self._service = Service(process, port, self._seconds)
        return self._service

    def close(self) -> str:
        """End the worker; return what it printed."""
        if self._listener is not None:
            self._listener.close()
        if self._service is not None:
            self._service.close()
        return self._client.close()

    def _ask(self, document: dict[str, Node], doing: str, /, *args: object, **kwargs: object) -> Any:
        node, blobs = self._codec.encode((list(args), kwargs))
        reply, got = self._client.exchange({**document, "args": node}, blobs, doing)
        if not isinstance(reply, dict) or ("value" in reply) == ("error" in reply):
            self._unreadable("neither a value nor an error", doing)
        if "error" in reply:
            raise LearnerError(reply["error"] if isinstance(reply["error"], dict) else {}, doing)
        try:
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
            raise WireError(f"unknown node `{str(node['$'])[:40]}`")
        return RemoteObject(self, int(node["id"]), tuple(str(base)[:200] for base in node["bases"][:50]))

    def _answer(self, number: int, node: Node, blobs: list[bytes]) -> tuple[Node, list[bytes]]:
        """Run a function of the check that the learner's code called."""
        if not isinstance(number, int) or not 0 <= number < len(self._functions):
            return {"error": "no such function"}, []
        args, kwargs = self._codec.decode(node, blobs)
        try:
            value = self._functions[number](*args, **kwargs)
        except (TypeError, ValueError, KeyError, AttributeError) as error:
            return {"error": f"{type(error).__name__}: {error}"[:500]}, []
        encoded, out = self._codec.encode(value)
        return {"value": encoded}, out


class _Local(dict[int, Any]):
    """The check's functions by number, for a lab in the same process."""

    def __init__(self, functions: list[Callable[..., object]]) -> None:
        super().__init__()
        self._functions = functions

    def get(self, key: int, default: object = None) -> Any:
        return self._functions[key]
