"""Processes that outlive the command that starts them. A file for each says which one it is; only those are ended."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from k8s.waiting import until


def began(pid: int) -> str | None:
    """When a process began, in ticks of the machine: a number given anew begins later. None where it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else fields[19]


@dataclass(frozen=True)
class Processes:
    """The processes of one cluster: `folder` has a file for each, `logs` what they print."""

    folder: Path
    logs: Path

    def pid(self, name: str) -> int | None:
        """The number of a process that runs, else None."""
        try:
            pid, ticks = (self.folder / name).read_text(encoding="utf-8").split()
        except (OSError, ValueError):
            return None
        return int(pid) if began(int(pid)) == ticks else None

    def names(self) -> list[str]:
        return sorted(path.name for path in self.folder.glob("*"))

    def start(self, name: str, command: Sequence[str | Path], *, path: Path) -> None:
        """Start it in a session of its own, where it does not run yet. `path` stands first on its PATH."""
        if self.pid(name) is not None:
            return
        for folder in (self.folder, self.logs):
            folder.mkdir(parents=True, exist_ok=True)
        searched = f"{path}:{os.environ['PATH']}:/usr/sbin:/sbin"
        program = shutil.which(command[0], path=searched)
        if program is None:
            raise FileNotFoundError(f"`{command[0]}` is not on PATH")
        pid = os.posix_spawn(
            program,
            list(map(str, command)),
            {**os.environ, "PATH": searched},
            setsid=True,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, self.logs / f"{name}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
        )
        (self.folder / name).write_text(f"{pid} {began(pid)}", encoding="utf-8")

    def child(self, name: str) -> int | None:
        """The first child of a process that runs: for a node, its process 1."""
        pid = self.pid(name)
        try:
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split()
        except OSError:
            return None
        return int(children[0]) if children else None

    def end(self, names: Sequence[str], number: int = signal.SIGKILL) -> None:
        """End these, and wait until they and their first children are gone."""
        ending = {pid: began(pid) for name in names for pid in (self.pid(name), self.child(name)) if pid is not None}
        for name in names:
            if (pid := self.pid(name)) is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
        until(
            "the end of the cluster's processes", lambda: all(began(pid) != ticks for pid, ticks in ending.items()), 30
        )
        for name in names:
            (self.folder / name).unlink(missing_ok=True)

    def last_words(self, name: str) -> str:
        """The last lines that it has printed."""
        try:
            lines = (self.logs / f"{name}.log").read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return ""
        return "\n".join(lines[-5:])
