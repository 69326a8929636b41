"""The control groups that the nodes' pods live in, for both versions of the kernel's interface."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from k8s.offline.settings import NODES, SYSTEM

ROOT = Path("/sys/fs/cgroup")


def is_v2() -> bool:
    return (ROOT / "cgroup.controllers").exists()


def root_of(node: str) -> str:
    """What a kubelet calls its own top group."""
    return f"/{SYSTEM}/{node}"


def _hierarchies() -> Iterator[Path]:
    if is_v2():
        yield ROOT
    else:
        # The kubelet asks for its group in each of them, also in `systemd`.
        yield from (
            path for path in ROOT.iterdir() if path.is_dir() and not path.is_symlink() and path.name != "unified"
        )


def up() -> None:
    for hierarchy in _hierarchies():
        for folder in (hierarchy / SYSTEM, *(hierarchy / SYSTEM / node for node in NODES)):
            folder.mkdir(exist_ok=True)
            if is_v2():
                for above in (folder.parent, folder):
                    wanted = (above / "cgroup.controllers").read_text(encoding="utf-8").split()
                    (above / "cgroup.subtree_control").write_text(" ".join(f"+{name}" for name in wanted))
            elif hierarchy.name == "cpuset":
                for name in ("cpuset.cpus", "cpuset.mems"):  # a new group has none
                    (folder / name).write_text((folder.parent / name).read_text(encoding="utf-8"))


def down() -> None:
    """Remove them, the innermost first. One that is still in use stays."""
    for hierarchy in _hierarchies():
        for folder, _, _ in os.walk(hierarchy / SYSTEM, topdown=False):
            with contextlib.suppress(OSError):
                Path(folder).rmdir()
