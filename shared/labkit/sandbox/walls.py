"""The walls around a worker: namespaces, Landlock, limits, another user where we are root.

Two steps. `enter` is called once for a submission, in the process that will be the parent of all its workers.
`confine` is called in each worker before it sees a line of the learner's code. What a layer needs and the
system does not give is left out and named, so that a report can say so. SECURITY.md lists what remains.
"""

from __future__ import annotations

import contextlib
import ctypes
import dataclasses
import fcntl
import os
import resource
import signal
import socket
import struct
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from labkit.sandbox import kernel, landlock, mounts, seccomp

_NEWNS, _NEWIPC, _NEWUSER, _NEWPID, _NEWNET = 0x00020000, 0x08000000, 0x10000000, 0x20000000, 0x40000000
_MS_REC, _MS_PRIVATE = 0x4000, 1 << 18
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS, _PR_SET_CHILD_SUBREAPER = 1, 4, 38, 36
_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE = 47, 2
_CAP_DAC_READ_SEARCH = 2
_SPARE_USER = 0x70000000
_SIOCSIFFLAGS, _IFF_UP = 0x8914, 1

SYSTEM_READABLE = (
    "/usr",
    "/lib",
    "/lib64",
    "/lib32",
    "/bin",
    "/sbin",
    "/proc",
    "/sys/devices/system/cpu",
    "/dev/urandom",
    "/dev/random",
    "/dev/zero",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/etc/timezone",
    "/etc/fonts",
    "/etc/mime.types",
    "/etc/ssl",
    "/etc/passwd",
    "/etc/group",
    "/etc/hosts",
    "/etc/nsswitch.conf",
    "/etc/alternatives",
)
SYSTEM_WRITABLE = ("/dev/null",)


@dataclass(frozen=True)
class Limits:
    """What one worker may use. Bytes, seconds, counts."""

    memory: int = 2 * 2**30
    """More than the process has when it is forked."""
    cpu_seconds: int = 120
    file_bytes: int = 256 * 2**20
    disk_bytes: int = 512 * 2**20
    processes: int = 96
    open_files: int = 512
    output_bytes: int = 10 * 2**20


@dataclass(frozen=True)
class Walls:
    """What a submission may see.

    Args:
        readable: files and folders with all below them.
        work: the one folder that may be written.
        hidden: folders that a mount namespace covers, in case there is no Landlock.
        quota: whether `work` becomes a file system of its own, with a size, that nobody outside sees.
    """

    readable: Sequence[Path]
    work: Path
    hidden: Sequence[Path] = ()
    quota: bool = True
    private_shm: bool = False
    """Whether `/dev/shm` is the submission's own by now, so that it may be written."""
    limits: Limits = field(default_factory=Limits)
    visible: Sequence[Path] = ()
    """All that may be read, the system's own files included, as `settled` has worked it out."""


def is_linux() -> bool:
    """Whether this is Linux, where all the walls but the plain limits come from."""
    return sys.platform == "linux"


def become_subreaper() -> None:
    """Make this process the parent of every orphan below it, so that none gets away (Linux)."""
    if is_linux():
        kernel.prctl(_PR_SET_CHILD_SUBREAPER, 1)


def die_with_parent() -> None:
    """Have the kernel end this process when its parent ends (Linux)."""
    if is_linux():
        kernel.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def hide_memory() -> None:
    """Let no process of the same user read this one's memory (Linux)."""
    if is_linux():
        kernel.prctl(_PR_SET_DUMPABLE, 0)


def _write_id_maps(uid: int, gid: int) -> None:
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
    Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")


_counted_apart = False
"""Whether this process, and so what is forked from it, is in a user namespace that was made for one submission."""


def count_apart() -> bool:
    """Enter a user namespace alone, where there are no others: the kernel counts processes by user and namespace.

    So submissions of one user do not take processes from each other, since Linux 5.14. Returns whether it worked.
    """
    global _counted_apart
    uid, gid = os.getuid(), os.getgid()
    if uid == 0 or not is_linux():
        return False
    with contextlib.suppress(OSError):
        kernel.call("unshare", _NEWUSER)
        _counted_apart = _counts_by_namespace()
        _write_id_maps(uid, gid)
        return True
    return False


def _counts_by_namespace() -> bool:
    numbers = os.uname().release.split("-")[0].split(".")[:2]
    return all(number.isdigit() for number in numbers) and tuple(map(int, numbers)) >= (5, 14)


