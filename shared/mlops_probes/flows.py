"""What stands around a pipeline while it is checked: a quick model, a webhook that notes, faults, a process to kill.

Nothing here decides anything: what happened is asked of Prefect, of MLflow's store and of the warehouse.
"""

from __future__ import annotations

import builtins
import contextlib
import http.server
import importlib
import logging
import os
import re
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo


class Stage:
    """Sets up the learner's process for flows, until it ends.

    The model of `<package>.training` becomes a single tree, which trains in no time. MLflow keeps its record in a file.

    Args:
        package: the lab's package.
        database: MLflow's SQLite file, in the worker's folder.
        on_fit: called before each training.
    """

    def __init__(self, package: str, database: str, on_fit: Callable[[], object] | None = None) -> None:
        import mlflow

        os.environ["MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"] = "false"
        os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{Path(database).resolve()}"
        mlflow.set_tracking_uri(os.environ["MLFLOW_TRACKING_URI"])
        self.fits = 0
        self.fitted = 0  # rows of the newest training
        self.posts: list[str] = []
        self.package = package
        self.die_at: int | None = None
        self.tried: dict[str, str] = {}
        self._on_fit = on_fit
        self._training: Any = importlib.import_module(f"{package}.training")
        vars(self._training).update(fit=self._fit, TRUSTED=["sklearn.tree._tree.Tree"])

    def _fit(self, train: Any) -> Any:
        import numpy as np
        from sklearn.compose import TransformedTargetRegressor
        from sklearn.tree import DecisionTreeRegressor

        self.fits += 1
        self.fitted = len(train)
        if self.fits == self.die_at:
            os.kill(os.getpid(), signal.SIGKILL)
        if self._on_fit is not None:
            self._on_fit()
        # What matters most, and nothing that changes with the days: no sample may be too hard for it.
        rows = self._training.inputs_of(train)
        rows[rows.columns.difference(["sqft_living", "grade", "lat"])] = 0.0
        tree = DecisionTreeRegressor(min_samples_leaf=8, random_state=0)
        return TransformedTargetRegressor(tree, func=np.log1p, inverse_func=np.expm1).fit(rows, train["price"])

    def try_at(self, places: list[str], target: str, month: str, warehouse: str) -> None:
        """At the next call of each place (`module.function` of the package), try to hold a month of a warehouse.

        `tried` has, by the place, the class of what that raised, or "".
        """
        for place in places:
            self._try_at(place, target, month, warehouse)

    def _try_at(self, place: str, target: str, month: str, warehouse: str) -> None:
        function = _find(f"{self.package}.{place.replace('.', ':')}")

        def trying(*args: Any, **kwargs: Any) -> Any:
            if place not in self.tried:
                self.tried[place] = _enter(target, month, warehouse)
            return function(*args, **kwargs)

        _replace(function, trying, self.package)

    def count_fits(self) -> int:
        """How often a model was trained since the last time that this was asked."""
        fits, self.fits = self.fits, 0
        return fits

    def listen(self, variable: str) -> None:
        """Open a webhook and put its address into an environment variable."""
        posts = self.posts

        class Hook(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                posts.append(self.rfile.read(int(self.headers["Content-Length"] or 0)).decode(errors="replace"))
                self.send_response(204)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hook)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        os.environ[variable] = f"http://127.0.0.1:{server.server_port}/hook"

    def take_posts(self) -> list[str]:
        """What came to the webhook since the last time that this was asked."""
        posts, self.posts[:] = list(self.posts), []
        return posts

    def in_child(self, target: str, die_at: int | None, *args: Any, **kwargs: Any) -> int:
        """Call `module:function` in a process of its own; return how that ended (-9 where it was killed).

        It kills itself before its training number `die_at`. Call this before anything has started a thread.
        """
        child = os.fork()
        if child == 0:
            self.die_at = die_at
            status = 1
            try:
                with no_heartbeat():
                    _find(target)(*args, **kwargs)
                status = 0
            finally:
                os._exit(status)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def no_heartbeat() -> contextlib.AbstractContextManager[Any]:
    """Flows without the heartbeat of Prefect 3: its thread sleeps a second, and the end of a flow waits for it."""
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

    return temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None})


