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

_MS_NOSUID, _MS_NODEV, _MS_NOEXEC, _MS_BIND, _MS_REC = 2, 4, 8, 0x1000, 0x4000
_MNT_DETACH = 2
_OPEN_TREE, _MOVE_MOUNT, _MOUNT_SETATTR, _PIVOT_ROOT = 428, 429, 442, {"x86_64": 155, "aarch64": 41}
_OPEN_TREE_CLONE, _MOVE_EMPTY_PATH = 1, 4
_AT_RECURSIVE, _AT_FDCWD = 0x8000, -100
_ATTR_RDONLY, _ATTR_NOSUID = 1, 2

_OLD = ".old-root"


def _checked(result: int, name: str) -> None:
    if result:
        code = ctypes.get_errno()
        raise OSError(code, f"{name}: {os.strerror(code)}")


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def mount(source: str, target: Path, kind: str | None, flags: int, options: str = "") -> None:
    """Mount, or raise `OSError`."""
    _checked(
        _libc().mount(
            os.fsencode(source),
            os.fsencode(target),
            kind.encode() if kind else None,
            ctypes.c_ulong(flags),
            options.encode(),
        ),
        "mount",
    )


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
        _libc().umount2(os.fsencode(stage), ctypes.c_int(_MNT_DETACH))
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
    number, here = ctypes.c_long(_OPEN_TREE), ctypes.c_int(_AT_FDCWD)
    handle = int(_libc().syscall(number, here, os.fsencode(folder), flags))
    _checked(int(handle < 0), "open_tree")
    return handle


def _put(handle: int, target: Path) -> None:
    number, here, flags = ctypes.c_long(_MOVE_MOUNT), ctypes.c_int(_AT_FDCWD), ctypes.c_uint(_MOVE_EMPTY_PATH)
    _checked(_libc().syscall(number, ctypes.c_int(handle), b"", here, os.fsencode(target), flags), "move_mount")


def _make_read_only(path: Path) -> None:
    """Let nobody change a file of a mount and of those below: not its content, nor its mode, times or attributes."""
    attributes = struct.pack("=QQQQ", _ATTR_RDONLY | _ATTR_NOSUID, 0, 0, 0)
    size, flags = ctypes.c_size_t(len(attributes)), ctypes.c_uint(_AT_RECURSIVE)
    number, here = ctypes.c_long(_MOUNT_SETATTR), ctypes.c_int(_AT_FDCWD)
    _checked(_libc().syscall(number, here, os.fsencode(path), flags, attributes, size), "mount_setattr")


def _change_to(root: Path) -> None:
    number = _PIVOT_ROOT[os.uname().machine]
    _checked(_libc().syscall(ctypes.c_long(number), os.fsencode(root), os.fsencode(root / _OLD)), "pivot_root")
    os.chdir("/")
    _checked(_libc().umount2(os.fsencode(f"/{_OLD}"), ctypes.c_int(_MNT_DETACH)), "umount")


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
