"""The client of the engine: starts the conductor, sends it what to check, gives back reports."""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from labkit.course.lab import Lab
from labkit.course.labtoml import PATIENCE
from labkit.course.tracks import Track
from labkit.engine.runs import PYTEST_BROKE
from labkit.records import Report, Result
from labkit.sandbox.wire import Closed, SocketStream, pack, read_frame
from labkit.tools import WITHOUT

Mode = Literal["auto", "fork", "spawn"]

KEPT = ("PATH", "LANG", "TZ", "SYSTEMROOT", "TMPDIR")
"""Variables that every process of the engine keeps."""

FOR_CHECKERS = ("HOME", "DOCKER_HOST", "DOCKER_CONTEXT", "KUBECONFIG", "XDG_RUNTIME_DIR", WITHOUT)
"""Variables that only the trusted checker is given, for exercises that build or apply something."""

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS", "LOKY_MAX_CPU_COUNT")

LAYERS = {
    "namespaces": "no namespaces: processes and the network of this machine are in sight of the learner's code",
    "files": "no Landlock: the learner's code can read what this user can read, solutions and checks among them",
    "user": "the learner's code runs with this user's rights",
    "calls": "no filter of system calls: the learner's code can reach sockets that have a path, such as Docker's",
    "root": "no root of its own: the learner's code sees the names of this machine's files",
    "proc": "no /proc of its own: the learner's code sees the list of this machine's processes",
    "disk": "no disk quota: the learner's code can fill the temporary folder",
}


class EngineError(Exception):
    """The engine itself broke."""


def default_mode() -> Literal["fork", "spawn"]:
    """Return how processes are started here: forked where that is safe (Linux), else fresh.

    The environment's `LABKIT_START` ("fork" or "spawn") decides otherwise.
    """
    wanted = os.environ.get("LABKIT_START", "")
    if wanted in ("fork", "spawn"):
        return "fork" if wanted == "fork" else "spawn"
    return "fork" if sys.platform == "linux" else "spawn"


def engine_environment(root: Path) -> dict[str, str]:
    """Return the environment of the engine: no secrets, one thread per process, a cache folder of the course's own."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in KEPT or name.startswith("LC_") or name in ("LABKIT_DEBUG", PATIENCE)
    }
    cache = root / ".lab" / "cache"
    return {
        **kept,
        **dict.fromkeys(THREADS, "1"),
        "DO_NOT_TRACK": "true",  # no tool that a lab uses reports home
        "MPLBACKEND": "Agg",
        "MPLCONFIGDIR": str(cache / "matplotlib"),
        "SQLITE_TMPDIR": ".",  # SQLite remembers the first that it sees, and a worker may write its own folder only
        "PYTHONHASHSEED": "random",
        "PYTHONUTF8": "1",
        "HOME": str(cache),
    }


class Engine:
    """A warm engine: a conductor process and what it starts. A context manager: leaving it ends all of it.

    Args:
        root: the trusted checkout, whose checks and solutions are used.
        mode: "fork", "spawn", or "auto" for what is safe on this system.
        jobs: how many submissions, or exercises of one, are checked at a time.
        on_news: called with a line about what takes a while, such as the first start of a server.

    Raises:
        EngineError: from `run` and `run_many`, where the engine's process ends.
    """

    def __init__(
        self, root: Path, *, mode: Mode = "auto", jobs: int = 1, on_news: Callable[[str], None] = lambda text: None
    ) -> None:
        self.root = root.resolve()
        self.mode = default_mode() if mode == "auto" else mode
        self.jobs = jobs
        self.on_news = on_news
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: socket.socket | None = None
        self._number = 0

    def __enter__(self) -> Self:
        (self.root / ".lab" / "cache").mkdir(parents=True, exist_ok=True)
        self._channel, theirs = socket.socketpair()
        arguments = [sys.executable, "-P", "-s", "-m", "labkit.engine.conductor"]
        self._process = subprocess.Popen(
            [*arguments, str(self.root), str(theirs.fileno()), str(self.jobs), self.mode],
            pass_fds=[theirs.fileno()], env=engine_environment(self.root), stdin=subprocess.DEVNULL, cwd=self.root,
            process_group=0,  # Ctrl-C is the client's alone, also while this one still imports
        )  # fmt: skip
        theirs.close()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._channel:
            self._channel.close()
        if self._process:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(10)
            self._process.kill()
            self._process.wait()

    def preload(self, lab: Lab, exercises: Sequence[str] | None = None) -> None:
        """Have the libraries of a lab's exercises (None: all) imported while the caller does something else."""
        wanted = _ids(lab, exercises)
        self._send({"preload": lab.number, "exercises": wanted})

    def run(
        self,
        lab: Lab,
        exercises: Sequence[str] | None,
        track: Track,
        *,
        on_result: Callable[[Result], None] | None = None,
        seed: int | None = None,
    ) -> Report:
        """Check exercises of a lab (None: all) on one track, `jobs` of them at a time; return the report.

        Args:
            on_result: called with each result as it comes.
            seed: draws the checks' inputs again as in an earlier run.
        """
        wanted = _ids(lab, exercises)
        shares = [wanted] if self.jobs == 1 else [[one] for one in wanted]
        seeds = [secrets.randbits(32) if seed is None else seed] * len(shares)
        parts = self._run_all(lab, shares, [track] * len(shares), on_result, None, seeds)
        notes = dict.fromkeys(note for part in parts for note in part.notes)
        results: list[Result] = []
        for part in parts:
            # That the checks as a whole could not be run is told by each part.
            told = {one.message for one in results if one.check == "engine"}
            results += [one for one in part.results if one.check != "engine" or one.message not in told]
        return Report(lab.number, track.name, tuple(results), tuple(notes))

    def run_many(
        self,
        lab: Lab,
        tracks: Sequence[Track],
        *,
        exercises: Sequence[str] | None = None,
        checks: Sequence[Sequence[str]] = (),
        seeds: Sequence[int] = (),
        on_report: Callable[[Report], None] | None = None,
    ) -> list[Report]:
        """Check exercises of a lab (None: all) on many tracks, `jobs` at a time; return the reports in their order.

        Args:
            checks: for each track the only checks of the exercises to run, by name (none: all).
            seeds: for each track what its checks' inputs are drawn from (none: anything).
            on_report: called with each report as it comes.
        """
        return self._run_all(lab, [_ids(lab, exercises)] * len(tracks), tracks, None, on_report, seeds, checks)

    def _run_all(
        self,
        lab: Lab,
        exercises: Sequence[list[str]],
        tracks: Sequence[Track],
        on_result: Callable[[Result], None] | None,
        on_report: Callable[[Report], None] | None,
        seeds: Sequence[int],
        checks: Sequence[Sequence[str]] = (),
    ) -> list[Report]:
        open_runs: dict[int, _Collector] = {}
        reports: dict[int, Report] = {}
        for place, (wanted, track) in enumerate(zip(exercises, tracks, strict=True)):
            self._number += 1
            chosen = seeds[place] if seeds else secrets.randbits(32)
            self._send(self._request(lab, wanted, checks[place] if checks else (), track, chosen))
            open_runs[self._number] = _Collector(lab, track, wanted, place, on_result)
        while open_runs:
            message = self._receive()
            if "news" in message:
                self.on_news(message["news"])
                continue
            collector = open_runs[message["id"]]
            if (report := collector.take(message)) is not None:
                del open_runs[message["id"]]
                reports[collector.place] = report
                if on_report:
                    on_report(report)
        return [reports[place] for place in range(len(tracks))]

    def _request(
        self, lab: Lab, exercises: list[str], checks: Sequence[str], track: Track, seed: int
    ) -> dict[str, Any]:
        environment = {name: os.environ[name] for name in FOR_CHECKERS if name in os.environ}
        return {
            "id": self._number, "lab": lab.number, "exercises": exercises, "checks": list(checks), "track": track.name,
            "shown": track.shown, "folder": os.path.abspath(track.folder), "seed": seed, "environment": environment,
        }  # fmt: skip

    def _send(self, message: dict[str, Any]) -> None:
        if self._channel is None:
            raise EngineError("use the engine in a `with` block")
        try:
            self._channel.sendall(pack(message))
        except OSError as error:
            raise EngineError(f"the engine's process has ended: {error}") from None

    def _receive(self) -> dict[str, Any]:
        assert self._channel is not None
        try:
            message, _ = read_frame(SocketStream(self._channel))
        except (Closed, OSError) as error:
            raise EngineError(f"the engine's process has ended: {error}") from None
        return dict(message)


