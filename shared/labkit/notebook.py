"""`from labkit import check`: the verdict of `lab check`, inside a notebook."""

from __future__ import annotations

import atexit
import os
from functools import cache
from typing import TYPE_CHECKING

from labkit.course.catalog import find_root, load_catalog
from labkit.course.lab import Lab
from labkit.records import Report

if TYPE_CHECKING:
    from labkit.engine.client import Engine


class Verdict:
    """What `check` answers: shown as HTML in a notebook, as text elsewhere. `report` has the data."""

    def __init__(self, lab: Lab, report: Report) -> None:
        self.lab = lab
        self.report = report

    @property
    def passed(self) -> bool:
        """Whether every check passed or was skipped."""
        return self.report.exit_code == 0

    def __repr__(self) -> str:
        from labkit.render.html import report_text

        return report_text(self.lab, self.report)

    def _repr_html_(self) -> str:
        from labkit.render.html import report_html

        return report_html(self.lab, self.report)


def check(target: str, track: str | None = None, *, seed: int | None = None) -> Verdict:
    """Check an exercise (`"1.2"`) or a whole lab (`"1"`) and show the verdict below the cell.

    Args:
        track: `"labs"` (your files), `"solutions"`, or a folder. Default: the environment's `LAB_TRACK`, else `"labs"`.
        seed: for the inputs that the checks draw; by default they differ each time.

    Raises:
        CatalogError: where there is no such lab or exercise; suggests the nearest.
    """
    from labkit.course.tracks import resolve_track

    catalog = load_catalog(find_root())
    lab, exercise = catalog.find(target)
    chosen = resolve_track(catalog.root, track or os.environ.get("LAB_TRACK") or "labs", lab)
    report = _engine().run(lab, [exercise.id] if exercise else None, chosen, seed=seed)
    if chosen.name == "labs":
        _remember(lab, report)
    return Verdict(lab, report)


@cache
def _engine() -> Engine:
    """One warm engine for the life of the kernel: the second check answers at once."""
    from labkit.engine.client import Engine

    engine = Engine(find_root())
    engine.__enter__()
    atexit.register(close)
    return engine


def close() -> None:
    """End the warm engine; the next `check` starts another one. Called when the kernel ends."""
    if _engine.cache_info().currsize:
        _engine().__exit__(None, None, None)
        _engine.cache_clear()


def _remember(lab: Lab, report: Report) -> None:
    from labkit.learner.progress import load_progress

    root = find_root()
    progress = load_progress(root)
    progress.record(root, lab, report)
    progress.save()
