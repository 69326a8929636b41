"""The files that a submission's processes see: a root of their own, with what they may read and nothing else.

Called in a mount namespace of the submission's own, as the first process of its PID namespace.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import struct
from collections.abc import Iterable, Sequence
from pathlib import Path

from labkit.sandbox import kernel

_MS_NOSUID, _MS_NODEV, _MS_NOEXEC, _MS_BIND, _MS_REC = 2, 4, 8, 0x1000, 0x4000
_MNT_DETACH = 2
_OPEN_TREE, _MOVE_MOUNT, _MOUNT_SETATTR, _PIVOT_ROOT = 428, 429, 442, {"x86_64": 155, "aarch64": 41}
_OPEN_TREE_CLONE, _MOVE_EMPTY_PATH = 1, 4
_AT_RECURSIVE, _HERE = 0x8000, ctypes.c_int(-100)
_ATTR_RDONLY, _ATTR_NOSUID = 1, 2

_OLD = ".old-root"


def mount(source: str, target: Path, kind: str | None, flags: int, options: str = "") -> None:
    """Mount, or raise `OSError`."""
    named = kind.encode() if kind else None
    kernel.call("mount", os.fsencode(source), os.fsencode(target), named, ctypes.c_ulong(flags), options.encode())


def mount_new(kind: str, target: Path, options: str = "") -> bool:
    """Mount a new `tmpfs` or `proc`; return whether that worked."""
    try:
        mount(kind, target, kind, _MS_NOSUID | _MS_NODEV | (_MS_NOEXEC if kind == "proc" else 0), options)
    except OSError:
        return False
    return True


def new_root(stage: Path, visible: Iterable[Path], *, keep_stage: bool) -> bool:
    """Make a root in which these files and folders are, and nothing else, and change to it. They can only be read.

    `/proc`, `/dev/shm` and `/tmp` are there as empty folders to mount on, `/proc` with its new mount.

    Args:
        stage: the folder that the submission may write. It is there in the new root, too.
        visible: files and folders with all below them; what is not there is left out.
        keep_stage: whether what is in `stage` stays there, and can be written; else it is an empty folder.

    Returns:
        Whether `/proc` shows this PID namespace alone.

    Raises:
        OSError: where the system refuses. Then the old root is still there, if not untouched.
    """
    kept = _take_copy(stage)
    try:
        mount("tmpfs", stage, "tmpfs", _MS_NOSUID | _MS_NODEV, "size=1m,mode=0755")
        for path in _outermost(path for path in visible if path != Path("/proc")):
            _show(path, stage)
        inside = _inside(stage, stage)
        for folder in (stage / "proc", stage / "dev/shm", stage / "tmp", stage / _OLD, inside):
            folder.mkdir(parents=True, exist_ok=True)
        _make_read_only(stage)
        # A new `proc` is given only to who sees an old one.
        own_processes = mount_new("proc", stage / "proc")
        if not own_processes:
            mount("/proc", stage / "proc", None, _MS_BIND | _MS_REC)
        if keep_stage:
            _put(kept, inside)
        _change_to(stage)
    except OSError:
        with contextlib.suppress(OSError):
            _detach(stage)
        raise
    finally:
        os.close(kept)
    return own_processes


def _outermost(paths: Iterable[Path]) -> list[Path]:
    """Return the paths that are there, each also as it is without links, but none that lies in another one."""
    found: list[Path] = []
    both = {one for path in paths if path.exists() for one in (path.absolute(), path.resolve())}
    for path in sorted(both, key=lambda path: len(path.parts)):
        if not any(path.is_relative_to(known) for known in found if not known.is_symlink()):
            found.append(path)
    return found


def _inside(root: Path, path: Path) -> Path:
    return root / path.relative_to("/")


def _show(path: Path, root: Path) -> None:
    """Have a path of this root in a new one."""
    target = _inside(root, path)
    if path.is_symlink() and path.parent == Path("/"):  # /bin, /lib
        with contextlib.suppress(FileExistsError):
            target.symlink_to(os.readlink(path))
        return
    if path.is_dir():
        target.mkdir(parents=True, exist_ok=True)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch()
    mount(str(path), target, None, _MS_BIND | _MS_REC)


def _take_copy(folder: Path) -> int:
    """Return a handle of a folder's mount that stays, whatever is mounted on that folder afterwards."""
    flags = ctypes.c_uint(_OPEN_TREE_CLONE | os.O_CLOEXEC | _AT_RECURSIVE)
    return kernel.syscall(_OPEN_TREE, _HERE, os.fsencode(folder), flags)


def _put(handle: int, target: Path) -> None:
    flags = ctypes.c_uint(_MOVE_EMPTY_PATH)
    kernel.syscall(_MOVE_MOUNT, ctypes.c_int(handle), b"", _HERE, os.fsencode(target), flags)


def _make_read_only(path: Path) -> None:
    """Let nobody change a file of a mount and of those below: not its content, nor its mode, times or attributes."""
    attributes = struct.pack("=QQQQ", _ATTR_RDONLY | _ATTR_NOSUID, 0, 0, 0)
    size, flags = ctypes.c_size_t(len(attributes)), ctypes.c_uint(_AT_RECURSIVE)
    kernel.syscall(_MOUNT_SETATTR, _HERE, os.fsencode(path), flags, attributes, size)


def _change_to(root: Path) -> None:
    kernel.syscall(_PIVOT_ROOT[os.uname().machine], os.fsencode(root), os.fsencode(root / _OLD))
    os.chdir("/")
    _detach(Path("/", _OLD))


def _detach(path: Path) -> None:
    kernel.call("umount2", os.fsencode(path), ctypes.c_int(_MNT_DETACH))


def without(paths: Iterable[Path], secret: Sequence[Path]) -> list[Path]:
    """Return these paths, and for one that has a secret folder below it what is in it beside that.

    So `/usr` is shown although somebody has put this course below it.
    """
    out: list[Path] = []
    for path in paths:
        real = path.resolve()
        if any(real.is_relative_to(one) for one in secret):
            continue
        if any(one.is_relative_to(real) for one in secret) and real.is_dir():
            out += without(real.iterdir(), secret)
        else:
            out.append(path)
    return out
