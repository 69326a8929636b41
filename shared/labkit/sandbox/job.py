"""What the workers of one submission need to know. It comes to their nursery over a socket, after the fork."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from labkit.sandbox.walls import Limits, Walls

KEPT_ENVIRONMENT = (
    "PATH",
    "LANG",
    "TZ",
    "DO_NOT_TRACK",
    "MPLBACKEND",
    "MPLCONFIGDIR",
    "LOKY_MAX_CPU_COUNT",
    "SQLITE_TMPDIR",
)
KEPT_PREFIXES = ("OMP_", "OPENBLAS_", "MKL_", "PYTHON", "LC_")


@dataclasses.dataclass(frozen=True)
class Job:
    """The lab's package, where to import from, how to prepare, what to import first, the walls."""

    package: str
    paths: tuple[str, ...]
    prepare: str
    walls: Walls
    preload: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the job as plain data."""
        walls = self.walls
        return {
            "package": self.package, "paths": self.paths, "prepare": self.prepare, "preload": self.preload,
            "readable": [str(path) for path in walls.readable], "hidden": [str(path) for path in walls.hidden],
            "work": str(walls.work), "quota": walls.quota, "limits": dataclasses.asdict(walls.limits),
        }  # fmt: skip

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Job:
        """Return the job that `to_json` made plain data of."""
        walls = Walls(
            readable=[Path(path) for path in data["readable"]],
            work=Path(data["work"]),
            hidden=[Path(path) for path in data["hidden"]],
            quota=bool(data["quota"]),
            limits=Limits(**data["limits"]),
        )
        return Job(data["package"], tuple(data["paths"]), data["prepare"], walls, tuple(data["preload"]))


def worker_environment(folder: Path, added: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a worker: what Python and the libraries need, and what its exercise is given."""
    kept = {k: v for k, v in os.environ.items() if k in KEPT_ENVIRONMENT or k.startswith(KEPT_PREFIXES)}
    return {**kept, "HOME": str(folder), "TMPDIR": str(folder), "USER": "learner", **added}