def unshare() -> bool:
    """Enter new user (unless root), mount, IPC, network namespaces, and a PID namespace for the next child.

    Returns whether all of it worked. Where it did not, nothing has changed but perhaps the user namespace.
    """
    global _counted_apart
    flags = _NEWNS | _NEWIPC | _NEWPID | _NEWNET
    uid, gid = os.getuid(), os.getgid()
    try:
        if uid == 0:
            kernel.call("unshare", flags)
        else:
            kernel.call("unshare", flags | _NEWUSER)
            _counted_apart = _counts_by_namespace()
            _write_id_maps(uid, gid)
        kernel.call("mount", b"none", b"/", None, ctypes.c_ulong(_MS_REC | _MS_PRIVATE), None)
    except OSError:
        return False
    return True


def settled(walls: Walls) -> Walls:
    """Return the walls with all that may be read worked out: once for a submission, and not again for each worker.

    It leaves out what is hidden somewhere below. Call it where the whole file system is still in sight.
    """
    secret = [folder.resolve() for folder in walls.hidden]
    named = [*walls.readable, *map(Path, SYSTEM_READABLE), *map(Path, SYSTEM_WRITABLE)]
    return dataclasses.replace(walls, visible=mounts.without(named, secret))


def furnish(walls: Walls) -> list[str]:
    """Give the submission a root of its own: what it may read, what it may write, and nothing else of this machine.

    Call it as the first process of the new PID namespace, with `settled` walls. Returns the names of the parts that did
    not work.
    """
    missing = []
    try:
        own_processes = mounts.new_root(walls.work, walls.visible, keep_stage=not walls.quota)
    except (OSError, KeyError):  # the old root is covered in places instead
        missing.append("root")
        own_processes = mounts.mount_new("proc", Path("/proc"))
    if not own_processes:
        missing.append("proc")
    if not mounts.mount_new("tmpfs", Path("/dev/shm"), "size=64m,mode=1777"):
        missing.append("shm")
    size = f"size={walls.limits.disk_bytes},mode=0755"
    if walls.quota and not mounts.mount_new("tmpfs", walls.work, size):
        missing.append("disk")
    for folder in walls.hidden:
        if folder.is_dir() and not mounts.mount_new("tmpfs", folder, "size=4k,mode=0500"):
            missing.append("hidden")
    if os.getuid() != 0:  # root is in no user namespace of its own: there it would stay so for everybody
        with contextlib.suppress(OSError):
            Path("/proc/sys/user/max_user_namespaces").write_text("0")
    with contextlib.suppress(OSError):
        _raise_loopback()
    return missing


def _raise_loopback() -> None:
    """Bring up the loopback of a new network namespace: a worker and its children may talk to each other."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sh14x", b"lo", _IFF_UP)
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, request)


def _cap_set(mask: int) -> None:
    """Keep only these capabilities, for this process and for what it starts."""
    header = struct.pack("=Ii", 0x20080522, 0)
    low, high = mask & 0xFFFFFFFF, mask >> 32
    kernel.call("capset", header, struct.pack("=6I", low, low, low, high, high, high))


def _needs_root_to_read(paths: Sequence[Path]) -> bool:
    """Whether a stranger on this machine could not read these folders."""
    for path in paths:
        for part in (path, *path.parents):
            if part.is_dir() and not part.stat().st_mode & 0o001:
                return True
    return False


def spare_user(process: int, number: int) -> int | None:
    """Return a user id that nobody has, for worker `number` of a root process; None where root may not be another user.

    So it is in a container without root: its user namespace maps a few ids, often root's alone.

    The kernel counts the processes of a user over all namespaces: workers that share one share a limit, too, and a
    submission that forks without end would take it from the others.

    Args:
        process: an id that only this submission's processes have, as the host counts.
    """
    user = _SPARE_USER + process % 2**20 * 2**8 + number % 2**8
    return user if all(_is_mapped(user, kind) for kind in ("uid", "gid")) else None


def _is_mapped(number: int, kind: str) -> bool:
    """Whether a user or group id is one of this process's user namespace."""
    try:
        lines = Path(f"/proc/self/{kind}_map").read_text().splitlines()
    except OSError:
        return True
    spans = [(int(start), int(count)) for start, _, count in map(str.split, lines)]
    return any(start <= number < start + count for start, count in spans)


def _leave_root(walls: Walls, user: int) -> None:
    """Give up root: another user id, no capability but, where the course lies in a private folder, reading."""
    keep = (1 << _CAP_DAC_READ_SEARCH) if _needs_root_to_read([p for p in walls.readable if p.is_dir()]) else 0
    if keep:
        kernel.prctl(8, 1)  # PR_SET_KEEPCAPS
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)
    _cap_set(keep)
    if keep:  # a Python that the learner's code starts has to find its own libraries, too
        kernel.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, _CAP_DAC_READ_SEARCH)


