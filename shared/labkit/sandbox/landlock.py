"""Landlock by system call: a process gives up all files but those it names (Linux 5.13 and later).

Source: the kernel's `Documentation/userspace-api/landlock.rst`. No library on PyPI wraps it without a compiler.
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterable
from pathlib import Path

from labkit.sandbox import kernel

_CREATE, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION_FLAG = 1
_PATH_BENEATH = 1
_PR_SET_NO_NEW_PRIVS = 38

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 2, 4, 8
_TRUNCATE, _IOCTL_DEV = 1 << 14, 1 << 15
_READ = _EXECUTE | _READ_FILE | _READ_DIR
_FILE_ONLY = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV
_SCOPE_SIGNALS_AND_SOCKETS = 3


def abi() -> int:
    """Return the version of Landlock that the kernel has, 0 where there is none."""
    if os.uname().sysname != "Linux":
        return 0
    try:
        return kernel.syscall(_CREATE, None, ctypes.c_size_t(0), ctypes.c_uint32(_VERSION_FLAG))
    except OSError:
        return 0


def _handled(version: int) -> int:
    """Return all the file rights that this version knows."""
    bits = {1: 13, 2: 14, 3: 15, 4: 15}.get(version, 16)
    return int((1 << bits) - 1)


def _allow(ruleset: int, path: Path, rights: int) -> None:
    try:
        handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # what is not there needs no permission
    try:
        rule = struct.pack("=Qi", rights & (_FILE_ONLY if not path.is_dir() else ~0), handle)
        kernel.syscall(_ADD_RULE, ctypes.c_int(ruleset), ctypes.c_int(_PATH_BENEATH), rule, ctypes.c_uint32(0))
    finally:
        os.close(handle)


def restrict(readable: Iterable[Path], writable: Iterable[Path]) -> None:
    """Leave this process and its children only the given files and folders.

    Args:
        readable: files and folders (with all below) that can be read and executed.
        writable: the same, that can be written as well.

    Raises:
        OSError: where the kernel refuses.
    """
    version = abi()
    if not version:
        raise OSError("this kernel has no Landlock")
    handled = _handled(version)
    scoped = _SCOPE_SIGNALS_AND_SOCKETS if version >= 6 else 0
    attribute = struct.pack("=QQQ", handled, 0, scoped)[: 24 if version >= 6 else 16 if version >= 4 else 8]
    ruleset = kernel.syscall(_CREATE, attribute, ctypes.c_size_t(len(attribute)), ctypes.c_uint32(0))
    try:
        for path in readable:
            _allow(ruleset, path, _READ & handled)
        for path in writable:
            _allow(ruleset, path, handled & ~_EXECUTE | _EXECUTE)
        kernel.prctl(_PR_SET_NO_NEW_PRIVS, 1)
        kernel.syscall(_RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint32(0))
    finally:
        os.close(ruleset)
