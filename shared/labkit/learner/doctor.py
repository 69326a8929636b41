"""What this machine has: Python, memory, disk, ports, optional tools, and the walls around a worker."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from labkit.learner.ports import port_is_free
from labkit.tools import Tool, find, install_command, operating_system, tools

Level = Literal["good", "note", "bad"]

MIN_MEMORY_GB, GOOD_MEMORY_GB = 2.0, 4.0
MIN_DISK_GB, GOOD_DISK_GB = 1.0, 5.0
PORTS = {8000: "the prediction service", 5000: "MLflow", 4200: "Prefect", 8888: "JupyterLab", 9090: "Prometheus"}
_GB = 2.0**30


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's page. `advice` is what to do about it; commands stand in backticks."""

    topic: str
    name: str
    level: Level
    found: str
    advice: str = ""


def examine(root: Path) -> list[Finding]:
    """Look at everything; takes a second or two where Docker has to answer."""
    return [*_system(root), *(_port(number, use) for number, use in PORTS.items()), *map(_tool, tools()), *_walls()]


def _system(root: Path) -> Iterator[Finding]:
    yield Finding("machine", "system", "good", operating_system().title)
    yield _python(root)
    yield _memory()
    yield _disk(root)


def _python(root: Path) -> Finding:
    found = f"{platform.python_version()} in {sys.prefix}"
    if not (3, 11) <= sys.version_info[:2] <= (3, 13):
        return Finding(
            "machine",
            "Python",
            "bad",
            found,
            "the lock holds for Python 3.11 to 3.13; make .venv anew with one of them",
        )
    if Path(sys.prefix).resolve() != (root / ".venv").resolve():
        return Finding("machine", "Python", "note", found, "not the repository's own .venv; `make lab-1` makes it")
    return Finding("machine", "Python", "good", found)


def _memory() -> Finding:
    total = memory_gb()
    if total is None:
        return Finding("machine", "memory", "note", "cannot be told on this system")
    found = f"{total:.1f} GB"
    if total < MIN_MEMORY_GB:
        return Finding(
            "machine",
            "memory",
            "bad",
            found,
            f"the labs need {MIN_MEMORY_GB:g} GB, MLflow and Prefect {GOOD_MEMORY_GB:g} GB",
        )
    if total < GOOD_MEMORY_GB:
        return Finding(
            "machine",
            "memory",
            "note",
            found,
            f"enough for the first labs; MLflow and Prefect want {GOOD_MEMORY_GB:g} GB",
        )
    return Finding("machine", "memory", "good", found)


def memory_gb() -> float | None:
    """The memory of this machine, or of this container where it has a limit, in GB of 2**30 bytes."""
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return None
    try:
        limit = Path("/sys/fs/cgroup/memory.max").read_text().strip()
        total = min(total, int(limit)) if limit.isdigit() else total
    except OSError:
        pass
    return total / _GB


def _disk(root: Path) -> Finding:
    free = shutil.disk_usage(root).free / _GB
    level: Level = "good" if free >= GOOD_DISK_GB else "note" if free >= MIN_DISK_GB else "bad"
    advice = "" if level == "good" else f"images and artifacts of the later labs want {GOOD_DISK_GB:g} GB"
    return Finding("machine", "disk", level, f"{free:.1f} GB free at {root}", advice)


def _port(number: int, use: str) -> Finding:
    if port_is_free(number):
        return Finding("ports", str(number), "good", f"free for {use}")
    advice = f"`lsof -i :{number}` says what holds it; another port will do"
    if number == 5000 and sys.platform == "darwin":
        advice = "macOS's AirPlay Receiver holds it: switch it off in System Settings, or use another port"
    return Finding("ports", str(number), "note", f"taken; {use} usually listens here", advice)


def _tool(tool: Tool) -> Finding:
    path = find(tool.name)
    if path is None:
        return Finding("tools", tool.name, "note", f"not there; {tool.use}", f"`{install_command(tool)}`")
    answer = _answer([str(path), *tool.probe])
    if answer is None:
        return Finding("tools", tool.name, "note", f"{path} does not answer", tool.silent)
    return Finding("tools", tool.name, "good", answer or str(path))


def _answer(command: list[str]) -> str | None:
    """The first line that a command prints, None where it fails or takes more than 5 seconds."""
    try:
        done = subprocess.run(
            command, check=True, capture_output=True, text=True, timeout=5, stdin=subprocess.DEVNULL, errors="replace"
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return next((line.strip()[:70] for line in (done.stdout or done.stderr).splitlines() if line.strip()), "")


def _walls() -> Iterator[Finding]:
    from labkit.sandbox.walls import available

    for name, there in available().items():
        advice = "" if there else "checks work, but what a submission can reach is less bounded: see SECURITY.md"
        yield Finding("isolation", name, "good" if there else "note", "there" if there else "not there", advice)
