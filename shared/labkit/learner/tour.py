"""`%load_ext labkit.learner.tour`, the first line of each notebook: it follows the files that the learner edits.

A file that was saved is loaded again before the next cell, and a function that is still to do says so in two lines
instead of a traceback.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from labkit.course.catalog import find_root, load_catalog
from labkit.course.marks import open_todos, split_lines
from labkit.files import read_text


def load_ipython_extension(shell: Any) -> None:
    """What IPython calls for `%load_ext labkit.learner.tour`; `shell` is its `InteractiveShell`."""
    find_labs(find_root())
    shell.run_line_magic("load_ext", "autoreload")
    shell.run_line_magic("autoreload", "2")
    shell.set_custom_exc((NotImplementedError,), explain)


def find_labs(root: Path) -> None:
    """Make the learner's files importable, unless PYTHONPATH already says whose files to take."""
    tracks = [str(root / name) for name in ("labs", "solutions")]
    if not set(tracks) & set(sys.path):
        sys.path.insert(0, tracks[0])


def explain(
    shell: Any, kind: type[BaseException], error: BaseException, trace: TracebackType, tb_offset: int | None = None
) -> None:
    """Print what is still to do and where; any other error is shown as always."""
    message = still_to_do(find_root(), trace)
    if message is None:
        shell.showtraceback((kind, error, trace), tb_offset=tb_offset)
    else:
        print(message)


def still_to_do(root: Path, trace: TracebackType) -> str | None:
    """Which exercise the error comes from; None where it does not come from an open TODO of a lab."""
    last = traceback.extract_tb(trace)[-1]
    place = Path(last.filename).resolve()  # `lab run` imports by links
    found = todo_above(split_lines(read_text(place) or ""), last.lineno or 0)
    if found is None:
        return None
    id, line = found
    _, exercise = load_catalog(root).exercise(id)
    shown = place.relative_to(root) if place.is_relative_to(root) else place
    return (
        f"`{last.name}` is still to do: exercise {id}, {exercise.title}.\n"
        f"Write it in {shown.as_posix()}:{line}, save, and run this cell again. `lab hint {id}` helps."
    )


def todo_above(lines: Sequence[str], number: int) -> tuple[str, int] | None:
    """The exercise and the line of the TODO mark above line `number` (from 1), inside the same function."""
    for place in range(min(number, len(lines)), 0, -1):
        line = lines[place - 1]
        for id in open_todos(line):
            return id, place
        if line.lstrip().startswith("def "):
            return None
    return None
