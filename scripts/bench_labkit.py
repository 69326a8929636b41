"""Time the exercise engine against plain pytest on the same checks: medians and ratios, all measured in this run.

Usage: `make bench-labkit`, or `python scripts/bench_labkit.py [--repeats 7] [--submissions 20]`. Works on a temporary
copy of the course, so that no file of yours is touched.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from labkit.course.catalog import load_catalog
from labkit.course.lab import Lab
from labkit.course.marks import starter
from labkit.course.mutants import load_mutants, write_submission
from labkit.course.tracks import resolve_track
from labkit.engine.client import THREADS, Engine

ROOT = Path(__file__).resolve().parents[1]
LAB = [sys.executable, "-m", "labkit"]
ENVIRONMENT = {**os.environ, **dict.fromkeys(THREADS, "1"), "NO_COLOR": "1"}
ENVIRONMENT.pop("PYTHONDONTWRITEBYTECODE", None)


def timed(action: Callable[[], object]) -> float:
    """Return the wall-clock seconds that `action` takes."""
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def median(action: Callable[[], object], repeats: int) -> float:
    """Return the median seconds of `repeats` runs, after one that warms the caches."""
    action()
    return statistics.median(timed(action) for _ in range(repeats))


def command(arguments: list[str], root: Path, *, codes: tuple[int, ...] = (0,)) -> None:
    """Run a command in the course; raise where its exit code is none of `codes`."""
    done = subprocess.run(arguments, cwd=root, env=ENVIRONMENT, capture_output=True, text=True)
    if done.returncode not in codes:
        raise SystemExit(f"{' '.join(arguments)}: exit {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")


def plain_pytest(lab: Lab, track: str, *extra: str) -> list[str]:
    """Return the command that runs the same checks in one plain pytest process."""
    options = [
        "-q",
        "-p",
        "labkit.checking.plugin",
        "-p",
        "no:cacheprovider",
        "--noconftest",
        "-c",
        "tests/labs/pytest.ini",
        "--rootdir",
        ".",
    ]
    return [sys.executable, "-m", "pytest", *options, lab.checks_file.as_posix(), "--track", track, *extra]


@contextmanager
def copy_of_course() -> Iterator[Path]:
    """Copy what the engine reads to a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        root = Path(folder, "course")
        for name in ("weeks", "solutions", "tests", "shared", "labs", "pyproject.toml"):
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, root / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, root / name)
        yield root


WATCHER = """
import sys
from pathlib import Path
from labkit.course.catalog import load_catalog
from labkit.learner.watch import Screen, watch_lab

class Lines(Screen):
    def waiting(self, found): print("ready", flush=True)
    def verdict(self, report, seconds): print(report.results[0].exercise, flush=True)
    def end(self, found): print("ready", flush=True)

root = Path(sys.argv[1])
watch_lab(root, load_catalog(root).lab(int(sys.argv[2])), Lines())
"""


