"""Calls that Python has no function for: of the C library by name, of the kernel by number. One that fails raises."""

from __future__ import annotations

import ctypes
import os


def call(name: str, *args: object) -> None:
    """Call a function of the C library that answers 0, or less where it failed. Raises `OSError`."""
    _result(int(getattr(_libc(), name)(*args)), name)


def syscall(number: int, *args: object) -> int:
    """Make a call of the kernel by its number; return its answer, or raise `OSError`."""
    return _result(int(_libc().syscall(ctypes.c_long(number), *args)), f"system call {number}")


def prctl(option: int, *args: object) -> None:
    """Set something of this process; arguments that are left out are 0."""
    values = [ctypes.c_ulong(one) if isinstance(one, int) else one for one in args]
    call("prctl", option, *values, *[ctypes.c_ulong(0)] * (4 - len(values)))


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _result(result: int, name: str) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{name}: {os.strerror(code)}")
    return result
