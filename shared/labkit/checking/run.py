"""One run of a lab's checks on one submission: the context that the pytest plugin works in."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from labkit.checking.clients import DirectClient, WorkerClient
from labkit.checking.documents import Documents
from labkit.checking.doors import Doors
from labkit.checking.drivers import Drivers
from labkit.checking.faults import LearnerFault
from labkit.checking.fronts import Front, start_with_front
from labkit.checking.handles import LabHandle
from labkit.course.lab import Exercise, Lab
from labkit.course.marks import open_todos
from labkit.course.tracks import Collected, Track
from labkit.documents.readers import kind_of
from labkit.records import Outcome, Result
from labkit.sandbox.worker import Executor
from labkit.sandbox.workers import WorkerSource
from labkit.text import clean

IMPORTS, PARSES = "imports", "parses"
"""The names of the checks that stand for a file: a module is imported, any other file is taken and read."""


def _stands_for(file: str) -> tuple[str, str]:
    """Return the name and the title of the check that stands for a file."""
    is_module = file.endswith(".py")
    return (IMPORTS, f"`{file}` can be imported.") if is_module else (PARSES, f"`{file}` can be read.")


_DISK_FULL = """\
expected: room on the disk for one more worker
found: what this exercise has written before has filled the disk of the submission
help: write less, and remove what is not needed any more"""


@dataclass
class CheckRun:
    """What is checked, with what, and where the verdicts go.

    Args:
        source: starts workers; None runs the learner's code in this very process (plain pytest).
        doors: the ways to the servers that exercises need; None where nobody starts them (plain pytest).
        work: the folder whose sub-folders are the workers' own.
        report: called with each result.
        announce: called before that with the list of all that will come.
        begin: called with the exercise, the name and the title of a check that begins.
        done: checks that were judged before, by exercise and name: they are neither run nor reported.
        checks: run only these checks of the exercises, by name (none: all).
    """

    root: Path
    lab: Lab
    track: Track
    exercises: tuple[str, ...]
    collected: Collected
    source: WorkerSource | None
    doors: Doors | None
    work: Path
    report: Callable[[Result], None]
    announce: Callable[[list[tuple[str, str]]], None] = lambda expected: None
    seed: int = 0
    checks: tuple[str, ...] = ()
    begin: Callable[[str, str, str], None] = lambda exercise, check, title: None
    done: frozenset[tuple[str, str]] = frozenset()
    broken: dict[str, str] = field(default_factory=dict)
    drivers: Drivers = field(default_factory=lambda: Drivers(lambda: None))

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

    def open_lab(self, exercise: Exercise, *, listen: bool = False, doors: bool = True) -> LabHandle:
        """Start a worker for an exercise; return the handle to its lab.

        Args:
            listen: whether it can run a web service.
            doors: whether it is told of the servers that the exercise needs.
        """
        if self.source is None:
            direct = DirectClient(Executor(self.lab.package, self.work))
            lab = LabHandle(self.lab.package, direct, self.work, None, exercise.seconds)
        else:
            environment = self.doors.environment(exercise) if doors and self.doors and exercise.services else {}
            lab = self._open_worker(self.source, exercise, environment, listen=listen)
        lab._called = self._note_call
        lab._drive = self.drivers.drive
        return lab

    def _open_worker(
        self, source: WorkerSource, exercise: Exercise, environment: dict[str, str], *, listen: bool
    ) -> LabHandle:
        front: Front | None = None
        try:
            if listen:
                started, front = start_with_front(source, environment)
            else:
                started = source.start(environment=environment)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT) and not {"disk", "namespaces"} & source.missing:
                raise LearnerFault(_DISK_FULL) from None  # the disk is the submission's own
            raise
        number = started.number
        client = WorkerClient(
            started.connection,
            lambda grace: source.end(number, grace=grace),
            exercise.seconds,
            lambda signal: source.signal(number, signal),
        )
        return LabHandle(self.lab.package, client, self.work / str(number), front, exercise.seconds)

    def _note_call(self, module: str, name: str) -> None:
        self.last_call = (module, name)

    def where_asked(self, before: tuple[str, str] | None = None) -> str:
        """Return where the function stands that the check has called last; empty where that cannot be told.

        Args:
            before: the module and function that its fixtures have called, for a check that calls none itself.
        """
        called = self.last_call or before
        if called is None:
            return ""
        file, name = f"{called[0]}.py", called[1]
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
            check, title = _stands_for(file)
            if (number, check) in self.done:
                self._note_broken(file, number)
                continue
            self.begin(number, check, title)
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
            lab = self.open_lab(self.exercise(number), doors=False)
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
        check, title = _stands_for(file)
        self._note_broken(file, number)
        output = clean(self._output, 2000)
        self.report(Result(number, check, "failed", problem, self._seconds, title, output))
        self._seconds, self._output = 0.0, ""

    def _note_broken(self, file: str, number: str) -> None:
        check, done = _stands_for(file)[0], "imported" if file.endswith(".py") else "read"
        self.broken[file] = f"not run: {self.track.place(file)} cannot be {done} (see `{check}` of {number})"

    def before(self, number: str) -> tuple[Outcome, str] | None:
        """Return the verdict that an exercise has before any of its checks is run, if it has one."""
        exercise = self.exercise(number)
        if place := self.todos.get(number):
            return "todo", f"`TODO {number}` still stands in {place}; delete the line when the exercise is done"
        for earlier in exercise.after:
            if place := self.todos.get(earlier):
                return "todo", f"{exercise.builds_on(earlier)} and `TODO {earlier}` still stands in {place}"
        for file in exercise.files:
            if problem := self.broken.get(file) or self.collected.problems.get(file):
                return "failed", problem
        return None
