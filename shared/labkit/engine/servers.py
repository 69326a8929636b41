"""The servers that exercises talk to: started once, kept warm, and a fresh one for each who asks.

For each service there is a zygote of its own, which has imported the server's modules. A server is forked from it, like
a worker, behind the same walls, with a state of its own that is copied from a template. So nothing that one submission
writes is seen by another, and none waits for imports or migrations.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import importlib.metadata
import os
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from labkit.course.lab import CatalogError
from labkit.course.services import Service, import_folders, service
from labkit.engine.forks import ZygoteProcess
from labkit.files import remove_tree
from labkit.sandbox.connection import WorkerEnded
from labkit.sandbox.job import Job
from labkit.sandbox.spawn import SpawnedWorkers
from labkit.sandbox.walls import Limits, Walls
from labkit.sandbox.wire import Codec, Node
from labkit.sandbox.workers import Nursery, Started, WorkerSource

START_SECONDS = 180.0
"""How long a server may take to be ready, its imports and migrations included."""
LIFE_SECONDS = 24 * 3600.0
LIMITS = Limits(
    memory=4 * 2**30, cpu_seconds=24 * 3600, file_bytes=2 * 2**30, processes=256, open_files=1024, output_bytes=2**30
)
ADDRESS = "server.sock"


class ServerError(Exception):
    """A server that could not be started; says what it printed last."""


@dataclass
class Server:
    """A running server with a state of its own.

    `address` is the path of the socket that it listens on, `state` the folder that it writes. Where it ends in the
    middle it is started again once, on the same state, and `on_restart` is told.
    """

    number: int
    declared: Service
    folder: Path
    make_source: Callable[[Job], WorkerSource]
    job: Job
    on_restart: Callable[[str], None] = lambda text: None
    restarts: int = 0
    closing: bool = False
    _sources: list[WorkerSource] = field(default_factory=list)
    _started: Started | None = None
    _thread: threading.Thread | None = None
    _ended: threading.Event = field(default_factory=threading.Event)
    _end_text: str = ""

    @property
    def state(self) -> Path:
        """The folder of its state."""
        return self.folder / "1"

    @property
    def address(self) -> str:
        """The path of the socket that it listens on."""
        return str(self.state / ADDRESS)

    def start(self) -> None:
        """Start it and wait until it is ready. Raises `ServerError`."""
        self._run()
        end = time.monotonic() + START_SECONDS
        pause = 0.005
        while not self.is_ready():
            if self._ended.is_set() or self.closing or time.monotonic() > end:
                self.close()
                raise ServerError(f"{self.declared.title} could not be started: {self._end_text or 'no answer'}")
            self._ended.wait(pause)
            pause = min(pause * 1.5, 0.1)

    def _run(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.address)
        source = self.make_source(self.job)
        self._sources.append(source)
        known = {"state": self.state, "port": self.declared.port}
        environment = {name: value.format(**known) for name, value in self.declared.environment.items()}
        self._started = source.start(path=ADDRESS, environment=environment)
        self._thread = threading.Thread(target=self._serve, args=(self._started,), daemon=True)
        self._thread.start()

    def _serve(self, started: Started) -> None:
        """Have the worker serve; where it ends in the middle, start it again once."""
        arguments, _ = Codec(_keep_nothing, _keep_nothing).encode(([{}], {}))
        document = {"op": "serve", "target": self.declared.app, "args": arguments}
        said = "it ended"
        try:
            reply, _ = started.connection.request(document, [], LIFE_SECONDS, lambda *_: ({"error": "no"}, []))
            said = str(reply.get("error", {}).get("message", said)) if isinstance(reply, dict) else said
        except WorkerEnded as ended:
            said = str(ended)
        except OSError:
            pass
        if self.closing:
            return
        lines = [line for line in started.connection.text().splitlines() if line.strip()]
        self._end_text = " / ".join([said, *lines[-3:]])
        if self.restarts or not self.state.is_dir():
            self._ended.set()
            return
        self.restarts += 1
        self.on_restart(f"{self.declared.title} ended in the middle and was started again ({said})")
        try:
            self._run()
        except (RuntimeError, OSError) as error:
            self._end_text = str(error)
            self._ended.set()

    @property
    def gone(self) -> str:
        """How it ended for good; empty where it runs, or is started again."""
        return f"{self.declared.title} ended: {self._end_text}" if self._ended.is_set() else ""

    def is_ready(self) -> bool:
        """Whether its health path answers."""
        connection = _PathConnection(self.address)
        try:
            connection.request("GET", self.declared.health, headers={"Host": "127.0.0.1"})
            return 200 <= connection.getresponse().status < 300
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def stop(self, grace: float) -> None:
        """Ask it to end, wait for that, and keep its state."""
        self.closing = True
        if self._started is not None:
            self._sources[-1].signal(self._started.number, signal.SIGTERM)
            end = time.monotonic() + grace
            while self.is_ready() and time.monotonic() < end:
                time.sleep(0.02)

    def close(self) -> None:
        """End it, and remove its state."""
        self.closing = True
        for source in self._sources:
            source.close()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(5)
        if self._started is not None:
            self._started.connection.close()
        remove_tree(self.folder)


def _keep_nothing(value: object) -> Node:
    raise TypeError(f"a server is told nothing but plain data, not {value!r}")


class _PathConnection(http.client.HTTPConnection):
    """HTTP over a socket with a path."""

    def __init__(self, path: str) -> None:
        super().__init__("127.0.0.1", timeout=10)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(10)
        self.sock.connect(self._path)


class Servers:
    """All servers of one engine. Threads share it: each that asks for a server waits in its own thread.

    Args:
        root: the course.
        fork: whether servers are forked from a zygote that is kept, else each is a fresh process.
        news: told what lasts, for a line on the screen.
    """

    def __init__(self, root: Path, *, fork: bool, news: Callable[[str], None]) -> None:
        self._root = root
        self._fork = fork
        self._news = news
        self._lock = threading.Lock()
        self._starting: dict[str, threading.Lock] = {}
        self._zygotes: dict[str, ZygoteProcess] = {}
        self._spares: dict[str, Server] = {}
        self._given: dict[int, Server] = {}
        self._number = 0
        self._closed = False
        self._starting_ones: dict[int, Server] = {}
        self.folder = Path(tempfile.mkdtemp(prefix="lab-servers-")).resolve()
        """Holds the states of all servers; no worker of a submission may see it."""
        self.folder.chmod(0o711)

    def take(self, name: str, on_restart: Callable[[str], None]) -> Server:
        """Return a server with a fresh state that is ready. Raises `ServerError`."""
        server = self._ready_spare(name) or self._fresh(name)
        server.on_restart = on_restart
        with self._lock:
            self._given[server.number] = server
        return server

    def gone(self, number: int) -> str:
        """How a server that was given ended for good; empty where it runs."""
        with self._lock:
            server = self._given.get(number)
        return server.gone if server is not None else "it was given back"

    def release(self, number: int) -> None:
        """Take a server back: it ends, and its state with it."""
        with self._lock:
            server = self._given.pop(number, None)
        if server is not None:
            server.close()

    def template(self, name: str) -> Path:
        """Return the folder of a fresh state of a service. Raises `ServerError`."""
        with self._once(name):
            return self._template(name, self._declared(name))

    def prepare(self, name: str) -> None:
        """Have one that is ready wait for the next who asks; returns at once."""
        threading.Thread(target=self._prepare, args=(name,), daemon=True).start()

    def _prepare(self, name: str) -> None:
        with contextlib.suppress(ServerError, OSError, RuntimeError), self._once(name):  # who asks for it is told
            with self._lock:
                if name in self._spares or self._closed:
                    return
            server = self._start(name)
            with self._lock:
                if not self._closed:
                    self._spares[name] = server
                    return
            server.close()

    def _fresh(self, name: str) -> Server:
        with self._once(name):
            return self._ready_spare(name) or self._start(name)

    def _ready_spare(self, name: str) -> Server | None:
        """Take the server that waits, if it still answers."""
        with self._lock:
            spare = self._spares.pop(name, None)
        if spare is None or spare.is_ready():
            return spare
        spare.close()  # it has waited too long
        return None

    def _once(self, name: str) -> threading.Lock:
        with self._lock:
            return self._starting.setdefault(name, threading.Lock())

    def _start(self, name: str) -> Server:
        declared = self._declared(name)
        return self._start_on(name, declared, self._template(name, declared))

    def _declared(self, name: str) -> Service:
        try:
            return service(self._root, name)
        except CatalogError as error:
            raise ServerError(str(error)) from None

    def _template(self, name: str, declared: Service) -> Path:
        """Return the folder of a fresh state, made once for each version of the server."""
        folder = self._root / ".lab" / "cache" / "services" / f"{name}-{_fingerprint(declared)}"
        if folder.is_dir():
            return folder
        self._news(f"setting up {declared.title}, once …")
        server = self._start_on(name, declared, None)
        try:
            server.stop(10.0)
            folder.parent.mkdir(parents=True, exist_ok=True)
            made = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=folder.parent))
            shutil.copytree(server.state, made, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.sock"))
            with contextlib.suppress(OSError):  # another engine was quicker
                made.rename(folder)
            shutil.rmtree(made, ignore_errors=True)
        finally:
            server.close()
        return folder

    def _start_on(self, name: str, declared: Service, template: Path | None) -> Server:
        with self._lock:
            self._number += 1
            number = self._number
        # A name that nobody guesses: servers of one user could else connect to each other's sockets.
        folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self.folder))
        folder.chmod(0o711)
        state = folder / "1"
        if template is None:
            state.mkdir(mode=0o700)
        else:
            shutil.copytree(template, state)
        job = server_job(self._root, declared, folder)
        server = Server(number, declared, folder, lambda job: self._source(name, declared, job), job)
        with self._lock:
            if self._closed:
                raise ServerError("the engine is being closed")
            self._starting_ones[number] = server
        try:
            server.start()
        except (OSError, RuntimeError) as error:
            server.close()
            raise ServerError(f"{declared.title} could not be started: {error}") from None
        finally:
            with self._lock:
                self._starting_ones.pop(number, None)
        return server

    def _source(self, name: str, declared: Service, job: Job) -> WorkerSource:
        if not self._fork:
            return SpawnedWorkers(job, sweep=False)
        with self._lock:
            if self._closed:
                raise ServerError("the engine is being closed")
            zygote = self._zygotes.get(name)
            if zygote is None:
                self._news(f"starting {declared.title} …")
                zygote = self._zygotes[name] = ZygoteProcess(self._root)
                zygote.send({"preload": [*_ALWAYS, *declared.preload]})
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with theirs:
                zygote.send({"fork": 0}, [theirs.fileno()])
        return Nursery(ours, job)

    def close(self) -> None:
        """End all of them, those that are just being started included."""
        with self._lock:
            self._closed = True
            servers = [*self._starting_ones.values(), *self._spares.values(), *self._given.values()]
            zygotes = list(self._zygotes.values())
            starting = list(self._starting.values())
        for server in servers:
            with contextlib.suppress(Exception):  # the others are to be ended all the same
                server.close()
        for lock in starting:
            lock.acquire(timeout=10)
        for zygote in zygotes:
            zygote.close()
        remove_tree(self.folder)


_ALWAYS = ("uvicorn", "uvicorn.loops.auto", "uvicorn.protocols.http.auto", "uvicorn.protocols.websockets.auto",
           "uvicorn.lifespan.on")  # fmt: skip


def server_job(root: Path, declared: Service, folder: Path) -> Job:
    """Return what a server's process needs to know; it sees the libraries and its own state, and no network."""
    folders = import_folders(root)
    libraries = [Path(entry) for entry in sys.path if entry and Path(entry).exists()]
    readable = [Path(sys.base_prefix), Path(sys.prefix), root / "shared", *map(Path, folders), *libraries]
    hidden = [root / "solutions", root / "tests", root / "labs", root / ".git", root / ".lab"]
    hidden = [path for path in hidden if not any(Path(one).is_relative_to(path) for one in folders)]
    walls = Walls([path for path in readable if path != root], folder, hidden, quota=False, limits=LIMITS)
    return Job(declared.app.partition(":")[0].rpartition(".")[2], folders, "", walls, tuple(declared.preload))


def _fingerprint(declared: Service) -> str:
    """Return a name for what a fresh state depends on."""
    versions = [f"{name} {importlib.metadata.version(name)}" for name in declared.packages]
    text = repr([versions, declared.app, sorted(declared.environment.items()), sys.version_info[:2]])
    return "-".join([*(one.replace(" ", "-") for one in versions), hashlib.sha256(text.encode()).hexdigest()[:12]])