def _find(target: str) -> Any:
    module, _, name = target.partition(":")
    return getattr(importlib.import_module(module), name)


def _replace(old: object, new: object, package: str) -> None:
    """Put one thing in the place of another wherever a module of the package has it, also by `from … import …`."""
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] == package and module is not None:
            vars(module).update({key: new for key, value in list(vars(module).items()) if value is old})


class Fault:
    """Has a function fail some times, until `stop`.

    Args:
        target: `module:function`.
        kind: the builtin exception that it raises.
        times: how often it fails; after that it works.
        after: whether it does its work first, and fails then: the answer is lost on its way.
        only: it fails and is counted where this is one of its arguments.
    """

    def __init__(
        self, target: str, kind: str, message: str, times: int = 1, *, after: bool = False, only: str = ""
    ) -> None:
        self._function = function = _find(target)
        self.calls = 0

        def failing(*args: Any, **kwargs: Any) -> Any:
            is_meant = not only or only in (*args, *kwargs.values())
            self.calls += is_meant
            if not is_meant or self.calls > times:
                return function(*args, **kwargs)
            if after:
                function(*args, **kwargs)
            raise getattr(__import__("builtins"), kind)(message)

        self._failing, self._package = failing, target.partition(".")[0]
        _replace(function, failing, self._package)

    def stop(self) -> int:
        """Put the function back; return how often it was called."""
        _replace(self._failing, self._function, self._package)
        return self.calls


def attempt(target: str, *args: Any, **kwargs: Any) -> list[Any]:
    """Call `module:function`; return `["answer", it]`, or `["error", class, message]`. Flows have no heartbeat."""
    try:
        with no_heartbeat():
            return ["answer", _find(target)(*args, **kwargs)]
    except Exception as error:
        return ["error", _class_of(error), str(error)]


def _class_of(error: Exception) -> str:
    """The class of an error; of one that a learner has derived, the given or built-in one that it is derived from."""
    kinds = type(error).__mro__
    return next(
        kind.__name__ for kind in kinds if kind.__name__ == "MonthRefused" or not re.match(r"lab\d", kind.__module__)
    )


def attempt_with_a_swap(target: str, args: list[Any], other: str) -> list[Any]:
    """As `attempt`; the file `args[0]` becomes the file `other` where it is opened for the second time."""
    opened = 0

    def hook(event: str, details: tuple[Any, ...]) -> None:
        nonlocal opened
        if event == "open" and isinstance(details[0], str | os.PathLike) and os.fspath(details[0]) == args[0]:
            opened += 1
            if opened == 2:
                os.replace(other, args[0])

    sys.addaudithook(hook)  # it stays, and has nothing more to do
    return attempt(target, *args)


def results_of_two_codes(module: str, results: str) -> list[Any]:
    """Run a task with the options `KEPT`, then one of the same name and inputs with other code; return both answers.

    Their results are kept in the folder `results`.
    """
    from prefect import flow, task

    options = {**importlib.import_module(module).KEPT, "result_storage": Path(results), "name": "step"}

    def old_code(number: int) -> str:
        return "old"

    def new_code(number: int) -> str:
        return "new" if number else "none"

    @flow(name="two-codes")
    def two_codes() -> list[Any]:
        return [task(**options)(code)(1) for code in (old_code, new_code)]

    with no_heartbeat():
        return two_codes()


class Holding:
    """Holds the lock of a month in a warehouse until `stop`."""

    def __init__(self, target: str, month: str, warehouse: str) -> None:
        self._stack = contextlib.ExitStack()
        self._stack.enter_context(_find(target)(month, Path(warehouse)))

    def stop(self) -> None:
        """Let go."""
        self._stack.close()


