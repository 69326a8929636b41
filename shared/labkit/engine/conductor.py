"""The conductor: takes the client's requests, lays out submissions, keeps deadlines, and passes results on.

It holds what nobody else may see together: submissions, seeds, environments, servers. It runs neither checks nor the
learner's code, and no child is forked from it: checkers and workers come from the zygote, which has read nothing.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import warnings
from collections import deque
from pathlib import Path
from typing import Any

from labkit.course.catalog import load_catalog
from labkit.course.lab import Lab
from labkit.course.tracks import Collected, Track, collect, lay_out
from labkit.engine.forks import ZygoteProcess
from labkit.engine.orders import Order
from labkit.engine.runs import Run
from labkit.engine.servers import Server, ServerError, Servers
from labkit.files import remove_tree
from labkit.sandbox import walls
from labkit.sandbox.job import Job
from labkit.sandbox.walls import Walls
from labkit.sandbox.wire import Closed, SocketStream, pack, read_frame

SILENCE = 90.0
"""Seconds that a check may take beyond its exercise's own limit before its checker is ended."""

LONGEST_LINE = 2**20
"""Bytes of what a checker says at once."""


class Conductor:
    """The loop. What waits for a server waits in a thread of its own; all else is done here."""

    def __init__(self, client: socket.socket, root: Path, *, jobs: int, fork: bool) -> None:
        self.client = client
        self.root = root
        self.jobs = jobs
        self.waiting: deque[dict[str, Any]] = deque()
        self.runs: dict[int, Run] = {}
        self.kept: tuple[str, ...] = ()
        self.lock = threading.Lock()
        self.selector = selectors.DefaultSelector()
        self.selector.register(client, selectors.EVENT_READ)
        self.servers = Servers(root, fork=fork, news=lambda text: self._send({"news": text}))
        self.zygote = ZygoteProcess(root) if fork else None
        if self.zygote:
            self.selector.register(self.zygote.channel, selectors.EVENT_READ)

    def serve(self) -> None:
        """Serve until the client hangs up."""
        try:
            while self._serve_once():
                pass
        finally:
            self._stop()

    def _serve_once(self) -> bool:
        for key, _ in self.selector.select(1.0 if self.runs else None):
            if key.fileobj is self.client:
                try:
                    request, _ = read_frame(SocketStream(self.client))
                except (Closed, ConnectionError):
                    return False
                self._accept(request)
            elif self.zygote and key.fileobj is self.zygote.channel:
                if not self._hear_zygote(self.zygote.receive()):
                    return False
            elif key.data.number in self.runs:
                self._hear(key.data)
        self._end_silent()
        while self.waiting and len(self.runs) < self.jobs:
            self._start(self.waiting.popleft())
        return True

    def _accept(self, request: dict[str, Any]) -> None:
        if "preload" not in request:
            self.waiting.append(request)
            return
        lab = load_catalog(self.root).lab(request["preload"])
        self._preload(lab, request["exercises"])
        self.kept = lab.services
        self._prepare_kept()

    def _prepare_kept(self) -> None:
        """Have a server of each kind wait for the next save, where somebody is going to save."""
        for name in self.kept:
            self.servers.prepare(name)

    def _preload(self, lab: Lab, exercises: list[str]) -> None:
        """Have the zygote import what the lab and its checks will need, so that no child has to."""
        if not self.zygote:
            return
        names = ["pytest", "labkit.checking.plugin", "labkit.checks", "labkit.engine.checker", *lab.preload]
        names += ["pyarrow", "pyarrow.ipc", "pyarrow.pandas_compat"] if "pandas" in lab.preload else []
        names += [name for exercise in lab.exercises if exercise.id in exercises for name in exercise.preload]
        files = [file for exercise in lab.exercises if exercise.id in exercises for file in exercise.files]
        self.zygote.send({"preload": names, "files": files})

    def _start(self, request: dict[str, Any]) -> None:
        lab = load_catalog(self.root).lab(request["lab"])
        self._preload(lab, request["exercises"])
        track = Track(request["track"], Path(request["folder"]), request["shown"])
        run = Run(request["id"], lab, tuple(request["exercises"]), request, track, collect(track, lab))
        self.runs[run.number] = run
        self._launch(run)

    def _launch(self, run: Run) -> None:
        """Have a checker carry out what of a run is not done yet, in a fresh workspace."""
        ours, theirs = socket.socketpair()
        run.begin_again(ours)
        with theirs:
            try:
                run.workspace = Path(tempfile.mkdtemp(prefix="lab-")).resolve()
                run.workspace.chmod(0o755)
                job = make_job(self.root, run.lab, run.collected, run.workspace, self.servers.folder)
                self._fork(run, theirs)
            except OSError as error:  # a disk that is full costs this run, not all
                self._send({"id": run.number, "broken": f"the checks could not be started: {error}"})
                self._finish(run, 3)
                return
        asked = run.request
        order = Order(
            self.root, run.lab.number, run.exercises, tuple(asked["checks"]), asked["seed"], asked["environment"],
            run.track, run.collected, job, tuple(run.reported),
        )  # fmt: skip
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # its end is noticed as any other
            order.send(ours)
        self.selector.register(ours, selectors.EVENT_READ, run)

    def _fork(self, run: Run, channel: socket.socket) -> None:
        """Have the nursery and the checker of a run forked, or start the checker as a fresh process."""
        if self.zygote:
            control, nursery = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            driver, run.second = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with control, nursery, driver:
                handles = [end.fileno() for end in (nursery, channel, control, driver)]
                self.zygote.send({"fork": run.number}, handles)
            return
        arguments = [sys.executable, "-P", "-s", "-m", "labkit.engine.checker", str(channel.fileno())]
        run.process = subprocess.Popen(arguments, pass_fds=[channel.fileno()], stdin=subprocess.DEVNULL)

    def _hear_zygote(self, message: dict[str, Any] | None) -> bool:
        """Take what the zygote says; return whether it lives."""
        if message is None:
            return False
        run = self.runs.get(message.get("ended", message.get("fork")) or 0)
        if "broken" in message:
            for affected in [run] if run else list(self.runs.values()):
                self._send({"id": affected.number, "broken": message["broken"]})
                if "fork" in message:
                    self._finish(affected, 3)
        elif run is not None:
            self._hear(run)
            if run.number in self.runs:
                self._finish(run, message["status"])
        return True

    def _hear(self, run: Run) -> None:
        """Pass on what the checker has said."""
        closed = False
        with contextlib.suppress(BlockingIOError):
            while not closed:
                try:
                    piece = run.channel.recv(2**16, socket.MSG_DONTWAIT)
                except ConnectionResetError:  # it ended before it had read all that it was told
                    piece = b""
                run.buffer += piece
                closed = not piece
        while (end := run.buffer.find(b"\n")) >= 0:
            line = bytes(run.buffer[:end])
            del run.buffer[: end + 1]
            self._pass_on(run, json.loads(line))
        if len(run.buffer) > LONGEST_LINE:
            run.buffer.clear()
            self._kill(run)
        if closed:
            if run.process is not None:
                self._finish(run, run.process.wait())
            else:
                with contextlib.suppress(KeyError):
                    self.selector.unregister(run.channel)  # the zygote says how it ended

    def _pass_on(self, run: Run, message: dict[str, Any]) -> None:
        if "ask" in message:
            run.waiting += 1
            threading.Thread(target=self._answer, args=(run, run.channel, message["ask"]), daemon=True).start()
        elif "announce" in message:
            run.announced(message["announce"])
        elif "begin" in message:
            run.began(*message["begin"])
        else:
            if "result" in message:
                run.has_reported(message["result"])
            run.broken = run.broken or "broken" in message
            self._send({"id": run.number, **message})

    def _answer(self, run: Run, channel: socket.socket, asked: dict[str, Any]) -> None:
        """Answer a checker that asks for a server, or gives one back. In a thread: a start takes its time."""
        begun = time.monotonic()
        try:
            answer = self._carry_out(run, channel, asked)
        except ServerError as error:
            answer = {"broken": str(error)}
        except Exception:  # whoever waits for an answer gets one
            answer = {"broken": traceback.format_exc()[-1000:]}
        if run.channel is channel:
            run.heard += time.monotonic() - begun
            run.waiting -= 1
        with contextlib.suppress(OSError):
            channel.sendall(pack(answer))

    def _carry_out(self, run: Run, channel: socket.socket, asked: dict[str, Any]) -> dict[str, Any]:
        if "release" in asked:
            run.servers.discard(asked["release"])
            self.servers.release(asked["release"])
            return {}
        if "second nursery" in asked:
            return self._fork_second(run)
        if "alive" in asked:
            return {"gone": self.servers.gone(asked["alive"])}
        if "template" in asked:
            return {"template": str(self.servers.template(str(asked["template"])))}
        return self._take(run, channel, str(asked["service"]))

    def _fork_second(self, run: Run) -> dict[str, Any]:
        """Have the nursery forked in which the checks drive a service: most runs need none."""
        if self.zygote is None or run.second is None:
            return {"broken": "there is no second nursery"}
        with run.second as end:
            run.second = None
            self.zygote.send({"fork": run.number}, [end.fileno()])
        return {}

    def _take(self, run: Run, channel: socket.socket, name: str) -> dict[str, Any]:
        server = self.servers.take(name, lambda text: self._send({"id": run.number, "note": text}))
        run.servers.add(server.number)
        if run.number not in self.runs or run.channel is not channel:  # it has ended meanwhile
            self.servers.release(server.number)
        if self.waiting or len(self.runs) > 1:
            self.servers.prepare(name)
        return described(server)

    def _finish(self, run: Run, status: int) -> None:
        """Tidy up after a checker; judge what it did not report, or name it."""
        with contextlib.suppress(KeyError):
            self.selector.unregister(run.channel)
        run.channel.close()
        run.close_second()
        for number in list(run.servers):
            with contextlib.suppress(Exception):  # what does not end well costs no other run
                self.servers.release(number)
        run.servers.clear()
        remove_tree(run.workspace)
        if (culprit := run.culprit(status)) is not None:
            self._pass_on(run, {"result": dataclasses.asdict(culprit)})
            if run.may_go_on():
                self._launch(run)
                return
        self._send({"id": run.number, "end": {"status": status, "missing": run.unreported()}})
        del self.runs[run.number]
        self._prepare_kept()

    def _end_silent(self) -> None:
        """End checkers whose check takes too long, whatever they have said meanwhile."""
        for run in self.runs.values():
            if not run.waiting and not run.late and time.monotonic() - run.heard > SILENCE + run.limit():
                run.late = True
                self._kill(run)

    def _kill(self, run: Run) -> None:
        if run.process is not None:
            run.process.kill()
        elif self.zygote is not None:
            self.zygote.send({"kill": run.number})

    def _send(self, message: dict[str, Any]) -> None:
        with self.lock, contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.client.sendall(pack(message))

    def _stop(self) -> None:
        for run in self.runs.values():
            if run.process is not None:
                run.process.kill()
                run.process.wait()
        if self.zygote:
            self.zygote.close()
        self.servers.close()
        for run in self.runs.values():
            remove_tree(run.workspace)