def _set_limit(kind: int, value: int) -> None:
    hard = resource.getrlimit(kind)[1]
    bound = value if hard == resource.RLIM_INFINITY else min(value, hard)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(kind, (bound, bound))


def own_memory() -> int:
    """Return the address space of this process in bytes, 0 where that cannot be told."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    except (OSError, ValueError):
        return 0


def _processes_of_user() -> int:
    """Return how many tasks this user runs: where the count is not per namespace, the limit must allow for them."""
    count, user = 0, os.getuid()
    for entry in Path("/proc").iterdir() if Path("/proc").is_dir() else ():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and entry.stat().st_uid == user:
                count += len(list((entry / "task").iterdir()))
    return count


def set_limits(limits: Limits, *, own_user: bool) -> None:
    """Set the kernel's limits on this process and its children.

    Args:
        own_user: whether no other process counts towards this user's processes.
    """
    _set_limit(resource.RLIMIT_CORE, 0)
    _set_limit(resource.RLIMIT_CPU, limits.cpu_seconds)
    _set_limit(resource.RLIMIT_FSIZE, limits.file_bytes)
    _set_limit(resource.RLIMIT_NOFILE, limits.open_files)
    _set_limit(resource.RLIMIT_NPROC, limits.processes + (0 if own_user else _processes_of_user()))
    memory = own_memory()
    if memory:
        _set_limit(resource.RLIMIT_AS, memory + limits.memory)


def confine(
    walls: Walls, folder: Path, *, namespaced: bool, user: int | None, close_except: Sequence[int]
) -> list[str]:
    """Shut this process in. Called in the worker, right after the fork or at its start.

    Args:
        walls: as `settled` returned them.
        folder: the worker's own folder, the only one it may write.
        namespaced: whether `unshare` worked for the parent.
        user: the user id to become where this process is root, else None.
        close_except: file descriptors to leave open besides 0, 1, 2.

    Returns:
        Names of the layers that are missing: "files", "user", "calls".
    """
    missing: list[str] = []
    os.chdir(folder)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    close_all_but(close_except)
    if not is_linux():
        set_limits(walls.limits, own_user=False)
        return ["files", "user", "calls"]
    if user is not None:
        _try(lambda: _leave_root(walls, user), "user", missing)
    else:
        if os.getuid() == 0:
            missing.append("user")
        _try(lambda: _cap_set(0), "user", missing)
    own_user = _counted_apart or (user is not None and "user" not in missing)
    set_limits(walls.limits, own_user=own_user)
    with contextlib.suppress(OSError):
        kernel.prctl(_PR_SET_NO_NEW_PRIVS, 1)
    writable = [folder, *map(Path, SYSTEM_WRITABLE), *([Path("/dev/shm")] if walls.private_shm else [])]
    _try(lambda: landlock.restrict(walls.visible, writable), "files", missing)
    _try(seccomp.restrict, "calls", missing)
    return missing


def _try(action: Callable[[], None], name: str, missing: list[str]) -> None:
    try:
        action()
    except OSError:
        missing.extend([name] if name not in missing else [])


def close_all_but(keep: Sequence[int]) -> None:
    """Close every file descriptor but 0, 1, 2 and those to keep."""
    start = 3
    for number in sorted(keep):
        os.closerange(start, number)
        start = number + 1
    os.closerange(start, 65536)


def _probe(action: Callable[[], bool]) -> bool:
    """Try something in a child, so that this process stays as it is."""
    child = os.fork()
    if child == 0:
        try:
            os._exit(0 if action() else 1)
        except BaseException:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def _filtered() -> bool:
    seccomp.restrict()
    return True


NAMESPACES = "namespaces (users, processes, mounts, network)"
LANDLOCK = "Landlock (files)"
SECCOMP = "seccomp (system calls)"


def hold_strangers(*, fork: bool) -> bool:
    """Whether this system keeps what strangers have written from this user's files and sockets.

    Args:
        fork: whether workers are forked: fresh processes have no namespaces.
    """
    there = available()
    return (fork and there[NAMESPACES]) or (there[LANDLOCK] and there[SECCOMP])


def available() -> dict[str, bool]:
    """Return which walls this system gives: name of the layer to whether it is there."""
    return {
        "limits": True,
        NAMESPACES: is_linux() and _probe(lambda: unshare()),
        LANDLOCK: landlock.abi() > 0,
        SECCOMP: seccomp.is_known() and _probe(_filtered),
        "subreaper (no process gets away)": is_linux(),
    }
