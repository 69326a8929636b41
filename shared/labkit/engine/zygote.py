"""The zygote: a process that has imported libraries and read nothing else. Checkers and nurseries are forked from it.

What a child has to know comes to it over a socket after the fork. So a worker, which is forked from a nursery, has
nothing in its memory of submissions, seeds, checks or environments. The zygote never runs the learner's code or a
check itself, and never computes anything in parallel, or its children would hang.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import selectors
import signal
import socket
import sys
import traceback
import warnings
from collections.abc import Sequence
from typing import Any

from labkit.documents.readers import get_ready
from labkit.sandbox import walls
from labkit.sandbox.nursery import NurseryProcess
from labkit.sandbox.workers import MESSAGE

# jsonschema takes this grammar of web addresses where JupyterLab has brought it, and does without it elsewhere. To
# compile it takes a second of each import of Prefect and MLflow, for the format `iri`, which no lab has.
NOT_IMPORTED = ("rfc3987_syntax",)


class Zygote:
    """The loop of the zygote: orders on a socket, with the ends of sockets for the children."""

    def __init__(self, channel: socket.socket) -> None:
        self.channel = channel
        self.namespaces = True
        self.checkers: dict[int, tuple[int, int]] = {}
        self.selector = selectors.DefaultSelector()
        self.selector.register(channel, selectors.EVENT_READ)

    def serve(self) -> None:
        """Serve until the conductor hangs up."""
        while True:
            for key, _ in self.selector.select(0.02 if self._reap() else None):
                if key.fileobj is not self.channel:
                    self._ended(key.fd)
                    continue
                message, handles, _, _ = socket.recv_fds(self.channel, MESSAGE, 4)
                if not message:
                    return self._stop()
                self._carry_out(json.loads(message), list(handles))

    def _carry_out(self, order: dict[str, Any], handles: list[int]) -> None:
        try:
            if "preload" in order:
                self._preload(order["preload"], order.get("files", ()))
            elif "kill" in order:
                self._kill(order["kill"])
            else:
                self._fork(order["fork"], handles)
        except Exception:
            self._send({"broken": traceback.format_exc()[-3000:], "fork": order.get("fork")})
        finally:
            for number in handles:
                os.close(number)

    def _preload(self, names: Sequence[str], files: Sequence[str]) -> None:
        """Import modules, and the readers of such files, so that no child has to."""
        get_ready(files)
        missing = [name for name in names if name not in sys.modules]
        if not missing:
            return
        for name in NOT_IMPORTED:
            sys.modules.setdefault(name, None)  # type: ignore[arg-type]
        gc.disable()  # it would look at all modules again and again; they stay
        try:
            for name in missing:
                importlib.import_module(name)
        finally:
            gc.enable()
        gc.collect()
        gc.freeze()

    def _fork(self, number: int, handles: list[int]) -> None:
        """Fork a nursery, and the checker that gives it orders where there are ends for one."""
        nursery, *checker = handles
        self._open_nursery(nursery)
        if not checker:
            return
        pid = os.fork()
        if pid == 0:
            become_checker(*checker)
        handle = os.pidfd_open(pid)
        self.checkers[handle] = (number, pid)
        self.selector.register(handle, selectors.EVENT_READ)

    def _open_nursery(self, control: int) -> None:
        """Fork the parent of a submission's workers, in namespaces of its own where the system gives them."""
        if self.namespaces:
            pid = fork_nursery(control, namespaced=True)
            if os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0:
                return
            self.namespaces = False
        fork_nursery(control, namespaced=False)

    def _ended(self, handle: int) -> None:
        number, pid = self.checkers.pop(handle)
        self.selector.unregister(handle)
        os.close(handle)
        self._send({"ended": number, "status": os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])})

    def _kill(self, number: int) -> None:
        for known, pid in self.checkers.values():
            if known == number:
                os.kill(pid, signal.SIGKILL)

    def _reap(self) -> bool:
        """Wait for nurseries that have ended, but not for checkers; return whether a nursery is left."""
        busy = {pid for _, pid in self.checkers.values()}
        try:
            while (found := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)) and found.si_pid not in busy:
                os.waitpid(found.si_pid, 0)
        except ChildProcessError:
            return False
        return True

    def _send(self, message: dict[str, Any]) -> None:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.channel.sendall(json.dumps(message).encode())

    def _stop(self) -> None:
        """End the checkers; the nurseries end where nobody gives them orders any more."""
        for _, pid in self.checkers.values():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            signal.alarm(5)
            while True:
                os.waitpid(-1, 0)


def fork_nursery(control: int, *, namespaced: bool) -> int:
    """Fork a nursery process that takes its orders from `control`; return the pid to wait for.

    In namespaces, that is a process between: it ends at once, with status 0 where the system gives namespaces.
    """
    pid = os.fork()
    if pid:
        return pid
    try:
        walls.close_all_but([control])
        process = os.getpid()
        if namespaced:
            if not walls.unshare():
                os._exit(3)
            if os.fork():
                os._exit(0)
        else:
            walls.count_apart()
        NurseryProcess(socket.socket(fileno=control), process=process, namespaced=namespaced).run()
    finally:
        os._exit(70)


def become_checker(channel: int, *controls: int) -> None:
    """Be the checker of a run. Never returns."""
    try:
        walls.die_with_parent()
        walls.close_all_but([channel, *controls])
        from labkit.engine.checker import serve_run

        serve_run(*(socket.socket(fileno=number) for number in (channel, *controls)))
    finally:
        os._exit(3)


def main(channel: str) -> None:
    """Be the zygote: `python -m labkit.engine.zygote CHANNEL`."""
    warnings.simplefilter("ignore")
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    walls.become_subreaper()
    # It ends when its channel closes. Its parent's end is no sign: that is the end of the thread that started it.
    Zygote(socket.socket(fileno=int(channel))).serve()
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1])
