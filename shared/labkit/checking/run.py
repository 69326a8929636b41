"""One run of a lab's checks on one submission: the context that the pytest plugin works in."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from labkit.checking.clients import DirectClient, WorkerClient
from labkit.checking.documents import Documents
from labkit.checking.handles import LabHandle
from labkit.course.lab import Exercise, Lab
from labkit.course.marks import open_todos
from labkit.course.tracks import Collected, Track
from labkit.documents.readers import kind_of
from labkit.records import Outcome, Result
from labkit.sandbox.connection import Connection, Ending
from labkit.sandbox.server import open_listener
from labkit.sandbox.worker import Executor
from labkit.text import clean

IMPORTS, PARSES = "imports", "parses"
"""The names of the checks that stand for a file: a module is imported, any other file is taken and read."""


class WorkerSource(Protocol):
    """Where workers come from: `labkit.sandbox.nursery` or `labkit.sandbox.spawn`."""

    @property
    def missing(self) -> frozenset[str]: ...
    def start(self, listener: socket.socket | None = None) -> tuple[int, Connection]: ...
    def signal(self, worker: int, number: int) -> None: ...
    def end(self, worker: int, *, grace: float = 0.0) -> Ending: ...


@dataclass
class CheckRun:
    """What is checked, with what, and where the verdicts go.

    Args:
        source: starts workers; None runs the learner's code in this very process (plain pytest).
        work: the folder whose sub-folders are the workers' own.
        report: called with each result.
        announce: called before that with the list of all that will come.
        checks: run only these checks of the exercises, by name (none: all).
    """

    root: Path
    lab: Lab
    track: Track
    exercises: tuple[str, ...]
    collected: Collected
    source: WorkerSource | None
    work: Path
    report: Callable[[Result], None]
    announce: Callable[[list[tuple[str, str]]], None] = lambda expected: None
    seed: int = 0
    checks: tuple[str, ...] = ()
    broken: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.last_call: tuple[str, str] | None = None
        self.documents = Documents(self.collected.texts, self.collected.problems, self.track.place)
        self.todos: dict[str, str] = {}
        for name, data in self.collected.texts.items():
            for exercise, line in open_todos(data.decode()).items():
                self.todos.setdefault(exercise, self.track.place(name, line))

    def exercise(self, number: str) -> Exercise:
        """Return an exercise of this lab."""
        return self.lab.exercise(number)

    def open_lab(self, seconds: float, *, listen: bool = False) -> LabHandle:
        """Start a worker and return the handle to the lab in it. With `listen` it can run a web service."""
        package = self.lab.package
        listener = open_listener() if listen else None
        if self.source is None:
            direct = DirectClient(Executor(package, self.work))
            lab = LabHandle(package, direct, self.work, listener, seconds)
        else:
            source = self.source
            worker, connection = source.start(listener)
            client = WorkerClient(
                connection,
                lambda grace: source.end(worker, grace=grace),
                seconds,
                lambda number: source.signal(worker, number),
            )
            lab = LabHandle(package, client, self.work / str(worker), listener, seconds)
        lab._called = self._note_call
        return lab

    def _note_call(self, module: str, name: str) -> None:
        self.last_call = (module, name)

    def where_asked(self) -> str:
        """Return where the function stands that the check has called last; empty where that cannot be told."""
        if self.last_call is None:
            return ""
        file, name = f"{self.last_call[0]}.py", self.last_call[1]
        for number, line in enumerate(self.collected.texts.get(file, b"").decode().splitlines(), 1):
            if line.startswith((f"def {name}(", f"class {name}")):
                return self.track.place(file, number)
        return ""

    def try_imports(self) -> None:
        """Import or read each file under check that has something to check; report those where that fails."""
        by_file: dict[str, str] = {}
        for number in self.exercises:
            if number not in self.todos:
                exercise = self.exercise(number)
                for file in (exercise.file, *(file for file in exercise.also if kind_of(file))):
                    by_file.setdefault(file, number)
        for file, number in by_file.items():
            started = time.monotonic()
            problem = self.collected.problems.get(file) or self.documents.problem(file)
            self._seconds = time.monotonic() - started
            if problem := problem or self._import_problem(file, number):
                self._broken(file, number, problem)

    def _import_problem(self, file: str, number: str) -> str:
        from labkit.checking.verdict import describe

        if not file.endswith(".py"):
            return ""
        started = time.monotonic()
        try:
            lab = self.open_lab(self.exercise(number).seconds)
        except RuntimeError:
            return ""  # each check will say so
        try:
            lab.load(file.removesuffix(".py").replace("/", "."))
        except Exception as error:
            self._seconds, self._output = time.monotonic() - started, lab.close()
            outcome, message = describe(error, self.track.place)
            if outcome == "error":
                raise
            return message
        lab.close()
        return ""

    _seconds: float = 0.0
    _output: str = ""

    def _broken(self, file: str, number: str, problem: str) -> None:
        check, done = (IMPORTS, "imported") if file.endswith(".py") else (PARSES, "read")
        self.broken[file] = f"not run: {self.track.place(file)} cannot be {done} (see `{check}` of {number})"
        title = f"`{file}` can be {done}."
        output = clean(self._output, 2000)
        self.report(Result(number, check, "failed", problem, self._seconds, title, output))
        self._seconds, self._output = 0.0, ""

    def before(self, number: str) -> tuple[Outcome, str] | None:
        """Return the verdict that an exercise has before any of its checks is run, if it has one."""
        exercise = self.exercise(number)
        if place := self.todos.get(number):
            return "todo", f"`TODO {number}` still stands in {place}; delete the line when the exercise is done"
        for earlier in exercise.after:
            if place := self.todos.get(earlier):
                return "todo", f"{number} builds on {earlier}, and `TODO {earlier}` still stands in {place}"
        for file in exercise.files:
            if problem := self.broken.get(file) or self.collected.problems.get(file):
                return "failed", problem
        return None
