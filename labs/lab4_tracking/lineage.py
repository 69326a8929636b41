"""Where a model comes from: which data, which code, which packages, which process, which person. Given.

Each function answers with text by name, as MLflow keeps tags.
"""

from __future__ import annotations

import getpass
import hashlib
import os
import platform
import subprocess
from collections.abc import Mapping
from importlib.metadata import version as installed_version
from pathlib import Path

import pandas as pd

# What a saved model of ours needs wherever it is loaded.
PACKAGES = ("scikit-learn", "pandas", "numpy")


def fingerprint(frame: pd.DataFrame, prefix: str = "data") -> dict[str, str]:
    """What tells one table of sales from another, as `data.sha256`, `data.rows`, `data.first_date`, `data.last_date`.

    The sha256 covers the names of the columns, all values, and the order of both. The index does not count.
    """
    content = hashlib.sha256("\n".join(map(str, frame.columns)).encode())
    content.update(pd.util.hash_pandas_object(frame, index=False).to_numpy().tobytes())
    return {
        f"{prefix}.sha256": content.hexdigest(),
        f"{prefix}.rows": str(len(frame)),
        f"{prefix}.first_date": f"{frame['date'].min():%Y-%m-%d}",
        f"{prefix}.last_date": f"{frame['date'].max():%Y-%m-%d}",
    }


def code_version() -> dict[str, str]:
    """Which code is running, as `git.commit`, `git.dirty` (`true` or `false`) and `git.diff`.

    `git.diff` is the sha256 of what was changed since that commit, and empty where nothing was. New files that git was
    not told of do not count. Where there is no git, as in an image, the build says it: `GIT_COMMIT`, `GIT_DIRTY` and
    `GIT_DIFF` in the environment count before anything else.
    """
    if commit := os.environ.get("GIT_COMMIT"):
        dirty, diff = os.environ.get("GIT_DIRTY", "false"), os.environ.get("GIT_DIFF", "")
        return {"git.commit": commit, "git.dirty": dirty, "git.diff": diff}
    commit, changes = _git("rev-parse", "HEAD").decode().strip(), _git("diff", "HEAD")
    diff = hashlib.sha256(changes).hexdigest() if changes else ""
    return {"git.commit": commit or "unknown", "git.dirty": str(bool(changes)).lower(), "git.diff": diff}


def _git(*arguments: str) -> bytes:
    """What git prints in the folder of this file; nothing where there is no git or no repository."""
    try:
        return subprocess.run(
            ["git", *arguments], cwd=Path(__file__).parent, capture_output=True, check=True, timeout=20
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return b""


def requirements() -> list[str]:
    """The packages that a saved model needs, each with the very version that is installed: `numpy==2.4.6`."""
    return [f"{name}=={installed_version(name)}" for name in PACKAGES]


def workplace() -> dict[str, str]:
    """Where the work is done, as `python.version`, `process.id` and `process.machine`: what `is_gone` reads."""
    try:
        # Two containers of one machine number their processes each for itself.
        numbering = os.readlink("/proc/self/ns/pid")
    except OSError:  # not on Linux
        numbering = ""
    return {
        "python.version": platform.python_version(),
        "process.id": str(os.getpid()),
        "process.machine": f"{platform.node()} {numbering}".strip(),
    }


def is_gone(tags: Mapping[str, str]) -> bool:
    """Whether the process that left these tags of `workplace` has ended. False where that cannot be seen from here."""
    number, here = tags.get("process.id", ""), workplace()
    if not number.isdecimal() or tags.get("process.machine") != here["process.machine"]:
        return False
    try:
        os.kill(int(number), 0)  # signal 0 ends nobody: it only asks
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):  # it is somebody else's
        return False
    return False


def person() -> str:
    """Who is at work: the user whom MLflow knows, or else the one of this machine."""
    try:
        return os.environ.get("MLFLOW_TRACKING_USERNAME") or getpass.getuser()
    except (KeyError, OSError):  # a container may run as a number without a name
        return f"uid {os.getuid()}"