def described(server: Server) -> dict[str, Any]:
    """Return what a checker has to know of a server."""
    declared = server.declared
    return {
        "server": server.number, "title": declared.title, "address": server.address, "state": str(server.state),
        "port": declared.port, "client": {**declared.client, **declared.checked},
    }  # fmt: skip


def make_job(root: Path, lab: Lab, collected: Collected, workspace: Path, servers: Path) -> Job:
    """Lay out the workspace of a submission; return what its workers need to know.

    Args:
        servers: the folder with the states of all servers.
    """
    source, others = lay_out(collected, lab, root, workspace)
    work = workspace / "work"
    work.mkdir(mode=0o755)
    solutions = [folder for folder in (root / "solutions").glob("lab*_*") if folder.name != lab.package]
    libraries = [Path(entry) for entry in sys.path if entry and Path(entry).exists()]
    readable = [Path(sys.base_prefix), Path(sys.prefix), root / "shared", source, others, *libraries, *solutions]
    own = root / lab.solutions_dir
    hidden = [own, root / "tests", root / "labs", root / ".git", root / ".lab", servers]
    shut_in = Walls(readable=[path for path in readable if path != root], work=work, hidden=hidden)
    return Job(lab.package, (str(source), str(others)), lab.prepare or "", shut_in, lab.preload)


def main() -> None:
    """Be the conductor: `python -m labkit.engine.conductor ROOT CHANNEL JOBS MODE`."""
    root, channel, jobs, mode = sys.argv[1:5]
    warnings.simplefilter("ignore")
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    walls.become_subreaper()
    # It ends when the client hangs up, whatever became of it, and removes what it has made.
    Conductor(socket.socket(fileno=int(channel)), Path(root), jobs=int(jobs), fork=mode == "fork").serve()
    os._exit(0)


if __name__ == "__main__":
    main()
