"""Small helpers for files: whole or not at all, and a name for the moment."""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
import time
from pathlib import Path


def write_atomic(path: Path, content: bytes | str, mode: int | None = None) -> None:
    """Write to a temporary name beside `path` and rename, so that a reader never sees half a file."""
    data = content.encode() if isinstance(content, str) else content
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        os.chmod(name, 0o644 if mode is None else mode)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def sha256_of(path: Path) -> str | None:
    """The hex digest of a regular file of at most 10 MB, None where there is none to read."""
    import hashlib

    try:
        if path.stat().st_size > 10_000_000:
            return None
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return None


def read_text(path: Path) -> str | None:
    """The text of a learner's file, wrong bytes replaced; None where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None


def timestamp() -> str:
    """The local time as a folder name, `2026-03-01_14-30-59`."""
    return time.strftime("%Y-%m-%d_%H-%M-%S")


def free_folder(parent: Path, name: str) -> Path:
    """A folder that did not exist, named `name`, or `name_2` and so on; made here."""
    for number in range(1, 1000):
        folder = parent / (name if number == 1 else f"{name}_{number}")
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        return folder
    raise FileExistsError(f"{parent / name}: too many folders of this name")


def remove_tree(folder: Path) -> None:
    """Remove a folder, also what a worker made unreadable, or nested some thousand deep; never raises.

    `shutil.rmtree` calls itself for each level. Here the folders below are brought up, one level at a time. Nothing is
    made for that: on a disk that is full there is no room for one more folder.
    """
    with contextlib.suppress(OSError):
        folder.chmod(0o700)
    own, number, emptied = f".{secrets.token_hex(8)}-", 0, []
    waiting = _entries(folder)
    while waiting:
        entry = waiting.pop()
        if not entry.is_dir(follow_symlinks=False):
            with contextlib.suppress(OSError):
                os.unlink(entry.path)
            continue
        number += 1
        brought_up = folder / f"{own}{number}"
        with contextlib.suppress(OSError):
            os.chmod(entry.path, 0o700)
            os.rename(entry.path, brought_up)
            waiting += _entries(brought_up)
            emptied.append(brought_up)
    for last in (*emptied, folder):
        with contextlib.suppress(OSError):
            last.rmdir()


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return list(found)
    except OSError:
        return []
