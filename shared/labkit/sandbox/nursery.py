"""Where workers come from: a parent process of its own for each submission, forked from the warm one.

The nursery process forks a worker for each check, ends it, and sweeps what it leaves behind. It stands inside the
submission's namespaces as their first process, so that the kernel ends everything with it. It never runs the
learner's code itself and knows nothing of the checks.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import os
import select
import shutil
import signal
import socket
import sys
import traceback
from pathlib import Path
from typing import Any

from labkit.sandbox import walls
from labkit.sandbox.connection import Connection, Ending
from labkit.sandbox.walls import Walls
from labkit.sandbox.wire import WireError, pack, read_frame
from labkit.sandbox.worker import Executor, prepare, serve

KEPT_ENVIRONMENT = ("PATH", "LANG", "TZ", "DO_NOT_TRACK", "MPLBACKEND", "MPLCONFIGDIR", "LOKY_MAX_CPU_COUNT")
KEPT_PREFIXES = ("OMP_", "OPENBLAS_", "MKL_", "PYTHON", "LC_")


@dataclasses.dataclass(frozen=True)
class Job:
    """What a worker needs to know: the lab's package, where to import from, how to prepare, the walls."""

    package: str
    paths: tuple[str, ...]
    prepare: str
    walls: Walls
    preload: tuple[str, ...] = ()


def worker_environment(folder: Path) -> dict[str, str]:
    """Return the environment of a worker: nothing but what Python and the libraries need."""
    kept = {k: v for k, v in os.environ.items() if k in KEPT_ENVIRONMENT or k.startswith(KEPT_PREFIXES)}
    return {**kept, "HOME": str(folder), "TMPDIR": str(folder), "USER": "learner"}


def run_worker(
    job: Job,
    channel: socket.socket,
    folder: Path,
    *,
    namespaced: bool,
    user: int | None,
    listener: socket.socket | None = None,
) -> None:
    """Shut this process in and serve the checker until it hangs up. Never returns."""
    try:
        with contextlib.suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text("1000")
        keep = [end.fileno() for end in (channel, listener) if end is not None]
        missing = walls.confine(job.walls, folder, namespaced=namespaced, user=user, close_except=keep)
        environment = worker_environment(folder)
        os.environ.clear()
        os.environ.update(environment)
        sys.path[:] = [*job.paths, *(path for path in sys.path if path)]
        sys.stdin = io.TextIOWrapper(io.FileIO(0, closefd=False), "utf-8")
        out = io.FileIO(1, "w", closefd=False)
        sys.stdout = sys.stderr = io.TextIOWrapper(out, "utf-8", "backslashreplace", line_buffering=True)
        prepare(job.prepare)
        channel.sendall(pack({"missing": missing}))
    except BaseException:
        channel.sendall(pack({"broken": traceback.format_exc()[-3000:]}))
        os._exit(70)
    try:
        serve(channel, Executor(job.package, folder, listener))
    finally:
        os._exit(0)


class NurseryProcess:
    """The loop of the nursery: `start` and `end` on a control socket, until the checker hangs up."""

    def __init__(self, control: socket.socket, job: Job, *, process: int, namespaced: bool) -> None:
        self.control = control
        self.job = job
        self.process = process  # in a PID namespace of its own, this process does not know which the host counts
        self.namespaced = namespaced
        self.root = os.getuid() == 0
        self.workers: dict[int, int] = {}
        self.started = 0
        self.sees_own_processes = False

    def run(self) -> None:
        """Serve until the checker is gone; then end everything that is left. Never returns."""
        try:
            self._open()
            while True:
                message, handles, _, _ = socket.recv_fds(self.control, 65536, 1)
                if not message:
                    break
                self._carry_out(json.loads(message), [socket.socket(fileno=number) for number in handles])
        finally:
            self.workers.clear()  # nobody waits for them any more: they end, too
            self._sweep()
            os._exit(0)

    def _carry_out(self, order: dict[str, Any], listeners: list[socket.socket]) -> None:
        if order["order"] == "start":
            self._start(*listeners)
        elif order["order"] == "signal":
            with contextlib.suppress(KeyError, ProcessLookupError):
                os.kill(self.workers[order["worker"]], order["number"])
        else:
            self._end(order["worker"], grace=order["grace"])

    def _open(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL if number == signal.SIGTERM else signal.SIG_IGN)
        walls.become_subreaper()
        walls.hide_memory()
        missing = walls.furnish(self.job.walls) if self.namespaced else ["namespaces"]
        self.sees_own_processes = not self.namespaced or "proc" not in missing
        seen = dataclasses.replace(self.job.walls, private_shm=self.namespaced and "shm" not in missing)
        self.job = dataclasses.replace(self.job, walls=seen)
        self.control.send(json.dumps({"missing": missing}).encode())

    def _start(self, listener: socket.socket | None = None) -> None:
        self.started += 1
        folder = self.job.walls.work / str(self.started)
        folder.mkdir(mode=0o700)
        user = walls.spare_user(self.process, self.started) if self.root else None
        if user is not None:
            os.chown(folder, user, user)
        ours, theirs = socket.socketpair()
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            self._become_worker(theirs, writing, folder, user, listener)
        theirs.close()
        if listener is not None:
            listener.close()
        os.close(writing)
        self.workers[self.started] = child
        socket.send_fds(self.control, [json.dumps({"worker": self.started}).encode()], [ours.fileno(), reading])
        ours.close()
        os.close(reading)

    def _become_worker(
        self, channel: socket.socket, output: int, folder: Path, user: int | None, listener: socket.socket | None
    ) -> None:
        try:
            os.setsid()
            quiet = os.open(os.devnull, os.O_RDONLY)
            os.dup2(quiet, 0)
            os.dup2(output, 1)
            os.dup2(output, 2)
            run_worker(self.job, channel, folder, namespaced=self.namespaced, user=user, listener=listener)
        finally:
            os._exit(70)

    def _end(self, worker: int, *, grace: float) -> None:
        child = self.workers.pop(worker)
        ending = _reap(child, grace)
        self._sweep()
        shutil.rmtree(self.job.walls.work / str(worker), ignore_errors=True)
        self.control.send(json.dumps(dataclasses.asdict(ending)).encode())

    def _sweep(self) -> None:
        """End every process below this one that is not a worker in use."""
        if self.namespaced and not self.workers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(-1, signal.SIGKILL)
            _reap_all()
            return
        if self.sees_own_processes:
            end_orphans(set(self.workers.values()))


