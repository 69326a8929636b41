"""The nursery process: the parent of a submission's workers, forked from the zygote and told what to do over a socket.

It forks a worker for each check, ends it, and sweeps what it leaves behind. It stands inside the submission's
namespaces as their first process, so that the kernel ends everything with it. It never runs the learner's code itself
and knows nothing of the checks, nor of other submissions: what it needs to know is told to it after the fork.
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import io
import json
import os
import select
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from labkit.files import remove_tree
from labkit.sandbox import walls
from labkit.sandbox.connection import Ending
from labkit.sandbox.job import Job, worker_environment
from labkit.sandbox.wire import pack
from labkit.sandbox.worker import Executor, prepare, serve
from labkit.sandbox.workers import MESSAGE, connect_to_loopback, listen_on_loopback, open_listener

Handles = list[int]


def run_worker(
    job: Job,
    channel: socket.socket,
    folder: Path,
    *,
    namespaced: bool,
    user: int | None,
    environment: Mapping[str, str],
    listener: socket.socket | None = None,
) -> None:
    """Shut this process in and serve the checker until it hangs up. Never returns."""
    try:
        with contextlib.suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text("1000")
        keep = [end.fileno() for end in (channel, listener) if end is not None]
        missing = walls.confine(job.walls, folder, namespaced=namespaced, user=user, close_except=keep)
        own = worker_environment(folder, environment)
        os.environ.clear()
        os.environ.update(own)
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
    """The loop of the nursery: orders on a control socket, until the other side hangs up."""

    def __init__(self, control: socket.socket, *, process: int, namespaced: bool) -> None:
        self.control = control
        self.process = process  # in a PID namespace of its own, this process does not know which the host counts
        self.namespaced = namespaced
        self.root = os.getuid() == 0
        self.workers: dict[int, int] = {}
        self.started = 0
        self.sees_own_processes = False
        self.job: Job

    def run(self) -> None:
        """Serve until the other side is gone; then end everything that is left. Never returns."""
        try:
            job = self.control.recv(MESSAGE)
            if job:
                self._send(self._open(Job.from_json(json.loads(job))))
                while message := self.control.recv(MESSAGE):
                    order = json.loads(message)
                    self._send(*self._carry_out(order.pop("order"), order))
        finally:
            self.workers.clear()  # nobody waits for them any more: they end, too
            self._sweep()
            os._exit(0)

    def _send(self, answer: dict[str, Any], handles: Handles | None = None) -> None:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            message = {**answer, "handles": len(handles or [])}
            socket.send_fds(self.control, [json.dumps(message).encode()], handles or [])
        for number in handles or []:
            os.close(number)

    def _carry_out(self, name: str, order: dict[str, Any]) -> tuple[dict[str, Any], Handles]:
        known: dict[str, Callable[..., tuple[dict[str, Any], Handles]]] = {
            "start": self._start,
            "listen": lambda port: ({}, [listen_on_loopback(port).detach()]),
            "connect": lambda port: ({}, [connect_to_loopback(port).detach()]),
            "signal": self._signal,
            "end": self._end,
        }
        try:
            return known[name](**order)
        except OSError as error:
            return {"error": [error.errno, error.strerror or str(error)]}, []
        except Exception as error:  # an order that failed must not cost the other workers
            return {"error": [errno.EIO, f"{type(error).__name__}: {error}"[:500]]}, []

    def _open(self, job: Job) -> dict[str, Any]:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL if number == signal.SIGTERM else signal.SIG_IGN)
        walls.become_subreaper()
        walls.hide_memory()
        own = walls.settled(job.walls)
        missing = walls.furnish(own) if self.namespaced else ["namespaces"]
        self.sees_own_processes = not self.namespaced or "proc" not in missing
        seen = dataclasses.replace(own, private_shm=self.namespaced and "shm" not in missing)
        self.job = dataclasses.replace(job, walls=seen)
        return {"missing": missing}

    def _start(self, listen: int | None, path: str, environment: dict[str, str]) -> tuple[dict[str, Any], Handles]:
        self.started += 1
        folder = self.job.walls.work / str(self.started)
        folder.mkdir(mode=0o700, exist_ok=True)
        user = walls.spare_user(self.process, self.started) if self.root else None
        listener = open_listener(folder, listen, path)
        if user is not None:
            give_to(folder, user)
        ours, theirs = socket.socketpair()
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            self._become_worker(theirs, writing, folder, user, environment, listener)
        port = 0
        if listener is not None:
            port = 0 if path else int(listener.getsockname()[1])
            listener.close()
        theirs.close()
        os.close(writing)
        self.workers[self.started] = child
        return {"worker": self.started, "port": port}, [ours.detach(), reading]

    def _become_worker(
        self,
        channel: socket.socket,
        output: int,
        folder: Path,
        user: int | None,
        environment: dict[str, str],
        listener: socket.socket | None,
    ) -> None:
        try:
            os.setsid()
            quiet = os.open(os.devnull, os.O_RDONLY)
            os.dup2(quiet, 0)
            os.dup2(output, 1)
            os.dup2(output, 2)
            run_worker(
                self.job, channel, folder,
                namespaced=self.namespaced, user=user, environment=environment, listener=listener,
            )  # fmt: skip
        finally:
            os._exit(70)

    def _signal(self, worker: int, number: int) -> tuple[dict[str, Any], Handles]:
        with contextlib.suppress(KeyError, ProcessLookupError):
            os.kill(self.workers[worker], number)
        return {}, []

    def _end(self, worker: int, grace: float) -> tuple[dict[str, Any], Handles]:
        ending = _reap(self.workers.pop(worker), grace)
        self._sweep()
        remove_tree(self.job.walls.work / str(worker))
        return dataclasses.asdict(ending), []

    def _sweep(self) -> None:
        """End every process below this one that is not a worker in use."""
        if self.namespaced and not self.workers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(-1, signal.SIGKILL)
            _reap_all()
            return
        if self.sees_own_processes:
            end_orphans(set(self.workers.values()))


def give_to(folder: Path, user: int) -> None:
    """Make `user` the owner of a folder and of what is in it."""
    os.chown(folder, user, user)
    for path in folder.rglob("*"):
        os.chown(path, user, user, follow_symlinks=False)


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
