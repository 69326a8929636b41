"""A `lab` command that runs beside the test, whose output can be waited for."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

LAB = Path(sys.executable).with_name("lab")


class Background:
    """A running `lab …`, in a session of its own: as in a terminal, Ctrl-C goes to all processes of its group."""

    def __init__(self, root: Path, *arguments: str, **environment: str) -> None:
        self.process = subprocess.Popen(
            [LAB, *arguments],
            cwd=root,
            env={**os.environ, "COLUMNS": "100", **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)

    def wait_for(self, wanted: str, seconds: float = 20) -> str:
        """Everything up to the line that holds `wanted`."""
        end = time.monotonic() + seconds
        seen = ""
        while wanted not in seen:
            try:
                seen += self._lines.get(timeout=max(0.0, end - time.monotonic()))
            except queue.Empty:
                pytest.fail(f"`{wanted}` did not come within {seconds} s\n{seen}")
        return seen

    def group(self) -> list[str]:
        """The processes of this session, whoever their parent is."""
        found = []
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = stat.read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if fields[3] == str(self.process.pid) and fields[0] != "Z":
                found.append(stat.parent.name)
        return found

    def send(self, number: signal.Signals = signal.SIGINT) -> None:
        """Press Ctrl-C, or send another signal to the group."""
        os.killpg(self.process.pid, number)

    def end(self, number: signal.Signals = signal.SIGINT) -> str:
        """Press Ctrl-C; the rest of the output."""
        if self.process.poll() is None:
            self.send(number)
        return self.rest()

    def rest(self) -> str:
        """The rest of the output, up to the end of the command."""
        self.process.wait(30)
        self._reader.join(5)
        assert self.process.stdout is not None
        self.process.stdout.close()
        rest = ""
        while not self._lines.empty():
            rest += self._lines.get()
        return rest