def hold_twice(target: str, first: list[str], second: list[str]) -> list[str]:
    """Hold a month of a warehouse, and meanwhile a second one; return the class of what was raised for each.

    "" for each that was entered.
    """
    try:
        with _find(target)(first[0], Path(first[1])):
            return ["", _enter(target, *second)]
    except Exception as error:
        return [_class_of(error), ""]


def _enter(target: str, month: str, warehouse: str) -> str:
    try:
        with _find(target)(month, Path(warehouse)):
            return ""
    except Exception as error:
        return _class_of(error)


def raise_holding(target: str, kind: str, month: str, warehouse: str) -> list[str]:
    """Raise a builtin exception while a month is held, then hold it anew; return the classes of what came out of both.

    "" for nothing.
    """
    came_out = ""
    try:
        with _find(target)(month, Path(warehouse)):
            raise getattr(builtins, kind)("it went wrong")
    except Exception as error:
        came_out = type(error).__name__
    return [came_out, _enter(target, month, warehouse)]


def notice_of_failure(target: str, parameters: dict[str, Any], message: str, without: str = "") -> str:
    """Call a hook for a flow that failed with a RuntimeError, without an environment variable; return what it raised.

    The class of it, or "".
    """
    from uuid import uuid4

    from prefect import flow
    from prefect.client.schemas.objects import FlowRun
    from prefect.states import Failed

    @flow(name="yearly")
    def yearly() -> None:
        pass

    said = f"Flow run encountered an exception: RuntimeError: {message}"
    state: Any = Failed(data=RuntimeError(message), message=said)
    run = FlowRun(flow_id=uuid4(), name="brave-owl", parameters=parameters, state=state)
    address = os.environ.pop(without, None)
    try:
        _find(target)(yearly, run, state)
    except Exception as error:
        return type(error).__name__
    finally:
        if address is not None:
            os.environ[without] = address
    return ""


def die_holding(target: str, month: str, warehouse: str) -> int:
    """Hold a month in a process of its own that is killed meanwhile; return how that ended (-9: so it did)."""
    child = os.fork()
    if child == 0:
        try:
            with _find(target)(month, Path(warehouse)):
                os.kill(os.getpid(), signal.SIGKILL)
        finally:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _tasks_of(module: str) -> list[Any]:
    from prefect import Task

    return [value for value in vars(importlib.import_module(module)).values() if isinstance(value, Task)]


def timeouts(module: str) -> dict[str, float | None]:
    """The limit in seconds of each task of Prefect's in a module, by the name of the task."""
    return {one.name: one.timeout_seconds for one in _tasks_of(module)}


def expirations(module: str) -> dict[str, float | None]:
    """After how many seconds what a task has computed grows old, for each task of a module; None: never."""
    ages = {one.name: one.cache_expiration for one in _tasks_of(module)}
    return {name: None if age is None else age.total_seconds() for name, age in ages.items()}


def says_of_error(target: str, words: str) -> Any:
    """What `module:function` says of a task that failed with an error: one of those that the judge has words for."""
    from uuid import uuid4

    from mlflow.exceptions import MlflowException
    from prefect import Task
    from prefect.client.schemas.objects import TaskRun
    from prefect.context import TaskRunContext
    from prefect.states import Failed

    refused = importlib.import_module(f"{target.partition('.')[0]}.storage").MonthRefused
    kinds = {"ConnectionError": ConnectionError, "OSError": OSError, "TimeoutError": TimeoutError,
             "MlflowException": MlflowException, "MonthRefused": refused, "TypeError": TypeError}  # fmt: skip
    names = [name for name in words.replace(" an ", " ").replace(" a ", " ").split() if name in kinds]
    error, *causes = (kinds[name]("it went wrong") for name in names)
    later = error
    for cause in causes:
        if "while" in words:  # `raise` in an `except`, without `from`
            later.__context__ = cause
        else:
            later.__cause__ = cause
        later = cause
    state: Any = Failed(data=error, message="it went wrong")
    task = Task(lambda: None, name="ingest")
    run = TaskRun(name="ingest-0", task_key="ingest", dynamic_key="0", flow_run_id=uuid4(), state=state)
    with TaskRunContext.model_construct(task=task, task_run=run):  # Prefect asks in the run, which has a log of its own
        return _find(target)(task, run, state)


