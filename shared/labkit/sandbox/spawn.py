"""Workers as fresh processes, for systems where a process that has imported the heavy libraries cannot fork safely.

Slower, since every worker imports them again. The walls are the same where the system gives them, but for the
namespaces: a worker puts them up itself, before it sees the learner's code.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

from labkit.sandbox import walls
from labkit.sandbox.connection import Connection, Ending
from labkit.sandbox.nursery import Job, end_orphans, read_hello, run_worker, worker_environment
from labkit.sandbox.walls import Limits, Walls


class SpawnedWorkers:
    """Starts and ends workers of one submission as processes of their own."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._workers: dict[int, subprocess.Popen[bytes]] = {}
        self._started = 0
        self._missing = {"namespaces"}
        walls.become_subreaper()

    @property
    def missing(self) -> frozenset[str]:
        """The walls that this system does not give."""
        return frozenset(self._missing)

    def start(self, listener: socket.socket | None = None) -> tuple[int, Connection]:
        """Start a worker; return its number and the connection to it, when its libraries are imported."""
        self._started += 1
        folder = self._job.walls.work / str(self._started)
        folder.mkdir(mode=0o700)
        ours, theirs = socket.socketpair()
        reading, writing = os.pipe()
        user = walls.spare_user(os.getpid(), self._started) if os.getuid() == 0 else None
        if user is not None:
            os.chown(folder, user, user)
        ends = [end.fileno() for end in (theirs, listener) if end is not None]
        order = {"job": job_to_json(self._job), "ends": ends, "folder": str(folder), "user": user}
        process = subprocess.Popen(
            [sys.executable, "-P", "-s", "-m", "labkit.sandbox.spawn", json.dumps(order)],
            stdin=subprocess.DEVNULL, stdout=writing, stderr=writing, pass_fds=ends,
            cwd=folder, env=worker_environment(folder), start_new_session=True,
        )  # fmt: skip
        theirs.close()
        os.close(writing)
        self._workers[self._started] = process
        connection = Connection(ours, reading, output_bytes=self._job.walls.limits.output_bytes)
        self._missing.update(read_hello(connection))
        return self._started, connection

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
        if walls.is_linux():
            end_orphans({left.pid for left in self._workers.values()})
        shutil.rmtree(self._job.walls.work / str(worker), ignore_errors=True)
        return Ending(code=code) if code >= 0 else Ending(signal=-code)

    def close(self) -> None:
        """End the workers that are left."""
        for worker in list(self._workers):
            self.end(worker)


def job_to_json(job: Job) -> dict[str, object]:
    """Return a job as plain data."""
    walls = job.walls
    return {
        "package": job.package, "paths": list(job.paths), "prepare": job.prepare, "preload": list(job.preload),
        "walls": {"readable": [str(p) for p in walls.readable], "work": str(walls.work), "network": walls.network},
        "limits": dataclasses.asdict(walls.limits),
    }  # fmt: skip


def job_from_json(data: dict[str, object]) -> Job:
    """Return a job from plain data that `job_to_json` made."""
    given, limits = data["walls"], data["limits"]
    assert isinstance(given, dict)
    assert isinstance(limits, dict)
    walls = Walls(
        readable=[Path(p) for p in given["readable"]],
        work=Path(given["work"]),
        network=bool(given["network"]),
        limits=Limits(**limits),
    )
    paths, preload = data["paths"], data["preload"]
    assert isinstance(paths, list)
    assert isinstance(preload, list)
    return Job(str(data["package"]), tuple(paths), str(data["prepare"]), walls, tuple(preload))


def main(argument: str) -> None:
    """Be a worker: import the libraries, shut this process in, serve."""
    import importlib

    order = json.loads(argument)
    job = job_from_json(order["job"])
    for name in job.preload:
        importlib.import_module(name)
    channel, *listeners = [socket.socket(fileno=number) for number in order["ends"]]
    listener = listeners[0] if listeners else None
    folder = Path(order["folder"])
    run_worker(job, channel, folder, namespaced=False, user=order["user"], listener=listener)


if __name__ == "__main__":
    main(sys.argv[1])
