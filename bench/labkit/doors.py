"""What an exercise waits for that talks to a real server: its first start, the way through the door, a save.

Measured on a course of one lab that is written here. Its code says itself how long it took, so that what is left is
the engine's.
"""

from __future__ import annotations

import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.common import ROOT
from bench.labkit.watch import save_to_verdict, took
from labkit.course.catalog import load_catalog
from labkit.course.lab import Lab
from labkit.course.starters import sync
from labkit.course.tracks import resolve_track
from labkit.engine.client import Engine
from labkit.files import write_atomic

ANSWER = '''
import time


def log(value):
    """Log a run to MLflow; say how many seconds it took."""
    # solution 1.1
    import mlflow

    begun = time.perf_counter()
    mlflow.set_experiment("house-price")
    with mlflow.start_run():
        mlflow.log_metric("mae", value)
    print("took", time.perf_counter() - begun)
    return True
    # end solution


def flow(x):
    """Run a flow that Prefect's server hears of; say how many seconds it took."""
    # solution 1.2
    import prefect

    begun = time.perf_counter()

    @prefect.flow
    def double(x: int) -> int:
        return 2 * x

    double(x)
    print("took", time.perf_counter() - begun)
    return True
    # end solution
'''

CHECKS = '''
from labkit.checks import exercise


@exercise("1.1")
def test_log(lab, doors):
    """A run is logged."""
    assert lab.answer.log(3.5)
    assert doors["mlflow"].connections


@exercise("1.2")
def test_flow(lab, doors):
    """A flow runs."""
    assert lab.answer.flow(4)
    assert doors["prefect"].connections
'''

TOML = """
number = 1
name = "doors"
title = "Doors"
minutes = 1
prepare = "mlops_probes.servers:read_prefect_settings"
preload = ["mlflow", "mlflow.store.tracking.rest_store", "prefect", "prefect.flow_engine"]
[[exercise]]
id = "1.1"
title = "MLflow"
file = "answer.py"
minutes = 1
seconds = 60
services = ["mlflow"]
hints = ["-"]
[[exercise]]
id = "1.2"
title = "Prefect"
file = "answer.py"
minutes = 1
seconds = 60
services = ["prefect"]
hints = ["-"]
"""


@dataclass(frozen=True)
class Waits:
    """Seconds for one exercise, beyond what its own code took.

    `set_up` is the first start ever, with the server's migrations; `first` the first one of an engine.
    """

    title: str
    set_up: float
    first: float
    warm: float
    save: float


@contextmanager
def course_with_doors() -> Iterator[Path]:
    """Write the course to a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        root = Path(folder, "course")
        shutil.copytree(ROOT / "shared", root / "shared", ignore=shutil.ignore_patterns("__pycache__"))
        files = {
            "pyproject.toml": "[tool.labkit]\nservices = 'mlops_lab.services'\n",
            "weeks/week1_doors/lab.toml": TOML,
            "weeks/week1_doors/README.md": "# Doors\n",
            "solutions/lab1_doors/__init__.py": "",
            "solutions/lab1_doors/answer.py": ANSWER,
            "tests/labs/test_lab1_doors.py": CHECKS,
            "tests/labs/pytest.ini": "[pytest]\n",
        }
        for name, text in files.items():
            write_atomic(root / name, text)
        sync(root)
        yield root


def waits(repeats: int) -> list[Waits]:
    """Measure both servers."""
    with course_with_doors() as root:
        lab = load_catalog(root).lab(1)
        return [
            Waits(
                exercise.title,
                set_up=check(root, lab, exercise.id, 1)[0],
                first=check(root, lab, exercise.id, 1)[0],
                warm=statistics.median(check(root, lab, exercise.id, repeats + 1)[1:]),
                save=save_to_verdict(root, lab, repeats, exercise.id),
            )
            for exercise in lab.exercises
        ]


def check(root: Path, lab: Lab, exercise: str, times: int) -> list[float]:
    """Return the seconds of each of several runs in one engine, the start of the engine in the first of them."""
    found = []
    started = time.perf_counter()
    with Engine(root) as engine:
        for _ in range(times):
            report = engine.run(lab, [exercise], resolve_track(root, "solutions", lab))
            if report.exit_code:
                raise SystemExit(f"{exercise}: {report.results[0].message!r}")
            found.append(time.perf_counter() - started - took(report))
            started = time.perf_counter()
    return found