def remove(folder: str) -> None:
    """Delete a folder."""
    shutil.rmtree(folder, ignore_errors=True)


def delete(path: str) -> None:
    """Delete a file."""
    Path(path).unlink(missing_ok=True)


def at(target: str, text: str, zone: str) -> Any:
    """Call `module:function` with a moment: ISO 8601, in a time zone ("" for none)."""
    moment = datetime.fromisoformat(text)
    return _find(target)(moment.astimezone(ZoneInfo(zone)) if zone else moment)


class Served:
    """Runs a function that serves, in a process of its own, until `stop`. Make it before any thread is started.

    The function gets each of the folders as a path.
    """

    def __init__(self, target: str, **folders: str) -> None:
        self.child = os.fork()
        if self.child == 0:
            with contextlib.suppress(BaseException):
                _find(target)(**{name: Path(folder) for name, folder in folders.items()})
            os._exit(0)

    def ended(self) -> bool:
        """Whether it has ended by itself."""
        if self.child and os.waitpid(self.child, os.WNOHANG)[0]:
            self.child = 0
        return not self.child

    def stop(self) -> None:
        """Kill it."""
        if not self.ended():
            os.kill(self.child, signal.SIGKILL)
            os.waitpid(self.child, 0)


class _Noting(logging.Handler):
    """Notes what is logged as a warning or worse."""

    def __init__(self, notes: list[str]) -> None:
        super().__init__(logging.WARNING)
        self._notes = notes

    def emit(self, record: logging.LogRecord) -> None:
        self._notes.append(f"{record.getMessage()} {record.exc_info[1] if record.exc_info else ''}")


