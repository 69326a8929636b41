"""The pytest plugin: selects the checks, gives them their handles, turns what happens into results.

The engine registers `CheckPlugin` with its own run. Plain pytest can use it too, with everything in one process:
`pytest -p labkit.checking.plugin --noconftest -c tests/labs/pytest.ini tests/labs/test_lab1_models.py --track labs`.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import sys
import tempfile
import time
import zlib
from collections.abc import Generator, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from labkit.checking import fixtures
from labkit.checking.clients import WorkerClient
from labkit.checking.doors import Door, Doors
from labkit.checking.faults import LearnerFault
from labkit.checking.handles import LabHandle
from labkit.checking.run import CheckRun
from labkit.checking.verdict import describe
from labkit.records import Outcome, Result
from labkit.text import clean, for_terminal
from labkit.tools import WITHOUT, is_there

if TYPE_CHECKING:
    import numpy as np

_ROUTINE = re.compile(r'^INFO:|"level": "INFO"')


def exercise_of(item: pytest.Item) -> str:
    """Return the exercise that a check belongs to. Raises `pytest.UsageError` for a test without one."""
    marker = item.get_closest_marker("exercise")
    if marker is None or not marker.args:
        raise pytest.UsageError(f'{item.nodeid}: a check needs `@exercise("N.M")`')
    return str(marker.args[0])


def _title(item: pytest.Item) -> str:
    """Return the sentence that a learner reads."""
    lines = (item.obj.__doc__ or item.name).strip() if isinstance(item, pytest.Function) else item.name
    return " ".join(lines.split())


class CheckPlugin:
    """Hooks and fixtures of one run."""

    def __init__(self, run: CheckRun) -> None:
        self.run = run
        self.outputs: list[str] = []
        self.fault: tuple[Outcome, str] | None = None
        self.started = 0.0
        self.shared: dict[str, list[LabHandle]] = {}  # by exercise
        self.shown: dict[int, int] = {}
        self.asked: dict[str, tuple[str, str]] = {}  # by fixture: what it has called last

    def pytest_configure(self, config: pytest.Config) -> None:
        """Name the marker, and bring in the fixtures of whole modules."""
        config.stash[fixtures.PLUGIN] = self
        config.pluginmanager.register(fixtures)
        config.addinivalue_line("markers", "exercise(number, needs): the exercise that a check belongs to")
        if self.run.source is not None:
            # Nobody reads pytest's own account of a failure here, and finding its source takes a third of a check.
            config.option.tbstyle = "no"

    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Keep the checks of the wanted exercises, in the order of the exercises."""
        wanted = {number: place for place, number in enumerate(self.run.exercises)}
        known = {exercise.id for exercise in self.run.lab.exercises}
        for item in items:
            if exercise_of(item) not in known:
                raise pytest.UsageError(f"{item.nodeid}: the lab has no exercise `{exercise_of(item)}`")
        chosen = [item for item in items if exercise_of(item) in wanted]
        if self.run.checks:
            chosen = [item for item in chosen if item.name.partition("[")[0] in self.run.checks]
        items[:] = sorted(chosen, key=lambda item: wanted[exercise_of(item)])
        self.run.announce([(exercise_of(item), item.name) for item in items])
        items[:] = [item for item in items if (exercise_of(item), item.name) not in self.run.done]

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """See first whether the files can be imported at all."""
        if not session.config.option.collectonly:
            self.run.try_imports()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
        """Run one check from its set-up to its end, and report it."""
        self.outputs, self.fault, self.started = [], None, time.monotonic()
        self.run.last_call = None
        title = _title(item)
        self.run.begin(exercise_of(item), item.name, title)
        result = yield
        verdict: tuple[Outcome, str] = self.fault or ("passed", "")
        outcome, message = self._with_trouble_at_doors(item, verdict)
        seconds = time.monotonic() - self.started
        output = clean("".join(self.outputs), 2000)
        self.run.report(Result(exercise_of(item), item.name, outcome, message, seconds, title, output))
        if self.run.doors and (nextitem is None or exercise_of(nextitem) != exercise_of(item)):
            self._leave(exercise_of(item), self.run.doors)
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> Generator[None, object, object]:
        """Note which function a fixture asks: a check that only looks at the answer is about that function."""
        before, self.run.last_call = self.run.last_call, None
        try:
            return (yield)
        finally:
            if self.run.last_call:
                self.asked[fixturedef.argname] = self.run.last_call
            self.run.last_call = self.run.last_call or before

    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Skip what need not run: the TODO stands, the file cannot be imported, a tool is missing."""
        self.fault = self.run.before(exercise_of(item)) or _missing_tool(item, self.run)
        if self.fault:
            pytest.skip(self.fault[1])

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
        """Keep the first thing that went wrong."""
        if call.excinfo and not self.fault:
            error = call.excinfo.value
            if isinstance(error, pytest.skip.Exception):
                self.fault = ("skipped", str(error))
            else:
                self.fault = self._describe(error, item)
        return (yield)

    def _with_trouble_at_doors(self, item: pytest.Item, verdict: tuple[Outcome, str]) -> tuple[Outcome, str]:
        """Where a door was shut or a server is gone, that is said, and not what followed from it."""
        if self.run.doors is None or verdict[0] not in ("passed", "failed"):
            return verdict
        trouble = self.run.doors.trouble(exercise_of(item))
        return verdict if trouble is None else self._describe(trouble, item)

    def _describe(self, error: BaseException, item: pytest.Item) -> tuple[Outcome, str]:
        outcome, message = describe(error, self.run.track.place)
        names = item.fixturenames if isinstance(item, pytest.Function) else []
        by_fixtures = [self.asked[name] for name in names if name in self.asked]
        place = self.run.where_asked(by_fixtures[-1] if by_fixtures else None)
        if outcome == "failed" and place and "\nwhere: " not in message:
            message += f"\nwhere: {place}"
        return outcome, message

    def open_shared(self, exercise: str, *, listen: bool = False) -> LabHandle:
        """Open a worker that several checks share."""
        lab = self.run.open_lab(self.run.exercise(exercise), listen=listen)
        self.shared.setdefault(exercise, []).append(lab)
        return lab

    def _leave(self, exercise: str, doors: Doors) -> None:
        """End the shared workers that talk to servers of an exercise, then those servers.

        A worker that lived on would find the next exercise's server at the address of its own, and speak to it.
        """
        if self.run.exercise(exercise).services:
            self._close_shared_of(exercise)
        doors.leave(exercise)

    def close_shared(self) -> None:
        """End the workers that checks have shared."""
        for exercise in list(self.shared):
            self._close_shared_of(exercise)

    def _close_shared_of(self, exercise: str) -> None:
        for lab in self.shared.pop(exercise, []):
            lab.close()

    @pytest.fixture
    def lab(self, request: pytest.FixtureRequest) -> Iterator[LabHandle]:
        """The learner's lab in a worker of its own."""
        lab = self.run.open_lab(self.run.exercise(exercise_of(request.node)))
        yield lab
        self.outputs.append(lab.close())

    @pytest.fixture
    def listening(self, request: pytest.FixtureRequest) -> Iterator[LabHandle]:
        """The learner's lab in a worker of its own that can run a web service."""
        lab = self.run.open_lab(self.run.exercise(exercise_of(request.node)), listen=True)
        yield lab
        self.outputs.append(_without_routine(lab.close()))

    @pytest.fixture
    def doors(self, request: pytest.FixtureRequest) -> Mapping[str, Door]:
        """The doors of this exercise by the name of the service; see `labkit.checking.doors`."""
        assert self.run.doors is not None
        return self.run.doors.of(self.run.exercise(exercise_of(request.node)))

    @pytest.fixture(autouse=True)
    def _shared_workers(self) -> Iterator[None]:
        """A shared worker has its full time for each check; what it prints belongs to the check at hand."""
        labs = [lab for shared in self.shared.values() for lab in shared]
        clients = [lab._client for lab in labs if isinstance(lab._client, WorkerClient)]
        for lab in labs:
            lab.refresh()
        yield
        for client in clients:
            text = client.connection.text()
            self.outputs.append(_without_routine(text[self.shown.get(id(client), 0) :]))
            self.shown[id(client)] = len(text)

    @pytest.fixture
    def rng(self, request: pytest.FixtureRequest) -> np.random.Generator:
        """A random generator, seeded anew for each run, so that no constant can meet a check."""
        return self.generator(request.node.name)

    def generator(self, name: str) -> np.random.Generator:
        """A random generator for this run and name."""
        import numpy as np

        return np.random.default_rng([self.run.seed, zlib.crc32(name.encode())])


