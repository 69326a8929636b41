"""The checker as a process of its own, for systems where the warm parent cannot fork safely."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from labkit.course.catalog import load_catalog
from labkit.course.tracks import Track, collect
from labkit.engine.warm_parent import Run, checker_process, make_job


def main(argument: str) -> None:
    """Run the checks that the engine asked for."""
    order = json.loads(argument)
    root = Path(order["root"])
    lab = load_catalog(root).lab(order["lab"])
    track = Track(order["track"], Path(order["folder"]), order["shown"])
    run = Run(
        order["id"],
        lab,
        track,
        tuple(order["exercises"]),
        tuple(order["checks"]),
        order["seed"],
        order["environment"],
        Path(order["workspace"]),
        collect(track, lab),
    )
    checker_process(root, run, make_job(root, run), None, order["pipe"])


if __name__ == "__main__":
    main(sys.argv[1])
