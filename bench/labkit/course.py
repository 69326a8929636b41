"""A copy of the course that a benchmark may write into, and commands that run in it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.common import ROOT
from labkit.course.lab import Exercise, Lab
from labkit.course.marks import focus
from labkit.engine.client import THREADS

COPIED = ("weeks", "solutions", "tests", "shared", "labs", "pyproject.toml")
LAB = (sys.executable, "-m", "labkit")


@contextmanager
def copy_of_course() -> Iterator[Path]:
    """Copy what the engine reads to a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        root = Path(folder, "course")
        for name in COPIED:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, root / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, root / name)
        yield root


def environment() -> dict[str, str]:
    """The environment of every command: one thread each, and compiled files are kept as they are for a learner."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, **dict.fromkeys(THREADS, "1"), "NO_COLOR": "1"}


def run(arguments: list[str], root: Path, *, codes: tuple[int, ...] = (0,)) -> None:
    """Run a command in the course; end the benchmark where its exit code is none of `codes`."""
    done = subprocess.run(arguments, cwd=root, env=environment(), capture_output=True, text=True, check=False)
    if done.returncode not in codes:
        raise SystemExit(f"{' '.join(arguments)}: exit {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")


def plain_pytest(lab: Lab, track: str, *extra: str) -> list[str]:
    """Return the command that runs the same checks in one plain pytest process."""
    plugins = ["-p", "labkit.checking.plugin", "-p", "no:cacheprovider", "--noconftest"]
    places = ["-c", "tests/labs/pytest.ini", "--rootdir", ".", lab.checks_file.as_posix()]
    return [sys.executable, "-m", "pytest", "-q", *plugins, *places, "--track", track, *extra]


def with_one_solved(root: Path, lab: Lab, exercise: Exercise) -> str:
    """Return the file of an exercise with that one done and the others in it to do."""
    text = (root / lab.solutions_dir / exercise.file).read_text(encoding="utf-8")
    titles = {other.id: other.title for other in lab.exercises}
    return "".join(f"{line}\n" for line, _ in focus(text, exercise.file, exercise.id, titles))
