"""Writes labs/ from solutions/: the files of a lab with holes where the learner writes."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from labkit.course import marks
from labkit.course.catalog import Catalog, load_catalog
from labkit.course.lab import Lab
from labkit.documents.nodes import Empty, Refused
from labkit.documents.readers import kind_of, read
from labkit.files import free_folder, timestamp, write_atomic

_IGNORED = {"__pycache__", ".ipynb_checkpoints", ".pytest_cache", ".ruff_cache", ".mypy_cache", ".DS_Store"}


@dataclass(frozen=True)
class Starter:
    """One generated file: its path inside the lab's folder, its bytes and its permission bits."""

    file: str
    content: bytes
    mode: int


@dataclass
class SyncReport:
    """What `sync` did; paths are relative to the root. `stray` files have no solution and were left alone."""

    written: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    stray: list[str] = field(default_factory=list)
    kept: Path | None = None


def starters(root: Path, lab: Lab, solved: Collection[str] = ()) -> list[Starter]:
    """The starters of a lab, made from its solutions, with some exercises `solved`. Raises `marks.MarkError`."""
    folder = root / lab.solutions_dir
    made = [_make(folder / file, file, lab, solved) for file in files_below(folder)]
    return sorted(made, key=lambda starter: starter.file)


def _make(path: Path, file: str, lab: Lab, solved: Collection[str]) -> Starter:
    mode = path.stat().st_mode & 0o777
    shown = (lab.solutions_dir / file).as_posix()
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return Starter(file, path.read_bytes(), mode)
    titles = {exercise.id: exercise.title for exercise in lab.exercises_of(file)}
    made = marks.starter(text, shown, titles, solved)
    if file.endswith(".py"):
        _compiles(made, (lab.labs_dir / file).as_posix())
    elif titles and kind_of(file):
        _can_be_read(made, (lab.labs_dir / file).as_posix())
    return Starter(file, made.encode(), mode)


def _compiles(text: str, shown: str) -> None:
    try:
        compile(text, shown, "exec", dont_inherit=True)
    except SyntaxError as error:
        raise marks.MarkError(shown, error.lineno or 1, f"the starter would not compile: {error.msg}") from None


def _can_be_read(text: str, shown: str) -> None:
    """A starter in which everything is still to be written is no data yet; any other one can be read."""
    try:
        read(shown, text)
    except Empty:
        return
    except Refused as refused:
        raise marks.MarkError(shown, refused.line, f"the starter could not be read: {refused.why}") from None


def files_below(folder: Path) -> list[str]:
    """The files below a folder as `/` paths, without caches and hidden files, sorted."""
    if not folder.is_dir():
        return []
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file() or path.is_symlink())
    return sorted(path.as_posix() for path in found if not _is_ignored(path))


def _is_ignored(path: Path) -> bool:
    return any(part in _IGNORED or part.endswith((".pyc", "~")) for part in path.parts) or path.name.startswith(".#")


def stray_files(root: Path, lab: Lab) -> list[str]:
    """Files in the lab's folder under labs/ that no solution stands for, relative to the root."""
    made = {starter.file for starter in starters(root, lab)}
    return [(lab.labs_dir / file).as_posix() for file in files_below(root / lab.labs_dir) if file not in made]


def sync(root: Path, labs: Iterable[Lab] | None = None) -> SyncReport:
    """Write the starters of all labs (or of `labs`) to labs/.

    A file that differs is first moved to `.lab/kept/<time>/`, because it may hold a learner's work.
    Nothing is deleted.
    """
    report = SyncReport()
    for lab in load_catalog(root) if labs is None else labs:
        for starter in starters(root, lab):
            _sync_one(root, lab, starter, report)
        report.stray += stray_files(root, lab)
    return report


def _sync_one(root: Path, lab: Lab, starter: Starter, report: SyncReport) -> None:
    path = root / lab.labs_dir / starter.file
    shown = path.relative_to(root).as_posix()
    if path.is_file() and not path.is_symlink() and path.read_bytes() == starter.content:
        report.unchanged.append(shown)
        return
    if path.exists() or path.is_symlink():
        report.kept = report.kept or free_folder(root / ".lab" / "kept", timestamp())
        _keep(path, report.kept / lab.package / starter.file)
    write_atomic(path, starter.content, starter.mode)
    report.written.append(shown)


def _keep(path: Path, kept: Path) -> None:
    kept.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(path, kept)


def write_solved(root: Path, lab: Lab, solved: Collection[str], out_folder: Path) -> Path:
    """Write a lab of which some exercises are `solved` and the others still to do; return `out_folder`, for tests."""
    for starter in starters(root, lab, solved):
        write_atomic(out_folder / starter.file, starter.content, starter.mode)
    return out_folder


def render_starters(root: Path, out_folder: Path) -> Catalog:
    """Write the starters of all labs below `out_folder` (`out_folder/lab1_models/...`), for tests."""
    catalog = load_catalog(root)
    for lab in catalog:
        write_solved(root, lab, (), out_folder / lab.package)
    return catalog