def save_to_verdict(root: Path, lab: Lab, repeats: int) -> float:
    """Return the median seconds from saving a file to the verdict on its first exercise, the others still to do."""
    first = lab.exercises[0]
    target = root / lab.labs_dir / first.file
    solved = starter_with_one_solved(root, lab)
    command = [sys.executable, "-c", WATCHER, str(root), str(lab.number)]
    process = subprocess.Popen(command, cwd=root, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        wait_for("ready", process.stdout)
        seconds = []
        for number in range(repeats + 1):
            target.write_text(f"{solved}\n# save {number}\n", encoding="utf-8")
            seconds.append(timed(lambda: wait_for(first.id, process.stdout)))
            wait_for("ready", process.stdout)
        return statistics.median(seconds[1:])
    finally:
        process.terminate()
        process.wait(10)


def starter_with_one_solved(root: Path, lab: Lab) -> str:
    """Return the first file of the lab with its first exercise done and the others to do."""
    first = lab.exercises[0]
    text = (root / lab.solutions_dir / first.file).read_text(encoding="utf-8")
    marks = (f"# solution {first.id}\n", "# end solution\n")
    start = text.index(marks[0])
    end = text.index(marks[1], start)
    done = text[:start] + text[start:end].replace(marks[0], "") + text[end:].replace(marks[1], "", 1)
    return starter(done, first.file, {exercise.id: exercise.title for exercise in lab.exercises})


def wait_for(wanted: str, lines: Iterator[str] | None) -> None:
    """Read lines until one begins with what is wanted."""
    assert lines is not None
    for line in lines:
        if line.startswith(wanted):
            return
    raise SystemExit("the watching process has ended")


def submissions(root: Path, lab: Lab, count: int) -> list[Path]:
    """Write complete submissions, each with one wrong answer, spread over all exercises."""
    mutants = load_mutants(root, lab)
    chosen = [mutants[number * len(mutants) // count] for number in range(count)]
    folders = []
    for number, mutant in enumerate(chosen):
        folders.append(write_submission(mutant, root.parent / "submissions" / str(number)))
    return folders


def check_many(root: Path, lab: Lab, folders: list[Path], jobs: int) -> None:
    """Check submissions with one warm engine."""
    with Engine(root, jobs=jobs) as engine:
        reports = engine.run_many(lab, [resolve_track(root, str(folder), lab) for folder in folders])
    assert len(reports) == len(folders) and all(report.exit_code == 1 for report in reports)


def pytest_many(root: Path, lab: Lab, folders: list[Path], workers: int) -> None:
    """Check submissions with a plain pytest process for each."""
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(lambda folder: command(plain_pytest(lab, str(folder)), root, codes=(1,)), folders))


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--submissions", type=int, default=20)
    options = parser.parse_args()
    with copy_of_course() as root:
        lab = load_catalog(root).lab(1)
        first = lab.exercises[0].id
        one = median(lambda: command(plain_pytest(lab, "solutions", "--exercise", first), root), options.repeats)
        whole = median(lambda: command(plain_pytest(lab, "solutions"), root), max(3, options.repeats // 2))
        rows = [
            ("plain pytest, " + first, one, one),
            ("lab (the board)", median(lambda: command(LAB, root), options.repeats), one),
            (
                f"lab check {first}, cold",
                median(lambda: command([*LAB, "check", first, "--track", "solutions"], root), options.repeats),
                one,
            ),
            (f"save to verdict, {first}, watching", save_to_verdict(root, lab, options.repeats), one),
            ("plain pytest, whole lab", whole, whole),
            (
                "lab check 1, cold",
                median(
                    lambda: command([*LAB, "check", "1", "--track", "solutions"], root), max(3, options.repeats // 2)
                ),
                whole,
            ),
        ]
        print_table(rows)
        folders = submissions(root, lab, options.submissions)
        in_a_row = timed(lambda: pytest_many(root, lab, folders, 1))
        name = f"{len(folders)} submissions"
        print_table([
            (f"{name}: plain pytest, one after the other", in_a_row, in_a_row),
            (f"{name}: plain pytest, two at a time", timed(lambda: pytest_many(root, lab, folders, 2)), in_a_row),
            (f"{name}: one engine, one after the other", timed(lambda: check_many(root, lab, folders, 1)), in_a_row),
            (f"{name}: one engine, two at a time", timed(lambda: check_many(root, lab, folders, 2)), in_a_row),
        ])  # fmt: skip


def print_table(rows: list[tuple[str, float, float]]) -> None:
    """Print name, seconds, and how often it fits into the plain pytest that it is compared with."""
    print(f"{'':48}{'seconds':>9}{'÷ pytest':>10}{'faster':>9}")
    for name, seconds, base in rows:
        print(f"{name:48}{seconds:9.3f}{seconds / base:10.2f}{base / seconds:8.1f}×", flush=True)


if __name__ == "__main__":
    main()
