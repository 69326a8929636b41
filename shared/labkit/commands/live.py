"""`lab check --live`: the verdict of a lab's own module on what is really there, such as a cluster.

The module is started as `python -m MODULE FOLDER --context NAME` and prints a line of JSON for each check: the fields
of `Result`. What it refuses to do it says on stderr, and ends with status 2. The code has the user's rights.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from labkit.commands.common import USAGE, UsageFault
from labkit.course.lab import Exercise, Lab
from labkit.course.tracks import resolve_track
from labkit.records import Report, Result


def judge_live(
    root: Path,
    lab: Lab,
    exercise: Exercise | None,
    track_name: str,
    context: str,
    on_result: Callable[[Result], None],
) -> Report:
    """Run the lab's live module. Raises `UsageFault` where the lab has none, or where it refuses."""
    if lab.live is None:
        raise UsageFault(f"lab {lab.number} ({lab.name}) has no live checks.")
    track = resolve_track(root, track_name, lab)
    if track.folder.name != lab.package:
        raise UsageFault(f"`--live` wants the lab's own folder: one of the name `{lab.package}`.")
    only = ["--exercise", exercise.id] if exercise else []
    command = [sys.executable, "-m", lab.live, str(track.folder), "--context", context, *only]
    results = []
    with (
        tempfile.TemporaryFile("w+") as errors,
        subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, stderr=errors, text=True) as judge,
    ):
        assert judge.stdout is not None
        try:
            for line in judge.stdout:
                results.append(Result(**json.loads(line)).bounded())
                on_result(results[-1])
            status = judge.wait()
        except KeyboardInterrupt:
            judge.wait()  # it has heard of it, too, and cleans up
            raise
        errors.seek(0)
        told = errors.read()[-2_000:].strip()
    if status == USAGE:
        raise UsageFault(told)
    if status:
        id = results[-1].exercise if results else lab.exercises[0].id
        results.append(Result(id, "live", "error", told, title="The live checks run to their end."))
    return Report(lab.number, track.name, tuple(results), (f"on the cluster of the context {context}",))
