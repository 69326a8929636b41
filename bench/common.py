"""What the benchmarks share: timing, memory, the machine, and tables."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def timed(action: Callable[[], object]) -> float:
    """Return the wall-clock seconds that `action` takes."""
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def median(action: Callable[[], object], repeats: int) -> float:
    """Return the median seconds of `repeats` runs, after one that warms the caches."""
    action()
    return statistics.median(timed(action) for _ in range(repeats))


def p99(values: Iterable[float]) -> float:
    """Return the value that 99 of 100 do not exceed."""
    ordered = sorted(values)
    return ordered[int(0.99 * len(ordered))]


def memory_mb(pid: int) -> float:
    """Resident memory of a process and all that it started. What they share counts once for each."""
    listed = subprocess.run(
        ["ps", "-A", "-o", "pid=", "-o", "ppid=", "-o", "rss="], capture_output=True, text=True, check=True
    ).stdout
    processes = [tuple(map(int, line.split())) for line in listed.splitlines()]
    family, before = {pid}, 0
    while len(family) > before:
        before = len(family)
        family |= {child for child, parent, _ in processes if parent in family}
    return sum(kilobytes for member, _, kilobytes in processes if member in family) * 1024 / 1e6


def machine() -> dict[str, str | int]:
    """The processor, its cores, the system and Python."""
    system = f"{platform.system()} {platform.release().partition('-')[0]}"
    return {"cpu": _cpu(), "cores": cores(), "system": system, "python": platform.python_version()}


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _cpu() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
        found = subprocess.run(
            ["sysctl", "-n", "machdep.cpu.brand_string"], capture_output=True, text=True, check=False
        )
        return found.stdout.strip() or platform.machine()
    except OSError:
        return platform.machine()


def table(head: Sequence[str], widths: Sequence[int], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return the lines of a table of cells: the first column is set to the left, the others to the right."""
    return ["".join(_cells(row, widths)).rstrip() for row in (head, *rows)]


def _cells(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    first, *others = zip(row, widths, strict=True)
    return [f"{first[0]:{first[1]}}", *(f"{cell:>{width}}" for cell, width in others)]


def say(text: str) -> None:
    """Tell how far it is, beside the tables."""
    print(text, file=sys.stderr, flush=True)
