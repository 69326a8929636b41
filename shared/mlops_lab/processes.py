"""Run a server as a local process: start it, wait until it is healthy, and leave nothing of it behind.

    with serve([sys.executable, "-m", "http.server", "--bind", "127.0.0.1", "{port}"], health="/") as server:
        urllib.request.urlopen(server.url)

For Linux, macOS and WSL2.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

HOST = "127.0.0.1"
# Loopback only: a proxy in the environment must not be asked.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class ServerError(RuntimeError):
    """A server that ended or did not become healthy. The message ends with the last lines of its output."""


@dataclass(frozen=True)
class Server:
    """A running server. `url` is like `http://127.0.0.1:41234`, without a slash at the end."""

    url: str
    port: int
    pid: int
    log: Path

    def output(self) -> str:
        """What the server has printed so far, to stdout and stderr."""
        return self.log.read_text(encoding="utf-8", errors="replace")


def free_port() -> int:
    """Return a loopback port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def serve(
    command: Sequence[str],
    *,
    health: str = "/health",
    port: int | None = None,
    env: Mapping[str, str] | None = None,
    cwd: str | Path | None = None,
    timeout: float = 30.0,
    grace: float = 5.0,
) -> Iterator[Server]:
    """Start `command`, wait until `health` answers with status 200 to 299, and end it at the end of the `with` block.

    `{port}` in the command and in the values of `env` becomes `port`, or a free one. `env` is added to the environment.
    `timeout` and `grace` are in seconds: to become healthy, and to end after SIGTERM before SIGKILL. The server and
    its children end whatever happens in the block, an exception or Ctrl-C included. Only where this process itself dies
    at once (SIGKILL, or a SIGTERM that it does not handle) do they outlive it.

    Raises ServerError where the server ends early or is not healthy in time.
    """
    port = free_port() if port is None else port
    words = [word.replace("{port}", str(port)) for word in command]
    added = {name: value.replace("{port}", str(port)) for name, value in (env or {}).items()}
    with tempfile.TemporaryDirectory(prefix="mlops-lab-") as folder:
        log = Path(folder, "output.log")
        with log.open("wb") as output:
            # A session of its own is a process group of its own: the children end with the server.
            process = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **added},
                cwd=cwd,
                start_new_session=True,
            )
        try:
            server = Server(f"http://{HOST}:{port}", port, process.pid, log)
            _wait_until_healthy(server, process, health, timeout)
            yield server
        finally:
            _end_group(process, grace)


def is_healthy(url: str, timeout: float = 2.0) -> bool:
    """Whether `url` answers with status 200 to 299 within `timeout` seconds."""
    try:
        with _opener.open(url, timeout=timeout) as answer:
            return 200 <= int(answer.status) < 300
    except (OSError, ValueError, urllib.error.URLError):
        return False


def _wait_until_healthy(server: Server, process: subprocess.Popen[bytes], health: str, timeout: float) -> None:
    end = time.monotonic() + timeout
    pause = 0.02
    while not is_healthy(server.url + health):
        if process.poll() is not None:
            raise _error(server, f"the server ended with exit status {process.returncode} before it was healthy")
        if time.monotonic() > end:
            raise _error(server, f"the server did not answer at `{server.url}{health}` within {timeout:g} s")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.25)
    # Somebody else may listen on the port, and answer for a server that could not start.
    if process.poll() is not None:
        raise _error(server, f"the server ended with exit status {process.returncode}, but its port answers")


def _error(server: Server, what: str) -> ServerError:
    last = "\n".join(server.output().splitlines()[-20:])
    return ServerError(f"{what}\nits last output:\n{last or '(none)'}")


def _end_group(process: subprocess.Popen[bytes], grace: float) -> None:
    """Ask the group to end, then make it, and collect the server itself."""
    if process.poll() is None:
        _signal_group(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(grace)
    # The server may be gone and its children not.
    _signal_group(process.pid, signal.SIGKILL)
    process.wait()


def _signal_group(group: int, number: signal.Signals) -> None:
    # macOS says PermissionError where only ended processes are left in the group.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