def _reap(child: int, grace: float) -> Ending:
    """Wait `grace` seconds for a child's own end, then end it, and its process group."""
    handle = os.pidfd_open(child)
    try:
        poll = select.poll()
        poll.register(handle, select.POLLIN)
        poll.poll(grace * 1000)
    finally:
        os.close(handle)
    for end in (os.kill, os.killpg):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            end(child, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return Ending(code=code) if code >= 0 else Ending(signal=-code)


def _reap_all() -> None:
    with contextlib.suppress(ChildProcessError):
        while True:
            os.waitpid(-1, 0)


def end_orphans(spare: set[int]) -> None:
    """End the children of this process that are not to be spared, and those that come to it by that."""
    for _ in range(200):
        strays = [child for child in _children() if child not in spare]
        if not strays:
            return
        for child in strays:
            with contextlib.suppress(ProcessLookupError, ChildProcessError):
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)


def _children() -> list[int]:
    """Return the children of this process, orphans it has been given included."""
    own, found = os.getpid(), []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError, IndexError, ValueError):
                stat = Path("/proc", entry, "stat").read_text(errors="replace")
                if int(stat.rpartition(")")[2].split()[1]) == own:
                    found.append(int(entry))
    return found


class Nursery:
    """The checker's side of a nursery process."""

    def __init__(self, control: socket.socket, *, output_bytes: int) -> None:
        self._control = control
        self._output_bytes = output_bytes
        self._missing: set[str] = set(json.loads(control.recv(65536) or b'{"missing": ["nursery"]}')["missing"])

    @property
    def missing(self) -> frozenset[str]:
        """The walls that this system does not give."""
        return frozenset(self._missing)

    def start(self, listener: socket.socket | None = None) -> tuple[int, Connection]:
        """Start a worker that may listen on `listener`; return its number and the connection to it."""
        handed = [] if listener is None else [listener.fileno()]
        socket.send_fds(self._control, [json.dumps({"order": "start"}).encode()], handed)
        message, handles, _, _ = socket.recv_fds(self._control, 65536, 2)
        if not message:
            raise RuntimeError("the nursery process has ended")
        connection = Connection(socket.socket(fileno=handles[0]), handles[1], output_bytes=self._output_bytes)
        self._missing.update(read_hello(connection))
        return int(json.loads(message)["worker"]), connection

    def signal(self, worker: int, number: int) -> None:
        """Send a signal to a worker."""
        self._control.send(json.dumps({"order": "signal", "worker": worker, "number": number}).encode())

    def end(self, worker: int, *, grace: float = 0.0) -> Ending:
        """End a worker and all that it started; return how it ended."""
        self._control.send(json.dumps({"order": "end", "worker": worker, "grace": grace}).encode())
        return Ending(**json.loads(self._control.recv(65536)))

    def close(self) -> None:
        """Hang up: the nursery process ends, and everything below it."""
        self._control.close()


def read_hello(connection: Connection) -> list[str]:
    """Read what a new worker says first: the walls that it could not put up.

    Raises `RuntimeError` for a worker that did not start.
    """
    connection.set_deadline(60)
    try:
        hello, _ = read_frame(connection)
    except WireError as error:
        raise RuntimeError(f"a worker did not start: {error}") from None
    if "broken" in hello:
        raise RuntimeError(f"a worker did not start:\n{hello['broken']}")
    return [str(name) for name in hello["missing"]]
