"""Tracks: where the code under check comes from, and how its files are taken, and nothing else with them."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from labkit.course.lab import Lab

MAX_FILE = 2 * 2**20
"""Largest file that is taken from a submission, in bytes."""


class TrackError(Exception):
    """A track that is not there."""


@dataclass(frozen=True)
class Track:
    """Where a submission is.

    `name` is "labs", "solutions" or the folder as it was given; `folder` holds the lab's files; `shown` leads to them
    in messages.
    """

    name: str
    folder: Path
    shown: str

    def place(self, file: str, line: int = 0) -> str:
        """Return how a line of a file is shown to the learner."""
        return f"{self.shown}/{file}:{line}" if line else f"{self.shown}/{file}"


def resolve_track(root: Path, spec: str, lab: Lab) -> Track:
    """Return the track that `spec` names: "labs", "solutions", or a folder.

    A folder may be the lab's own (`…/lab1_models`), hold it, or hold `labs/` with it.
    Raises `TrackError` where there is no such folder, or where it leads to the solutions and does not say so.
    """
    if spec in ("labs", "solutions"):
        return Track(spec, root / spec / lab.package, f"{spec}/{lab.package}")
    given = Path(spec)
    if not given.is_dir():
        raise TrackError(f"`{spec}` is no track: use `labs`, `solutions` or a folder that is there")
    inner = [given / "labs" / lab.package, given / lab.package]
    folder = next((folder for folder in inner if os.path.lexists(folder)), given)
    if _is_the_solution(root, folder, lab):
        raise TrackError(f"`{spec}` leads to the solutions of this checkout; `--track solutions` checks those")
    return Track(spec, folder, str(folder))


def _is_the_solution(root: Path, folder: Path, lab: Lab) -> bool:
    """Whether a folder is the solution under another name, which a link above it or a mount gives it.

    A link further down is left to `collect`: it is told to the author of the submission.
    """
    start, inside = _walk(folder, lab)
    if "solutions" in folder.absolute().parts or any(path.is_symlink() for path in _steps(start, inside)):
        return False
    solution = root / lab.solutions_dir
    return folder.exists() and solution.exists() and folder.samefile(solution)


def links_on_the_way(folders: Sequence[Path]) -> dict[Path, Path]:
    """Return those folders that are, or lie behind, a link below what they have in common: folder to link.

    What they have in common was typed by the caller. What comes after it may be a submission's own making, such as a
    link to a neighbour's folder.
    """
    whole = [Path(os.path.abspath(folder)) for folder in folders]
    common = Path(os.path.commonpath([folder.parent for folder in whole])) if whole else Path("/")
    found = {}
    for folder, path in zip(folders, whole, strict=True):
        steps = [*reversed(path.parents), path]
        links = [step for step in steps if step.is_relative_to(common) and step != common and step.is_symlink()]
        if links:
            found[folder] = links[0]
    return found


@dataclass(frozen=True)
class Collected:
    """The files of a submission: `texts` by name, and for those that cannot be taken the reason in `problems`."""

    texts: dict[str, bytes]
    problems: dict[str, str]


def collect(track: Track, lab: Lab) -> Collected:
    """Read the files that the lab names: regular files, no links on the way, UTF-8, of bounded size."""
    texts: dict[str, bytes] = {}
    problems: dict[str, str] = {}
    for name in lab.files:
        try:
            texts[name] = _read(track.folder, name, lab, may_be_shared=track.name == "labs")
        except OSError as error:
            problems[name] = _reason(error, track, name)
        except _NoText as error:
            problems[name] = f"{error}\nwhere: {track.place(name, error.line)}"
        except ValueError as error:
            problems[name] = str(error)
    return Collected(texts, problems)


class _NoText(ValueError):
    """Bytes that are no text, and the line of the first of them."""

    def __init__(self, why: str, line: int) -> None:
        super().__init__(why)
        self.line = line


def _reason(error: OSError, track: Track, name: str) -> str:
    if isinstance(error, FileNotFoundError):
        return f"{track.place(name)} is missing"
    return f"{track.place(name)} cannot be read: {error.strerror or error}"


def _read(folder: Path, name: str, lab: Lab, *, may_be_shared: bool) -> bytes:
    """Read one file of a submission once, and follow no link from the submission's own folder on.

    Args:
        may_be_shared: whether the file may have more than one name on the disk. One that has may be another's.
    """
    start, inside = _walk(folder, lab)
    *folders, file = _steps(start, (*inside, *Path(name).parts))
    here = os.open(start, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for step in folders:
            below = _open_part(here, step, os.O_RDONLY | os.O_DIRECTORY)
            os.close(here)
            here = below
        opened = _open_part(here, file, os.O_RDONLY | os.O_NONBLOCK)
    finally:
        os.close(here)
    with os.fdopen(opened, "rb") as stream:
        about = os.fstat(stream.fileno())
        if not stat.S_ISREG(about.st_mode):
            raise ValueError(f"`{name}` is not a regular file")
        if about.st_nlink > 1 and not may_be_shared:
            raise ValueError(f"`{name}` has a second name on this disk (a hard link); copy it: `cp {name} new`")
        data = stream.read(MAX_FILE + 1)
    if len(data) > MAX_FILE:
        raise ValueError(f"`{name}` is larger than {MAX_FILE // 2**20} MB")
    _require_text(data, name)
    return data


def _walk(folder: Path, lab: Lab) -> tuple[Path, tuple[str, ...]]:
    """Return where the walk to a lab's folder starts, and the names that it goes through, none of which may be a link.

    It begins with the submission's own folder, `anna` of `people/anna/labs/lab1_models`, and where folders of these
    names are nested, with the outermost. What lies above is the place of whoever types the command.
    """
    whole = Path(os.path.abspath(folder))
    own = whole
    while own.name in {lab.package, "labs"}:
        own = own.parent
    return own.parent, whole.relative_to(own.parent).parts


def _steps(start: Path, names: Sequence[str]) -> list[Path]:
    return [start.joinpath(*names[:count]) for count in range(1, len(names) + 1)]


def _open_part(here: int, path: Path, flags: int) -> int:
    """Open the last name of `path` in the folder `here`, which is the one above it."""
    if stat.S_ISLNK(os.stat(path.name, dir_fd=here, follow_symlinks=False).st_mode):
        shown = os.path.relpath(path)
        raise ValueError(
            f"`{shown}` is a symbolic link; a submission is real files in real folders: put the file there"
        )
    return os.open(path.name, flags | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=here)


def _require_text(data: bytes, name: str) -> None:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        why = f"`{name}` is not UTF-8: byte 0x{data[error.start]:02x} in line {line}; save it as UTF-8"
        raise _NoText(why, line) from None
    if b"\0" in data:
        line = data.count(b"\n", 0, data.index(b"\0")) + 1
        raise _NoText(f"`{name}` has a NUL byte in line {line}; it is no text file", line)


def lay_out(collected: Collected, lab: Lab, root: Path, workspace: Path) -> tuple[Path, Path]:
    """Write the submission's files into a fresh workspace, and links to the other labs' solutions beside it.

    Returns the two folders to import from: the submission's, the other labs'.
    """
    package = workspace / "src" / lab.package
    package.mkdir(parents=True)
    trusted = root / lab.solutions_dir / "__init__.py"
    (package / "__init__.py").write_bytes(trusted.read_bytes() if trusted.is_file() else b"")
    for name, data in collected.texts.items():
        target = package / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    others = workspace / "others"
    others.mkdir()
    for folder in (root / "solutions").glob("lab*_*"):
        if folder.is_dir() and folder.name != lab.package:
            (others / folder.name).symlink_to(folder)
    return workspace / "src", others
