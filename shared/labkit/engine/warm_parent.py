"""The warm parent: imports a lab's heavy libraries once and forks a checker and a nursery for each run.

It runs in a process and an environment of its own, never runs the learner's code or a check itself, and never
computes anything in parallel, or its children would hang. Requests come as frames on a socket, results go back.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import select
import selectors
import shutil
import signal
import socket
import sys
import tempfile
import time
import warnings
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from labkit.course.catalog import load_catalog
from labkit.course.lab import Lab
from labkit.course.tracks import Collected, Track, collect, lay_out
from labkit.documents.readers import get_ready
from labkit.sandbox import walls
from labkit.sandbox.nursery import Job, NurseryProcess
from labkit.sandbox.walls import Walls
from labkit.sandbox.wire import Closed, SocketStream, pack, read_frame

SILENCE = 90.0
"""Seconds that a checker may take beyond an exercise's own limit before it is ended."""


@dataclass
class Run:
    """One run of a lab's checks on one submission."""

    number: int
    lab: Lab
    track: Track
    exercises: tuple[str, ...]
    checks: tuple[str, ...]
    seed: int
    environment: dict[str, str]
    workspace: Path
    collected: Collected
    pid: int = 0
    handle: int = -1
    pipe: int = -1
    buffer: bytearray = field(default_factory=bytearray)
    expected: list[tuple[str, str]] | None = None
    reported: set[tuple[str, str]] = field(default_factory=set)
    heard: float = field(default_factory=time.monotonic)


