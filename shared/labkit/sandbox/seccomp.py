"""A filter of system calls: a process gives up those that lead out of its walls, or that only attack a kernel.

Source: the kernel's `Documentation/userspace-api/seccomp_filter.rst`. The filter is classic BPF that the kernel runs
before each call. It sees numbers and never what a pointer leads to: so what a socket connects to is out of its sight,
and the sockets that could connect by a path are not given out at all.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import socket
import struct
from collections.abc import Sequence

from labkit.sandbox import kernel

_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _MODE_FILTER = 38, 22, 2
_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_LOAD, _EQUAL, _SET, _AND, _RETURN = 0x20, 0x15, 0x45, 0x54, 0x06
_NUMBER_AT, _ARCH_AT, _ARGUMENTS_AT = 0, 4, 16
_X32 = 0x40000000
_NETLINK_ROUTE = 0

_ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}

# Names as in the kernel's tables; the numbers of x86_64 and of aarch64. From 424 on all architectures have the same.
_REFUSED = {
    # other processes
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "kcmp": (312, 272),
    "process_madvise": (440, 440), "pidfd_getfd": (438, 438), "process_mrelease": (448, 448),
    # other namespaces and mounts
    "unshare": (272, 97), "setns": (308, 268), "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41),
    "chroot": (161, 51), "open_tree": (428, 428), "move_mount": (429, 429), "fsopen": (430, 430),
    "fsconfig": (431, 431), "fsmount": (432, 432), "fspick": (433, 433), "mount_setattr": (442, 442),
    "open_by_handle_at": (304, 265), "name_to_handle_at": (303, 264), "fanotify_init": (300, 262),
    "open_tree_attr": (467, 467),
    # memory, semaphores and messages of System V: no limit counts them, and without namespaces they are the user's
    "shmget": (29, 194), "shmat": (30, 196), "shmctl": (31, 195), "shmdt": (67, 197), "semget": (64, 190),
    "semop": (65, 193), "semctl": (66, 191), "semtimedop": (220, 192), "msgget": (68, 186), "msgsnd": (69, 189),
    "msgrcv": (70, 188), "msgctl": (71, 187),
    # keys of the user's session
    "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219),
    # large parts of the kernel that no exercise needs
    "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282), "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426), "io_uring_register": (427, 427), "kexec_load": (246, 104),
    "kexec_file_load": (320, 294), "init_module": (175, 105), "finit_module": (313, 273), "delete_module": (176, 106),
    "acct": (163, 89), "quotactl": (179, 60), "quotactl_fd": (443, 443), "reboot": (169, 142), "swapon": (167, 224),
    "swapoff": (168, 225), "syslog": (103, 116), "lookup_dcookie": (212, 18),
    # another system's
    "clock_settime": (227, 112), "settimeofday": (164, 170), "adjtimex": (159, 171), "sethostname": (170, 161),
    "setdomainname": (171, 162),
}  # fmt: skip
_UNSUPPORTED = {
    # attributes of files, which Landlock does not hold
    "setxattr": (188, 5), "lsetxattr": (189, 6), "fsetxattr": (190, 7), "setxattrat": (463, 463),
    "removexattr": (197, 14), "lremovexattr": (198, 15), "fremovexattr": (199, 16), "removexattrat": (466, 466),
    "file_setattr": (469, 469),
}  # fmt: skip
_CLONE, _CLONE3, _SOCKET, _SOCKETPAIR, _PRLIMIT = (56, 220), (435, 435), (41, 198), (53, 199), (302, 261)
_NEW_NAMESPACES = 0x7E020080
"""The flags of `clone` that make namespaces."""

Step = tuple[int, int, int, int]
"""One instruction: operation, steps to skip if it holds, if it does not, operand."""


def _load_argument(place: int) -> Step:
    return (_LOAD, 0, 0, _ARGUMENTS_AT + 8 * place)


def _answer(code: int) -> Step:
    return (_RETURN, 0, 0, _ERRNO | code)


def _call_is(number: int, then: Sequence[Step]) -> list[Step]:
    """Take these steps for one call, which end the filter; go on with what follows for the others."""
    return [(_EQUAL, 0, len(then), number), *then]


_PASS: Step = (_RETURN, 0, 0, _ALLOW)


def _program(machine: str) -> list[Step]:
    """Return the filter for an architecture."""
    place = 0 if machine == "x86_64" else 1
    steps: list[Step] = [
        (_LOAD, 0, 0, _ARCH_AT),
        (_EQUAL, 1, 0, _ARCHITECTURES[machine]),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER_AT),
    ]
    if machine == "x86_64":  # a second table of calls, with other numbers
        steps += [(_SET, 0, 1, _X32), (_RETURN, 0, 0, _KILL)]
    for numbers in _REFUSED.values():
        steps += _call_is(numbers[place], [_answer(errno.EPERM)])
    for numbers in _UNSUPPORTED.values():
        steps += _call_is(numbers[place], [_answer(errno.ENOTSUP)])
    # What the filter cannot look into is "not there": the C library then uses `clone`.
    steps += _call_is(_CLONE3[place], [_answer(errno.ENOSYS)])
    steps += _call_is(_CLONE[place], [_load_argument(0), (_SET, 0, 1, _NEW_NAMESPACES), _answer(errno.EPERM), _PASS])
    steps += _call_is(_PRLIMIT[place], [_load_argument(0), (_EQUAL, 1, 0, 0), _answer(errno.EPERM), _PASS])
    steps += _call_is(_SOCKET[place], _families())
    steps += _call_is(_SOCKETPAIR[place], _pairs())
    return [*steps, _PASS]


def _families() -> list[Step]:
    """Internet sockets pass, and the list of addresses. The others would reach what no network namespace holds."""
    return [
        _load_argument(0),
        (_EQUAL, 4, 0, socket.AF_INET),
        (_EQUAL, 3, 0, socket.AF_INET6),
        (_EQUAL, 0, 3, 16),  # AF_NETLINK
        _load_argument(2),
        (_EQUAL, 0, 1, _NETLINK_ROUTE),
        _PASS,
        _answer(errno.EAFNOSUPPORT),
    ]


def _pairs() -> list[Step]:
    """Pairs that stay pairs: one of datagrams could send to a path."""
    return [
        _load_argument(1),
        (_AND, 0, 0, 0xF),
        (_EQUAL, 1, 0, socket.SOCK_STREAM),
        (_EQUAL, 0, 1, socket.SOCK_SEQPACKET),
        _PASS,
        _answer(errno.EAFNOSUPPORT),
    ]


def is_known() -> bool:
    """Whether there is a filter for this system."""
    return os.uname().sysname == "Linux" and platform.machine() in _ARCHITECTURES


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("steps", ctypes.c_void_p)]


def restrict() -> None:
    """Put the filter up, for this process and all that it starts. It cannot be taken down again.

    Raises:
        OSError: where the kernel refuses, or no filter is known for this architecture.
    """
    if not is_known():
        raise OSError(errno.ENOSYS, "no filter of system calls for this system")
    steps = _program(platform.machine())
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in steps))
    program = _Program(len(steps), ctypes.addressof(code))
    kernel.prctl(_PR_SET_NO_NEW_PRIVS, 1)
    kernel.prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.byref(program))
