"""`lab grade`: many submissions of one lab, one after the other or a few at once."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING

from labkit.commands.check import json_text, write_reports
from labkit.commands.common import ENGINE_FAULT, OK, UsageFault, open_catalog, say
from labkit.course.lab import Lab
from labkit.records import Outcome, Report, worst
from labkit.text import Foreign, for_json, for_line, plural

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text


def grade(
    which: str, folders: list[str], *, jobs: int, no_walls: bool, json_to: str | None, junit_to: str | None
) -> int:
    """Check each folder as a submission of one lab. 0 where all passed, 3 where the engine broke in one, else 1."""
    from labkit.course.tracks import links_on_the_way, resolve_track
    from labkit.engine.client import Engine
    from labkit.tools import WITHOUT

    catalog = open_catalog()
    lab = catalog.lab(which)
    # These Dockerfiles are other people's.
    os.environ[WITHOUT] = ",".join(filter(None, [os.environ.get(WITHOUT), "docker"]))
    if not no_walls:
        _require_walls()
    missing = [folder for folder in folders if not Path(folder).is_dir()]
    if missing:
        raise UsageFault(f"no such folder: {', '.join(f'`{for_line(folder)}`' for folder in missing)}.")
    if linked := links_on_the_way([Path(folder) for folder in folders]):
        shown = ", ".join(f"`{for_line(str(folder))}`" for folder in linked)
        raise UsageFault(f"{shown}: a link, or behind one, and so perhaps another's work. Name the folder itself.")
    # Here `labs` and `solutions` are folders like any other.
    names = [f"./{folder}" if folder in {"labs", "solutions"} else folder for folder in folders]
    tracks = [resolve_track(catalog.root, name, lab) for name in names]
    quiet = "-" in {json_to, junit_to}
    show = _Lines(lab, max(len(track.name) for track in tracks), sys.stderr if quiet else sys.stdout)
    with Engine(catalog.root, jobs=jobs, on_news=lambda text: say(f"  {text}")) as engine:
        reports = engine.run_many(lab, tracks, on_report=show.report)
    show.end(reports)
    write_reports(reports, json_text(_table(lab, reports)), json_to, junit_to)
    codes = {report.exit_code for report in reports}
    return ENGINE_FAULT if ENGINE_FAULT in codes else max(codes, default=OK)


def _require_walls() -> None:
    from labkit.engine.client import default_mode
    from labkit.sandbox.walls import hold_strangers

    if not hold_strangers(fork=default_mode() == "fork"):
        raise UsageFault(
            "this machine does not keep submissions from your files and sockets (see `lab doctor`). "
            "Grade on Linux or in a virtual machine; `--no-walls` is for files that you have read."
        )


def _table(lab: Lab, reports: list[Report]) -> dict[str, object]:
    notes = [for_json(note) for note in _notes(reports)]
    return {"lab": lab.number, "submissions": [report.to_json() for report in reports], "notes": notes}


def _notes(reports: list[Report]) -> list[Foreign]:
    return list(dict.fromkeys(note for report in reports for note in report.notes))


class _Lines:
    """One line for each submission as soon as it is judged, then what holds for all of them."""

    def __init__(self, lab: Lab, width: int, out: IO[str]) -> None:
        from labkit.render.style import make_console

        self._lab = lab
        self._width = min(width, 60)
        self._console: Console = make_console(out)

    def report(self, report: Report) -> None:
        self._console.print(submission_line(self._console, self._lab, report, self._width), soft_wrap=True)

    def end(self, reports: list[Report]) -> None:
        from rich.text import Text

        passed = sum(report.exit_code == 0 for report in reports)
        self._console.print(Text(f"\n  {passed} of {plural(len(reports), 'submission')} passed every check"))
        for note in _notes(reports):
            self._console.print(Text(f"  note: {for_line(note, 1000)}", style="yellow"))


def submission_line(console: Console, lab: Lab, report: Report, width: int = 0) -> Text:
    """`✗ anna  7 of 9 exercises   failed 1.2, 1.4   to do 1.9`."""
    from rich.text import Text

    from labkit.render.style import colour, sign, words

    outcomes = {id: worst(result.outcome for result in results) for id, results in report.by_exercise().items()}
    line = (
        Text("  ")
        .append_text(sign(console, worst(outcomes.values())))
        .append(f"  {for_line(report.track, 200):<{width}}", style="bold")
    )
    passed = sum(outcome == "passed" for outcome in outcomes.values())
    line.append(f"  {passed} of {len(lab.exercises)} exercises")
    kinds: tuple[Outcome, ...] = ("failed", "error", "todo", "skipped")
    for kind in kinds:
        ids = [id for id, outcome in outcomes.items() if outcome == kind]
        if ids:
            line.append(f"   {words(kind)} {', '.join(ids)}", style=colour(kind))
    return line
