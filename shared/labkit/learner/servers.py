"""`lab up`: the servers of a lab, started together, waited for, and ended together."""

from __future__ import annotations

import contextlib
import http.client
import os
import queue
import re
import shutil
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

# Of honcho the parts that start a process group behind a pipe and print its lines, not the `Manager`: that waits for
# no health, knows no SIGHUP, learns of a server's end only when the last of its children has closed the pipe, and
# leaves behind what has left the group.
from honcho.process import Popen

from labkit.course.services import Service
from labkit.learner.families import end_family
from labkit.learner.ports import HOST
from labkit.sandbox.walls import become_subreaper
from labkit.tools import find_program, own_path

STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_KEPT_LINES = 12
_TICK = 0.2


@dataclass(frozen=True)
class Plan:
    """One server to run, on a port of its choice, with its state in a folder that is made where it is missing.

    `root` is that of the course. `elsewhere` are the ports of the other servers that are not where everybody knows
    them, by the port that everybody knows.
    """

    name: str
    declared: Service
    port: int
    state: Path
    root: Path
    elsewhere: Mapping[int, int] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """What a person calls it."""
        return self.declared.title

    @property
    def url(self) -> str:
        """Its address, without a slash at the end."""
        return f"http://{HOST}:{self.port}"

    @property
    def command(self) -> list[str]:
        """The program and its arguments."""
        program, *arguments = self.declared.command
        return [str(find_program(program) or program), *map(self._filled, arguments)]

    @property
    def config(self) -> Path:
        """Its configuration: the file itself, or a copy that names the other servers where they are."""
        return self.state / "config" / self._config.name if self.elsewhere else self._config

    @property
    def _config(self) -> Path:
        return Path(self.declared.config.format(state=self.state, root=self.root))

    def write_config(self) -> None:
        """Write that copy. The files beside it are linked, since it may name them."""
        if not self.declared.config or not self.elsewhere:
            return
        shutil.rmtree(self.config.parent, ignore_errors=True)
        self.config.parent.mkdir(parents=True)
        for other in self._config.parent.iterdir():
            (self.config.parent / other.name).symlink_to(other)
        self.config.unlink(missing_ok=True)
        address = re.compile(rf"\b({re.escape(HOST)}|localhost):(\d+)\b")
        written = self._config.read_text(encoding="utf-8")
        moved = address.sub(lambda found: f"{found[1]}:{self.elsewhere.get(int(found[2]), found[2])}", written)
        self.config.write_text(moved, encoding="utf-8")

    @property
    def client(self) -> dict[str, str]:
        """What those who talk to it have in their environment."""
        return {name: self._filled(text) for name, text in self.declared.client.items()}

    def environment(self, outside: Mapping[str, str], folders: Sequence[str]) -> dict[str, str]:
        """Return its whole environment; `folders` are what it imports from besides the libraries."""
        # A server that finds its own address there would take itself for a client.
        kept = {name: text for name, text in outside.items() if name not in self.declared.client}
        imports = os.pathsep.join(filter(None, [*folders, outside.get("PYTHONPATH", "")]))
        added = {"PATH": own_path(), "PYTHONUNBUFFERED": "1", **({"PYTHONPATH": imports} if imports else {})}
        return kept | added | {name: self._filled(text) for name, text in self.declared.environment.items()}

    def _filled(self, text: str) -> str:
        return text.format(port=self.port, state=self.state, url=self.url, root=self.root, config=self.config)


class ServerFault(Exception):
    """A server that ended by itself or was not ready in time; `lines` is what it said last."""

    def __init__(self, plan: Plan, what: str, lines: deque[str]) -> None:
        super().__init__(what)
        self.plan = plan
        self.what = what
        self.lines = lines


class Screen:
    """What is shown meanwhile; the terminal's own is in `labkit.render.servers`."""

    def starting(self, plans: Sequence[Plan]) -> None:
        """All of them are about to be started."""

    def ready(self, plan: Plan, seconds: float) -> None:
        """One answers."""

    def all_ready(self, plans: Sequence[Plan]) -> None:
        """All of them answer; from now on their lines are shown."""

    def line(self, plan: Plan, text: str) -> None:
        """One has written a line."""

    def ending(self) -> None:
        """They are asked to end."""


@dataclass(frozen=True)
class _Said:
    name: str
    text: str


@dataclass(frozen=True)
class _Ready:
    name: str


_Event = _Said | _Ready | signal.Signals