def _without_routine(output: str) -> str:
    """Return the last of what a service printed, without the lines in which it tells that all is well."""
    told = "".join(line for line in output.splitlines(keepends=True) if not _ROUTINE.search(line))
    return told if len(told) < 1_800 else "…" + told[-1_800:].partition("\n")[2]


def _missing_tool(item: pytest.Item, run: CheckRun) -> tuple[Outcome, str] | None:
    marker = item.get_closest_marker("exercise")
    exercise = run.exercise(exercise_of(item))
    if exercise.services and run.doors is None:
        names = ", ".join(f"`{name}`" for name in exercise.services)
        return "skipped", f"{names} is not started by plain pytest; `lab check {exercise.id}` does it"
    needs = [
        *run.lab.needs,
        *exercise.needs,
        *(marker.kwargs.get("needs", ()) if marker else ()),
    ]
    for tool in needs:
        if tool in os.environ.get(WITHOUT, "").split(","):
            return "skipped", f"`{tool}` is not used here: it would run commands of the author with more rights"
        if not is_there(tool):
            return "skipped", f"`{tool}` is not there; `lab doctor` says how to get it"
    return None


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options for plain pytest."""
    group = parser.getgroup("labkit")
    group.addoption("--track", default="labs", help="labs, solutions or a folder")
    group.addoption("--exercise", action="append", default=[], help="check this exercise only")


def pytest_configure(config: pytest.Config) -> None:
    """Set up a run in this very process for plain pytest."""
    if any(isinstance(plugin, CheckPlugin) for plugin in config.pluginmanager.get_plugins()):
        return
    from labkit.course.catalog import find_root, load_catalog
    from labkit.course.tracks import collect, lay_out, resolve_track

    root = find_root()
    checks = Path(config.args[0].partition("::")[0])
    lab = load_catalog(root).lab(checks.stem.removeprefix("test_"))
    track = resolve_track(root, config.getoption("--track"), lab)
    collected = collect(track, lab)
    workspace = Path(tempfile.mkdtemp(prefix="lab-"))
    config.add_cleanup(lambda: shutil.rmtree(workspace))
    sys.path[:0] = [str(folder) for folder in lay_out(collected, lab, root, workspace)]
    exercises = tuple(config.getoption("--exercise")) or tuple(exercise.id for exercise in lab.exercises)
    seed = secrets.randbits(32)
    run = CheckRun(root, lab, track, exercises, collected, None, None, workspace, _print_result, seed=seed)
    config.pluginmanager.register(CheckPlugin(run))


def _print_result(result: Result) -> Any:
    if result.message:
        print(f"{result.exercise} {result.check}: {result.outcome}\n{for_terminal(result.message)}")


__all__ = ["CheckPlugin", "LearnerFault", "exercise_of"]