def _ids(lab: Lab, exercises: Sequence[str] | None) -> list[str]:
    """The numbers of these exercises; None: of all of the lab."""
    return list(exercises or (exercise.id for exercise in lab.exercises))


class _Collector:
    """Gathers the messages of one run into a report."""

    def __init__(
        self, lab: Lab, track: Track, wanted: list[str], place: int, on_result: Callable[[Result], None] | None
    ) -> None:
        self.lab = lab
        self.track = track
        self.wanted = wanted
        self.place = place
        self.on_result = on_result
        self.results: list[Result] = []
        self.notes: list[str] = []
        self.broken = ""

    def take(self, message: dict[str, Any]) -> Report | None:
        """Take one message; return the report with the last one."""
        if "result" in message:
            self._add(Result(**message["result"]))
        elif "broken" in message:
            self.broken = str(message["broken"])
        elif "missing" in message:
            self.notes += [LAYERS[name] for name in message["missing"] if name in LAYERS]
        elif "note" in message:
            self.notes.append(str(message["note"]))
        elif "end" in message:
            self._fill_in(message["end"])
            order = {number: place for place, number in enumerate(self.wanted)}
            results = sorted(self.results, key=lambda result: order.get(result.exercise, -1))
            return Report(self.lab.number, self.track.name, tuple(results), tuple(self.notes))
        return None

    def _add(self, result: Result) -> None:
        self.results.append(result)
        if self.on_result:
            self.on_result(result)

    def _fill_in(self, end: dict[str, Any]) -> None:
        """Name what was not reported: a check that must report and did not has failed."""
        if end["missing"] is None or (self.broken and not end["missing"]):
            text = f"the checks could not be run (status {end['status']})\n{self.broken}".strip()
            self._add(Result(self.wanted[0], "engine", "error", text, 0.0))
            return
        for exercise, check in end["missing"]:
            text = f"no verdict: the check ended before it could report (status {end['status']})\n{self.broken}".strip()
            own_fault = self.broken or end["status"] in PYTEST_BROKE
            self._add(Result(exercise, check, "error" if own_fault else "failed", text, 0.0))
        if not self.results:
            text = "there are no checks for what was asked"
            self._add(Result(self.wanted[0], "engine", "error", text, 0.0))
