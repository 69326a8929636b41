"""`lab watch`: a verdict at each save, from one warm engine."""

from __future__ import annotations

import contextlib
import os
import queue
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from labkit.course.lab import Exercise, Lab
from labkit.course.tracks import resolve_track
from labkit.engine.client import Engine
from labkit.learner.progress import Progress, Standing, file_digests, load_progress, standings
from labkit.records import Report

_SETTLE = 0.15  # seconds that a deleted file has to come back: some editors delete, then write
_REPEAT = 1.0  # seconds in which the same content saved again is the echo of one save


class FileWatcher:
    """Puts the names of the lab's files that were written into a queue, from a thread of its own."""

    def __init__(self, root: Path, lab: Lab) -> None:
        self._top = root / "labs"
        self._folder = root / lab.labs_dir
        self._files = frozenset(lab.files)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lab-watch", daemon=True)
        self.saved: queue.SimpleQueue[frozenset[str]] = queue.SimpleQueue()
        self.ready = threading.Event()

    def __enter__(self) -> FileWatcher:
        self._thread.start()
        self.ready.wait(5)
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(5)

    def _run(self) -> None:
        while not self._stop.is_set():
            # labs/ itself may be gone for a moment, for example while git checks out another commit.
            with contextlib.suppress(OSError):
                self._watch()
            self.ready.set()
            self._stop.wait(0.3)

    def _watch(self) -> None:
        from watchfiles import watch

        # The folder above is watched too, so that a lab folder which is replaced as a whole is not lost.
        batches = watch(
            self._top,
            step=20,
            debounce=200,
            rust_timeout=200,
            yield_on_timeout=True,
            stop_event=self._stop,
            raise_interrupt=False,
            watch_filter=None,
            force_polling=needs_polling(self._top),
            poll_delay_ms=100,
        )
        for batch in batches:
            self.ready.set()
            names = frozenset(name for _, path in batch if (name := self._name(path)) is not None)
            if names:
                self.saved.put(names)

    def _name(self, path: str) -> str | None:
        try:
            name = Path(path).relative_to(self._folder).as_posix()
        except ValueError:
            return None
        return name if name in self._files else None


def needs_polling(folder: Path) -> bool | None:
    """Whether changes must be looked for again and again. None is watchfiles' own choice.

    In WSL only what lies on a Windows disk, below `/mnt`, changes without notice.
    """
    if os.environ.get("WATCHFILES_FORCE_POLLING"):
        return None
    from labkit.tools import operating_system

    return str(folder).startswith("/mnt/") if operating_system().wsl else None


class Session:
    """One `lab watch`: what was saved is checked, and `show` is told."""

    def __init__(self, root: Path, lab: Lab, engine: Engine, show: Screen) -> None:
        self.root = root
        self.lab = lab
        self._engine = engine
        self._show = show
        self._last: tuple[dict[str, str | None], float] = ({}, 0.0)

    def begin(self) -> None:
        """Show where the learner stands, and check the first exercise that was begun and is not done."""
        found = self._standings()
        self._show.waiting(found)
        done = {"todo", "missing", "passed", "skipped"}
        begun = [standing.exercise for standing in check_order(found) if standing.state not in done]
        if begun:
            self._check(begun[:1], "", lambda: False)

    def saved(self, names: Iterable[str], interrupted: Callable[[], bool]) -> None:
        """Check the exercises of the saved files; stop early where `interrupted` says that a newer save waits."""
        names = sorted(names)
        if any(not (self.root / self.lab.labs_dir / name).exists() for name in names):
            time.sleep(_SETTLE)
        if self._is_echo():
            return
        gone = [name for name in names if not (self.root / self.lab.labs_dir / name).exists()]
        if gone:
            self._show.gone(gone)
            return
        found = [standing for standing in self._standings() if set(standing.exercise.files) & set(names)]
        self._check([standing.exercise for standing in check_order(found)], ", ".join(names), interrupted)

    def _is_echo(self) -> bool:
        digests = file_digests(self.root, self.lab)
        before, when = self._last
        self._last = (digests, time.monotonic())
        return digests == before and self._last[1] - when < _REPEAT

    def _check(self, exercises: list[Exercise], saved: str, interrupted: Callable[[], bool]) -> None:
        track = resolve_track(self.root, "labs", self.lab)
        self._show.begin(saved)
        for exercise in exercises:
            digests = file_digests(self.root, self.lab)
            started = time.perf_counter()
            report = self._engine.run(self.lab, [exercise.id], track)
            self._show.verdict(report, time.perf_counter() - started)
            self._record(report, digests)
            if interrupted():
                return
        self._show.end(self._standings())

    def _record(self, report: Report, digests: dict[str, str | None]) -> None:
        progress = self._progress()
        progress.record(self.root, self.lab, report, digests)
        progress.save()

    def _progress(self) -> Progress:
        return load_progress(self.root)

    def _standings(self) -> list[Standing]:
        return standings(self.root, self.lab, self._progress())


def check_order(found: Iterable[Standing]) -> list[Standing]:
    """What to check first: what is begun and not done, then what had passed. What is still to do is left out.

    Where everything is still to do, the first of it stands alone, so that there is a verdict.
    """
    found = list(found)
    begun = [standing for standing in found if standing.state not in {"todo", "missing"}]
    good = {"passed", "skipped"}
    fresh = [standing for standing in begun if standing.last not in good and standing.state not in good]
    rest = [standing for standing in begun if standing not in fresh]
    return [*fresh, *rest] or found[:1]


class Screen:
    """What a session shows; the terminal's own is in `labkit.render.live`."""

    def waiting(self, found: list[Standing]) -> None:
        """Before the first save."""

    def begin(self, saved: str) -> None:
        """A check begins; `saved` names the files, empty at the start."""

    def news(self, text: str) -> None:
        """Something takes a while, such as the first start of a server."""

    def verdict(self, report: Report, seconds: float) -> None:
        """One exercise is judged."""

    def gone(self, names: list[str]) -> None:
        """Files were deleted and did not come back."""

    def end(self, found: list[Standing]) -> None:
        """All exercises of the saved files are judged."""


def watch_lab(root: Path, lab: Lab, show: Screen) -> None:
    """Watch one lab until Ctrl-C."""
    with Engine(root, on_news=show.news) as engine, FileWatcher(root, lab) as watcher:
        engine.preload(lab)
        session = Session(root, lab, engine, show)
        session.begin()
        while True:
            names = set(_next(watcher.saved))
            while not watcher.saved.empty():
                names |= watcher.saved.get()
            session.saved(names, lambda: not watcher.saved.empty())


def _next(saved: queue.SimpleQueue[frozenset[str]]) -> frozenset[str]:
    """Wait for a save; wakes up often enough for Ctrl-C to be noticed at once on every system."""
    while True:
        try:
            return saved.get(timeout=0.5)
        except queue.Empty:
            continue