class _Running:
    """A server that was started: two threads read what it says, and ask whether it is ready."""

    def __init__(self, plan: Plan, folders: Sequence[str], events: queue.SimpleQueue[_Event]) -> None:
        self.plan = plan
        self.lines: deque[str] = deque(maxlen=_KEPT_LINES)
        self._events = events
        self._closing = threading.Event()
        plan.state.mkdir(parents=True, exist_ok=True)
        plan.write_config()
        self.process: subprocess.Popen[bytes] = Popen(
            plan.command,
            shell=False,
            cwd=plan.state,  # what it writes beside itself is kept, too
            env=plan.environment(os.environ, folders),
            stdin=subprocess.DEVNULL,
        )
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._read, self._ask)]
        for thread in self._threads:
            thread.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                self._events.put(_Said(self.plan.name, line.decode("utf-8", "replace").rstrip("\r\n")))

    def _ask(self) -> None:
        pause = 0.02
        while not self._closing.is_set():
            if is_healthy(self.plan):
                self._events.put(_Ready(self.plan.name))
                return
            self._closing.wait(pause)
            pause = min(pause * 1.5, 0.5)

    def fault(self, what: str) -> ServerFault:
        """Return what to raise about it."""
        return ServerFault(self.plan, what, self.lines)

    def end_text(self) -> str:
        """Return how it ended by itself, "" where it runs."""
        status = self.process.poll()
        if status is None:
            return ""
        if status < 0:
            return f"was ended by signal {-status} ({signal.strsignal(-status)})"
        return f"ended by itself with exit status {status}"

    def close(self) -> None:
        """Wait for the threads; the processes are gone."""
        self._closing.set()
        for thread in self._threads:
            thread.join(2)


def is_healthy(plan: Plan) -> bool:
    """Whether its health path answers with status 200."""
    connection = http.client.HTTPConnection(HOST, plan.port, timeout=5)
    try:
        connection.request("GET", plan.declared.health)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


class _Session:
    """All servers of one `lab up`. One thread, this one, shows and decides; the others only tell it."""

    def __init__(self, show: Screen) -> None:
        self._show = show
        self._events: queue.SimpleQueue[_Event] = queue.SimpleQueue()
        self._servers: dict[str, _Running] = {}
        self._waiting: dict[str, float] = {}
        self._streaming = False
        self._ending = False

    def stop(self, number: int, frame: FrameType | None) -> None:
        """What a signal calls."""
        self._events.put(signal.Signals(number))

    def run(self, plans: Sequence[Plan], folders: Sequence[str], seconds: float) -> None:
        """Start all, wait until they are ready, show what they say. Raises `KeyboardInterrupt` and `ServerFault`."""
        self._show.starting(plans)
        for plan in plans:
            self._waiting[plan.name] = time.monotonic()
            self._servers[plan.name] = _Running(plan, folders, self._events)
        end = time.monotonic() + seconds
        while self._waiting:
            self._step()
            if self._waiting and time.monotonic() > end:
                raise self._servers[next(iter(self._waiting))].fault(f"was not ready after {seconds:g} s")
        self._show.all_ready(plans)
        self._streaming = True
        while True:
            self._step()

    def _step(self) -> None:
        if self._handle(_TICK):
            raise KeyboardInterrupt
        for server in self._servers.values():
            if ended := server.end_text():
                raise server.fault(ended)

    def _handle(self, seconds: float) -> bool:
        """Wait for one event; return whether it is a signal to stop."""
        try:
            event = self._events.get(timeout=seconds)
        except queue.Empty:
            return False
        if isinstance(event, _Said):
            server = self._servers[event.name]
            server.lines.append(event.text)
            if self._streaming:
                self._show.line(server.plan, event.text)
        elif isinstance(event, _Ready):
            since = self._waiting.pop(event.name)
            if not self._ending:
                self._show.ready(self._servers[event.name].plan, time.monotonic() - since)
        # A `kill` comes twice where `make` hands it on: only Ctrl-C, again, says that somebody does not want to wait.
        return event == signal.SIGINT if self._ending else isinstance(event, signal.Signals)

    def end(self) -> None:
        """End everything, whatever happens to the terminal meanwhile; a second Ctrl-C does not wait for a good end."""
        self._ending = True
        self._careful(self._show.ending)
        end_family([server.process for server in self._servers.values()], self._pass)
        for server in self._servers.values():
            server.close()
        while not self._events.empty():
            self._pass(0)

    def _pass(self, seconds: float) -> bool:
        return self._careful(lambda: self._handle(seconds)) or False

    def _careful(self, call: Callable[[], bool | None]) -> bool | None:
        try:
            return call()
        except (OSError, SystemExit):  # nobody reads on: rich says it with SystemExit
            self._streaming = False
            return None


def run_servers(plans: Sequence[Plan], show: Screen, *, folders: Sequence[str], seconds: float) -> None:
    """Run servers until Ctrl-C, SIGTERM or SIGHUP, which end all of them: then `KeyboardInterrupt`.

    Args:
        plans: each with a port of its own.
        show: is told what happens.
        folders: what the servers import from besides the libraries.
        seconds: how long they may take to be ready.

    Raises `ServerFault` where one ends by itself or is not ready in time; the others are ended first.
    """
    become_subreaper()
    session = _Session(show)
    with _signals(session.stop):
        try:
            session.run(plans, folders, seconds)
        finally:
            session.end()


@contextlib.contextmanager
def _signals(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Have the signals that stop us call `handler`; one that is ignored, as by `nohup`, stays so."""
    old = {number: signal.getsignal(number) for number in STOPS}
    for number, before in old.items():
        if before is not signal.SIG_IGN:
            signal.signal(number, handler)
    try:
        yield
    finally:
        for number, before in old.items():
            signal.signal(number, before)