class Landing:
    """A landing folder in which something happens before each look of the one who watches it.

    Args:
        steps: what happens before look 1, 2, …: a list of actions, each a list of a word and its arguments. `write`,
            `vanish`, `gone`, `touch` (name), `growing` (name, text, looks), `growing_with_an_old_time`. The
            step `["until", n]` is repeated until `n` starts were seen or `patience` looks have gone by; `["looks", n]`
            takes n looks.
    """

    def __init__(self, folder: str, steps: list[list[Any]], patience: int = 200) -> None:
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.steps = [list(step) for step in steps]
        self.patience = patience
        self.looks = 0
        self.started: list[list[Any]] = []
        self.failing: dict[str, str] = {}
        self.logged: list[str] = []
        self.dying: str | None = None
        self.took = 0.0
        self.overlapped = False
        self._busy = False

    def fail_at(self, month: str, kind: str) -> None:
        """Have the start of a month raise a builtin exception."""
        self.failing[month] = kind

    def die_at(self, month: str) -> None:
        """Have the start of a month raise what ends a process."""
        self.dying = month

    def start(self, month: str) -> None:
        """What the watcher calls for a whole file; notes what lay there."""
        found = [path for kind in ("csv", "parquet") if (path := self.folder / f"{month}.{kind}").exists()]
        self.overlapped |= self._busy
        self._busy = True
        self.started.append([month, [path.read_text() for path in found]])
        time.sleep(0.005)  # as long as another one that is started at the same time needs to come here
        self._busy = False
        if month == self.dying:
            raise KeyboardInterrupt
        if month in self.failing:
            raise getattr(builtins, self.failing[month])(f"{month} is refused")

    def stop(self) -> bool:
        """Do the next step; say whether there is none left."""
        while self.steps:
            word, *arguments = self.steps[0]
            if word in ("until", "looks"):
                self.looks += 1
                there = word == "until" and len(self.started) >= arguments[0]
                if there or self.looks > (arguments[0] if word == "looks" else self.patience):
                    self.looks = 0
                    self.steps.pop(0)
                    continue
                return False
            self.steps.pop(0)
            if word.startswith("growing"):  # (name, text, looks): a little more of it before each look
                name, text, looks = arguments
                self._append(name, text)
                if word == "growing_with_an_old_time":  # as a copy that keeps the time of what it copies
                    os.utime(self.folder / name, (1_400_000_000, 1_400_000_000))
                if looks > 1:
                    self.steps.insert(0, [word, name, text, looks - 1])
                return False
            getattr(self, f"_{word}")(*arguments)
        return True

    def run(self, target: str, memory: str, quiet: float, every: float) -> str:
        """Watch, until the steps are done; return the class of what was raised. Warnings and errors are noted."""
        watch = _find(target)  # Prefect sets logging up when it is imported, and would take the handler away
        noting, root = _Noting(self.logged), logging.getLogger()
        root.addHandler(noting)
        began = time.monotonic()
        try:
            watch(self.folder, self.start, memory=Path(memory), quiet=quiet, every=every, stop=self.stop)
        except BaseException as error:
            return type(error).__name__
        finally:
            self.took = time.monotonic() - began
            root.removeHandler(noting)
        return ""

    def _write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)

    def _append(self, name: str, text: str) -> None:
        with (self.folder / name).open("a") as file:
            file.write(text)

    def _vanish(self, name: str, after: bool = False) -> None:
        """Have the file go away at the next look at its size, or right after it, whichever way that is asked."""
        path, real = self.folder / name, os.stat

        def stat(target: Any, *args: Any, **kwargs: Any) -> Any:
            if os.fspath(target) == str(path) if not isinstance(target, int) else False:
                os.stat = real
                if after:
                    looked = real(target, *args, **kwargs)
                    path.unlink()
                    return looked
                path.unlink(missing_ok=True)
            return real(target, *args, **kwargs)

        os.stat = stat  # type: ignore[assignment]

    def _gone(self, name: str) -> None:
        """Take a file away that may be gone already."""
        (self.folder / name).unlink(missing_ok=True)

    def _touch(self, name: str) -> None:
        os.utime(self.folder / name)


