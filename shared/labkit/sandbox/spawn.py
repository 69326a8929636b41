"""Workers as fresh processes, for systems where a process that has imported the heavy libraries cannot fork safely.

Slower, since every worker imports them again. The walls are the same where the system gives them, but for the
namespaces: a worker puts them up itself, before it sees the learner's code.
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from labkit.files import remove_tree
from labkit.sandbox import walls
from labkit.sandbox.connection import Connection, Ending
from labkit.sandbox.job import Job, worker_environment
from labkit.sandbox.nursery import end_orphans, give_to, run_worker
from labkit.sandbox.workers import Started, connect_to_loopback, listen_on_loopback, open_listener, read_hello


class SpawnedWorkers:
    """Starts and ends workers of one submission as processes of their own.

    Args:
        sweep: whether every other child of this process is an orphan of theirs.
    """

    def __init__(self, job: Job, *, sweep: bool = True) -> None:
        self._job = job
        self._sweep = sweep
        self._workers: dict[int, subprocess.Popen[bytes]] = {}
        self._started = 0
        self._missing = {"namespaces"}
        walls.become_subreaper()

    @property
    def missing(self) -> frozenset[str]:
        """The walls that this system does not give."""
        return frozenset(self._missing)

    def start(
        self, *, listen: int | None = None, path: str = "", environment: Mapping[str, str] | None = None
    ) -> Started:
        """Start a worker, with its libraries imported; see `WorkerSource`."""
        self._started += 1
        folder = self._job.walls.work / str(self._started)
        folder.mkdir(mode=0o700, exist_ok=True)
        listener = open_listener(folder, listen, path)
        ours, theirs = socket.socketpair()
        reading, writing = os.pipe()
        user = walls.spare_user(os.getpid(), self._started) if os.getuid() == 0 else None
        if user is not None:
            give_to(folder, user)
        ends = [end.fileno() for end in (theirs, listener) if end is not None]
        added = dict(environment or {})
        order = {"job": self._job.to_json(), "ends": ends, "folder": str(folder), "user": user, "environment": added}
        process = subprocess.Popen(
            [sys.executable, "-P", "-s", "-m", "labkit.sandbox.spawn", json.dumps(order)],
            stdin=subprocess.DEVNULL, stdout=writing, stderr=writing, pass_fds=ends,
            cwd=folder, env=worker_environment(folder, {}), start_new_session=True,
        )  # fmt: skip
        theirs.close()
        os.close(writing)
        port = 0
        if listener is not None:
            port = 0 if path else int(listener.getsockname()[1])
            listener.close()
        self._workers[self._started] = process
        connection = Connection(ours, reading, output_bytes=self._job.walls.limits.output_bytes)
        self._missing.update(read_hello(connection))
        return Started(self._started, connection, port)

    def listen(self, port: int) -> socket.socket:
        """Return a socket that listens on loopback, which the workers share with everybody here."""
        return listen_on_loopback(port)

    def connect(self, port: int) -> socket.socket:
        """Return a connection to a port of loopback. Raises `OSError`."""
        return connect_to_loopback(port)

    def signal(self, worker: int, number: int) -> None:
        """Send a signal to a worker."""
        self._workers[worker].send_signal(number)

    def end(self, worker: int, *, grace: float = 0.0) -> Ending:
        """End a worker, its process group and the orphans that came to this process."""
        process = self._workers.pop(worker)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(grace)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        code = process.wait()
        if self._sweep and walls.is_linux():
            end_orphans({left.pid for left in self._workers.values()})
        remove_tree(self._job.walls.work / str(worker))
        return Ending(code=code) if code >= 0 else Ending(signal=-code)

    def close(self) -> None:
        """End the workers that are left."""
        for worker in list(self._workers):
            self.end(worker)


def main(argument: str) -> None:
    """Be a worker: import the libraries, shut this process in, serve."""
    order = json.loads(argument)
    job = Job.from_json(order["job"])
    for name in job.preload:
        importlib.import_module(name)
    job = dataclasses.replace(job, walls=walls.settled(job.walls))
    walls.count_apart()
    channel, *listeners = [socket.socket(fileno=number) for number in order["ends"]]
    run_worker(
        job, channel, Path(order["folder"]), namespaced=False, user=order["user"], environment=order["environment"],
        listener=listeners[0] if listeners else None,
    )  # fmt: skip


if __name__ == "__main__":
    main(sys.argv[1])