class EngineProcess:
    """The loop of the warm parent."""

    def __init__(self, channel: socket.socket, root: Path, *, jobs: int, fork: bool) -> None:
        self.channel = channel
        self.root = root
        self.jobs = jobs
        self.fork = fork
        self.namespaces = fork
        self.waiting: deque[dict[str, Any]] = deque()
        self.runs: dict[int, Run] = {}
        self.selector = selectors.DefaultSelector()
        self.selector.register(channel, selectors.EVENT_READ)

    def serve(self) -> None:
        """Serve until the client hangs up."""
        while True:
            for key, _ in self.selector.select(5.0 if self.runs else 0.02 if self._reap() else None):
                if key.fileobj is self.channel:
                    try:
                        request, _ = read_frame(SocketStream(self.channel))
                    except (Closed, ConnectionError):
                        return self._stop()
                    self._accept(request)
                elif key.data.number in self.runs:
                    self._hear(key.data, ended=key.fd == key.data.handle)
            self._end_silent()
            while self.waiting and len(self.runs) < self.jobs:
                self._start(self.waiting.popleft())

    def _accept(self, request: dict[str, Any]) -> None:
        if "preload" in request:
            self._preload(load_catalog(self.root).lab(request["preload"]), request["exercises"])
        else:
            self.waiting.append(request)

    def _preload(self, lab: Lab, exercises: list[str]) -> None:
        """Import what the lab and its checks will need, so that no child has to."""
        if not self.fork:
            return
        names = ["pytest", "labkit.checking.plugin", "labkit.checks", "labkit.checking.checker", *lab.preload]
        names += ["pyarrow", "pyarrow.ipc", "pyarrow.pandas_compat"] if "pandas" in lab.preload else []
        names += [name for exercise in lab.exercises if exercise.id in exercises for name in exercise.preload]
        get_ready(file for exercise in lab.exercises if exercise.id in exercises for file in exercise.files)
        missing = [name for name in names if name not in sys.modules]
        for name in missing:
            importlib.import_module(name)
        if missing:
            gc.collect()
            gc.freeze()

    def _start(self, request: dict[str, Any]) -> None:
        lab = load_catalog(self.root).lab(request["lab"])
        self._preload(lab, request["exercises"])
        track = Track(request["track"], Path(request["folder"]), request["shown"])
        collected = collect(track, lab)
        workspace = Path(tempfile.mkdtemp(prefix="lab-")).resolve()
        workspace.chmod(0o755)
        run = Run(
            request["id"],
            lab,
            track,
            tuple(request["exercises"]),
            tuple(request["checks"]),
            request["seed"],
            request["environment"],
            workspace,
            collected,
        )
        run.pid, run.pipe = self._fork_checker(run) if self.fork else self._spawn_checker(request, run)
        reading = run.pipe
        os.set_blocking(reading, False)
        self.runs[run.number] = run
        self.selector.register(reading, selectors.EVENT_READ, run)
        if hasattr(os, "pidfd_open"):
            run.handle = os.pidfd_open(run.pid)
            self.selector.register(run.handle, selectors.EVENT_READ, run)

    def _fork_checker(self, run: Run) -> tuple[int, int]:
        """Fork the nursery and the checker of a run; return the checker's pid and the pipe that it tells results on."""
        job = make_job(self.root, run)
        control = self._open_nursery(job)
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            checker_process(self.root, run, job, control, writing)
        os.close(writing)
        control.close()
        return pid, reading

    def _spawn_checker(self, request: dict[str, Any], run: Run) -> tuple[int, int]:
        """The same with a fresh process."""
        import subprocess

        reading, writing = os.pipe()
        order = {**request, "root": str(self.root), "workspace": str(run.workspace), "pipe": writing}
        arguments = [sys.executable, "-P", "-s", "-m", "labkit.engine.checker_main", json.dumps(order)]
        process = subprocess.Popen(arguments, pass_fds=[writing], stdin=subprocess.DEVNULL)
        process.returncode = 0  # waited for here, by pid, and not by the object
        os.close(writing)
        return process.pid, reading

    def _open_nursery(self, job: Job) -> socket.socket:
        """Fork the parent of the submission's workers, in namespaces of its own where the system gives them."""
        if self.namespaces:
            control, pid = self._fork_nursery(job, namespaced=True)
            if os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0:
                return control
            control.close()
            self.namespaces = False
        return self._fork_nursery(job, namespaced=False)[0]

    def _fork_nursery(self, job: Job, *, namespaced: bool) -> tuple[socket.socket, int]:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        pid = os.fork()
        if pid:
            theirs.close()
            return ours, pid
        try:
            walls.close_all_but([theirs.fileno()])
            process = os.getpid()
            if namespaced:
                if not walls.unshare(network=job.walls.network):
                    os._exit(3)
                if os.fork():
                    os._exit(0)
            NurseryProcess(theirs, job, process=process, namespaced=namespaced).run()
        finally:
            os._exit(70)

    def _hear(self, run: Run, *, ended: bool) -> None:
        """Pass on what the checker has said; finish the run when the checker has ended."""
        closed = False
        with contextlib.suppress(BlockingIOError):
            while not closed:
                piece = os.read(run.pipe, 2**16)
                run.buffer += piece
                run.heard = time.monotonic()
                closed = not piece
        while (end := run.buffer.find(b"\n")) >= 0:
            line = bytes(run.buffer[:end])
            del run.buffer[: end + 1]
            self._pass_on(run, json.loads(line))
        if ended or (closed and run.handle < 0):
            self._finish(run)

    def _pass_on(self, run: Run, message: dict[str, Any]) -> None:
        if "announce" in message:
            run.expected = [(exercise, check) for exercise, check in message["announce"]]
            return
        if "result" in message:
            run.reported.add((message["result"]["exercise"], message["result"]["check"]))
        self._send({"id": run.number, **message})

    def _finish(self, run: Run) -> None:
        """Tidy up after a checker; name what it did not report."""
        for number in (run.pipe, run.handle):
            if number >= 0:
                self.selector.unregister(number)
                os.close(number)
        status = os.waitstatus_to_exitcode(os.waitpid(run.pid, 0)[1])
        self._send({"id": run.number, "end": {"status": status, "missing": self._unreported(run)}})
        del self.runs[run.number]
        remove_tree(run.workspace)
        self._reap()

    def _unreported(self, run: Run) -> list[tuple[str, str]] | None:
        return None if run.expected is None else [pair for pair in run.expected if pair not in run.reported]

    def _end_silent(self) -> None:
        """End checkers that have not been heard for too long."""
        for run in self.runs.values():
            limits = [exercise.seconds for exercise in run.lab.exercises if exercise.id in run.exercises]
            if time.monotonic() - run.heard > SILENCE + max(limits, default=0):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(run.pid, signal.SIGKILL)

    def _reap(self) -> bool:
        """Wait for nurseries that have ended, but not for checkers in use; return whether any child is left."""
        if not self.fork:
            return False
        busy = {run.pid for run in self.runs.values()}
        try:
            while (found := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)) and found.si_pid not in busy:
                os.waitpid(found.si_pid, 0)
        except ChildProcessError:
            return False
        return True

    def _send(self, message: dict[str, Any]) -> None:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.channel.sendall(pack(message))

    def _stop(self) -> None:
        for run in self.runs.values():
            with contextlib.suppress(ProcessLookupError):
                os.kill(run.pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(run.pid, 0)
        deadline = time.monotonic() + 5
        with contextlib.suppress(ChildProcessError):
            while time.monotonic() < deadline:
                if os.waitpid(-1, os.WNOHANG) == (0, 0):
                    select.select([], [], [], 0.01)
        for run in self.runs.values():
            remove_tree(run.workspace)


def make_job(root: Path, run: Run) -> Job:
    """Lay out the workspace of a submission; return what its workers need to know."""
    source, others = lay_out(run.collected, run.lab, root, run.workspace)
    work = run.workspace / "work"
    work.mkdir(mode=0o755)
    solutions = [folder for folder in (root / "solutions").glob("lab*_*") if folder.name != run.lab.package]
    libraries = [Path(entry) for entry in sys.path if entry and Path(entry).exists()]
    readable = [Path(sys.base_prefix), Path(sys.prefix), root / "shared", source, others, *libraries, *solutions]
    own = root / run.lab.solutions_dir
    hidden = [own, root / "tests", root / "labs", root / ".git", root / ".lab"]
    walls = Walls(readable=[path for path in readable if path != root], work=work, hidden=hidden)
    return Job(run.lab.package, (str(source), str(others)), run.lab.prepare or "", walls, run.lab.preload)


def checker_process(root: Path, run: Run, job: Job, control: socket.socket | None, pipe: int) -> None:
    """Be the checker of a run: trusted, but not the warm parent itself. Never returns."""
    status = 3
    try:
        walls.die_with_parent()
        walls.close_all_but([pipe, *([control.fileno()] if control else [])])
        status = run_as_checker(root, run, job, control, pipe)
    except BaseException:
        import traceback

        tell(pipe, {"broken": traceback.format_exc()[-3000:]})
    finally:
        os._exit(status)


def tell(pipe: int, message: dict[str, Any]) -> None:
    """Write one message to the engine, all of it."""
    data = memoryview(json.dumps(message).encode() + b"\n")
    while data:
        data = data[os.write(pipe, data) :]


def run_as_checker(root: Path, run: Run, job: Job, control: socket.socket | None, pipe: int) -> int:
    """Run the checks and tell each result; return pytest's exit status."""
    import dataclasses

    from labkit.checking.checker import run_checks
    from labkit.checking.run import CheckRun, WorkerSource
    from labkit.sandbox.nursery import Nursery
    from labkit.sandbox.spawn import SpawnedWorkers

    if not os.environ.get("LABKIT_DEBUG"):
        quiet = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(quiet, number)
    most = job.walls.limits.output_bytes
    nursery = Nursery(control, output_bytes=most) if control else SpawnedWorkers(job)
    source: WorkerSource = nursery
    os.environ.update(run.environment)
    check_run = CheckRun(
        root, run.lab, run.track, run.exercises, run.collected, source, job.walls.work,
        lambda result: tell(pipe, {"result": dataclasses.asdict(result)}),
        lambda expected: tell(pipe, {"announce": expected}),
        run.seed,
        run.checks,
    )  # fmt: skip
    try:
        status = run_checks(check_run)
    finally:
        tell(pipe, {"missing": sorted(nursery.missing), "seed": check_run.seed})
        nursery.close()
    return status


def remove_tree(folder: Path) -> None:
    """Remove a folder, also what a worker made unreadable."""
    for _ in range(2):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        for path in [folder, *folder.rglob("*")]:
            with contextlib.suppress(OSError):
                if path.is_dir() and not path.is_symlink():
                    path.chmod(0o700)


def main() -> None:
    """Be the engine: `python -m labkit.engine.warm_parent ROOT CHANNEL JOBS MODE`."""
    root, channel, jobs, mode = sys.argv[1:5]
    warnings.simplefilter("ignore")
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    walls.become_subreaper()
    walls.die_with_parent()
    EngineProcess(socket.socket(fileno=int(channel)), Path(root), jobs=int(jobs), fork=mode == "fork").serve()
    os._exit(0)


if __name__ == "__main__":
    main()