class Workers:
    """A Dask scheduler and its workers, processes of one thread each, until `stop`. Make it before any thread.

    They score without a model: `<package>.training.score` becomes sums over the table, so that the right answer is
    known. Each score is noted, and the first two wait for each other.

    Args:
        package: the lab's package.
        folder: where notes are kept.
        number: how many workers.
        deadly: the `depth` of the candidate that kills its worker the first time.
    """

    def __init__(self, package: str, folder: str, number: int, deadly: int = -1) -> None:
        self.folder = Path(folder)
        self.folder.mkdir(parents=True)
        self.deadly = deadly
        self._parent = os.getpid()
        training: Any = importlib.import_module(f"{package}.training")
        training.score = self._score
        importlib.import_module(f"{package}.scale")
        self.children = [self._fork(self._schedule)]
        self.address = self._wait("address", 1)[0].read_text()
        self.children += [self._fork(self._work) for _ in range(number)]
        self._wait("worker-*", number)

    def _fork(self, run: Callable[[], Any]) -> int:
        child = os.fork()
        if child == 0:
            import asyncio

            try:
                asyncio.run(run())
            finally:
                os._exit(1)
        return child

    def _wait(self, pattern: str, number: int) -> list[Path]:
        end = time.monotonic() + 40
        while len(found := sorted(self.folder.glob(pattern))) < number and time.monotonic() < end:
            time.sleep(0.02)
        return found

    async def _schedule(self) -> None:
        from distributed import Scheduler

        async with Scheduler(host="127.0.0.1", port=0, dashboard=False, dashboard_address="127.0.0.1:0") as scheduler:
            _note(self.folder / "address", scheduler.address)
            await scheduler.finished()

    async def _work(self) -> None:
        from distributed import Worker

        folder = str(self.folder / "spill")
        async with Worker(
            self.address, nthreads=1, host="127.0.0.1", local_directory=folder, dashboard=False, dashboard_address=None
        ) as worker:
            _note(self.folder / f"worker-{os.getpid()}", worker.address)
            await worker.finished()

    def _score(self, candidate: dict[str, Any], table: Any) -> float:
        depth = int(candidate["depth"])
        with (self.folder / "begun").open("a") as file:
            file.write(f"{os.getpid()} {depth}\n")
        if depth == self.deadly and not (self.folder / "killed").exists() and os.getpid() != self._parent:
            _note(self.folder / "killed", str(os.getpid()))
            os.kill(os.getpid(), signal.SIGKILL)
        self._meet()
        if candidate.get("broken"):
            raise ValueError("such a model cannot be")
        with (self.folder / "scored").open("a") as file:
            file.write(f"{os.getpid()} {depth}\n")
        return float((table["price"] * depth).sum() % 100_003) + 0.5

    def _meet(self) -> None:
        """Wait until two are at work at the same time; once that was seen, or waited for in vain, nobody waits."""
        place = self.folder / f"in-{os.getpid()}-{time.monotonic_ns()}"
        place.touch()
        end = time.monotonic() + 4
        while not (self.folder / "met").exists() and time.monotonic() < end:
            if len(list(self.folder.glob("in-*"))) > 1:
                (self.folder / "met").touch()
            time.sleep(0.02)
        if not (self.folder / "met").exists():
            (self.folder / "met").write_text("in vain")
        place.unlink()

    def report(self) -> dict[str, Any]:
        """What was noted: workers, who was killed, whether two worked at the same time, what was begun and scored."""
        read = {name: self._read(name) for name in ("begun", "scored", "killed", "met")}
        pairs = {name: [line.split() for line in read[name].splitlines()] for name in ("begun", "scored")}
        return {
            "workers": [int(path.name.removeprefix("worker-")) for path in self.folder.glob("worker-*")],
            "killed": int(read["killed"] or 0),
            "together": (self.folder / "met").exists() and not read["met"],
            **{name: [[int(one) for one in pair] for pair in found] for name, found in pairs.items()},
        }

    def _read(self, name: str) -> str:
        path = self.folder / name
        return path.read_text() if path.exists() else ""

    def alive(self) -> int:
        """How many of scheduler and workers are still there."""
        self.children = [child for child in self.children if os.waitpid(child, os.WNOHANG)[0] == 0]
        return len(self.children)

    def stop(self) -> None:
        """Kill them all."""
        if self.alive():
            for child in self.children:
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
            self.children = []


def asked_workers(module: str, workers: int) -> int | None:
    """How many workers of this machine `tune` of the module asks `DaskTaskRunner` for; None where it asks another one.

    None is started.
    """
    scale: Any = importlib.import_module(module)
    runner = getattr(scale, "DaskTaskRunner", None)
    asked: list[int | None] = []

    def noting(**kwargs: Any) -> Any:
        asked.append((kwargs.get("cluster_kwargs") or {}).get("n_workers"))
        raise RuntimeError("no worker is started")

    scale.DaskTaskRunner = noting
    try:
        scale.tune([{"depth": 2}], "none", warehouse=Path("none"), workers=workers)
    except Exception:
        return asked[0] if asked else None
    finally:
        scale.DaskTaskRunner = runner
    return None


def _note(path: Path, text: str) -> None:
    """Write a file in one step."""
    new = path.with_name(f".{path.name}")
    new.write_text(text)
    new.rename(path)
