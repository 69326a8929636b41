"""Many submissions: wrong answers are written as a study group would hand them in, and all of them are judged."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench.labkit.course import plain_pytest, run
from labkit.course.lab import Lab
from labkit.course.mutants import load_mutants, write_submission
from labkit.course.tracks import resolve_track
from labkit.engine.client import Engine


def submissions(root: Path, lab: Lab, count: int) -> list[Path]:
    """Write complete submissions, each with one wrong answer, spread over all exercises."""
    mutants = load_mutants(root, lab)
    chosen = [mutants[number * len(mutants) // count] for number in range(count)]
    folder = root.parent / "submissions"
    return [write_submission(mutant, folder / str(number)) for number, mutant in enumerate(chosen)]


def check_many(root: Path, lab: Lab, folders: list[Path], jobs: int) -> None:
    """Check submissions with one warm engine."""
    with Engine(root, jobs=jobs) as engine:
        reports = engine.run_many(lab, [resolve_track(root, str(folder), lab) for folder in folders])
    assert len(reports) == len(folders) and all(report.exit_code == 1 for report in reports)


def pytest_many(root: Path, lab: Lab, folders: list[Path], workers: int) -> None:
    """Check submissions with a plain pytest process for each."""
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(lambda folder: run(plain_pytest(lab, str(folder)), root, codes=(1,)), folders))
