"""`lab check`: run the checks, show the verdict, write the reports, keep the progress."""

from __future__ import annotations

import json
import os
import secrets
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from labkit.commands.common import UsageFault, open_catalog, say
from labkit.course.catalog import Catalog
from labkit.course.lab import Exercise, Lab
from labkit.files import write_atomic
from labkit.learner.progress import file_digests, lab_in_hand, load_progress
from labkit.records import Report, Result
from labkit.text import for_line


@dataclass(frozen=True)
class CheckOptions:
    """The options of `lab check`; `json` and `junit` are file names, `-` is the standard output.

    `live` asks for the verdict of what is really there, and `context` names the place where that is.
    """

    target: str | None = None
    track: str = "labs"
    json: str | None = None
    junit: str | None = None
    github: bool = False
    seed: int | None = None
    live: bool = False
    context: str = ""


def check(options: CheckOptions) -> int:
    """Check one exercise or one lab; the exit status is that of the report."""
    if options.json == "-" == options.junit:
        raise UsageFault("`--json -` and `--junit -` both want the standard output; give one of them a file.")
    catalog = open_catalog()
    lab, exercise = _target(catalog, options.target)
    # Drawn here, so that the same inputs can be asked for again.
    seed = secrets.randbits(32) if options.seed is None else options.seed
    started = time.perf_counter()
    if options.live:
        from labkit.commands.live import judge_live

        with ticker() as tick:
            report = judge_live(catalog.root, lab, exercise, options.track, options.context, tick.result)
    else:
        report = _run(catalog.root, lab, exercise, options.track, seed)
    wall = time.perf_counter() - started
    _show(lab, report, options, wall, None if options.live else seed, details=exercise is not None)
    write_reports([report], json_text(report.to_json()), options.json, options.junit)
    if options.github:
        _to_github(lab, report, out_taken="-" in {options.json, options.junit})
    return report.exit_code


def _target(catalog: Catalog, target: str | None) -> tuple[Lab, Exercise | None]:
    if target is not None:
        return catalog.find(target)
    return lab_in_hand(catalog.root, catalog, load_progress(catalog.root)), None


def _run(root: Path, lab: Lab, exercise: Exercise | None, track_name: str, seed: int) -> Report:
    from labkit.course.tracks import resolve_track
    from labkit.engine.client import Engine

    track = resolve_track(root, track_name, lab)
    digests = file_digests(root, lab)
    # Two exercises at a time, where there are two processors for them.
    with ticker() as tick, Engine(root, jobs=min(2, _processors()), on_news=tick.news) as engine:
        report = engine.run(lab, [exercise.id] if exercise else None, track, on_result=tick.result, seed=seed)
    if track.name == "labs":
        progress = load_progress(root)
        if progress.warning:
            say(progress.warning)
        progress.record(root, lab, report, digests)
        progress.save()
    return report


def _processors() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class ticker:
    """A line on the terminal that counts the checks while they run; nothing where stderr is not a terminal."""

    def __init__(self) -> None:
        self._count = 0
        self._shown = sys.stderr.isatty()

    def __enter__(self) -> Self:
        self._write("  starting …")
        return self

    def __exit__(self, *_: object) -> None:
        self._write("")

    def news(self, text: str) -> None:
        """Show what takes a while, also where nobody looks at a terminal: the log then tells why it took so long."""
        line = f"  {for_line(text)}"
        if self._shown:
            self._write(line)
        else:
            say(line)

    def result(self, result: Result) -> None:
        """Count a check."""
        self._count += 1
        self._write(f"  {result.exercise} …  {self._count} checks")

    def _write(self, text: str) -> None:
        if self._shown:
            sys.stderr.write(f"\r\x1b[K{text}")
            sys.stderr.flush()


def _show(lab: Lab, report: Report, options: CheckOptions, wall: float, seed: int | None, *, details: bool) -> None:
    if "-" in {options.json, options.junit}:
        return
    from labkit.render.github import no_commands
    from labkit.render.style import make_console
    from labkit.render.terminal import print_report

    with ExitStack() as stack:
        if options.github:
            stack.enter_context(no_commands(sys.stdout))
        print_report(make_console(), lab, report, wall=wall, seed=seed, details=details)


def json_text(table: object) -> str:
    """JSON for people and programs: indented, letters of all languages as they are."""
    # The same document, in which GitHub's runner finds no command where it goes to the standard output.
    return json.dumps(table, indent=2, ensure_ascii=False).replace("##[", "#\\u0023[") + "\n"


def write_reports(reports: list[Report], json_report: str, json_to: str | None, junit_to: str | None) -> None:
    """Write the machine-readable reports to files, or to the standard output where the name is `-`."""
    if json_to is not None:
        _write(json_to, json_report)
    if junit_to is not None:
        from labkit.render.junit import junit_xml

        _write(junit_to, junit_xml(reports))


def _write(name: str, text: str) -> None:
    if name == "-":
        # Bytes, so that a terminal of another encoding cannot make a report unreadable.
        sys.stdout.flush()
        sys.stdout.buffer.write(text.encode(errors="replace"))
        sys.stdout.buffer.flush()
        return
    try:
        write_atomic(Path(name), text.encode(errors="replace"))
    except OSError as error:
        raise UsageFault(f"the report could not be written to `{name}`: {error.strerror or error}") from None


def _to_github(lab: Lab, report: Report, *, out_taken: bool) -> None:
    from labkit.render.github import step_summary, workflow_commands

    for line in workflow_commands(lab, report):
        print(line, file=sys.stderr if out_taken else sys.stdout, flush=True)
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if summary:
        with Path(summary).open("a", encoding="utf-8", errors="replace") as file:
            file.write(step_summary(lab, [report]))
