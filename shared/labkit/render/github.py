"""A report as GitHub annotations and as the Markdown of a step summary.

Everything a learner wrote is treated as hostile: it must not become a workflow command, a link or a mention.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import IO

from labkit.course.lab import Lab
from labkit.records import Outcome, Report, Result, worst
from labkit.text import Foreign, Text, for_command, for_line, for_markdown, for_markdown_block, for_property

_WHERE = re.compile(r"^where: (?P<file>[^:\n]+):(?P<line>\d+)\b", re.MULTILINE)
_SIGNS: dict[Outcome, str] = {"passed": "✅", "failed": "❌", "todo": "⬜", "skipped": "⏭️", "error": "💥"}
_SUMMARY_LIMIT = 200_000  # characters; GitHub takes 1 MiB for a step
_ANNOTATIONS = 30


def workflow_commands(lab: Lab, report: Report) -> list[str]:
    """Workflow commands, one for each failed or broken check, at most 30; `todo` is a notice for each exercise."""
    lines = [_annotation(lab, report, result) for result in report.results if result.outcome in {"failed", "error"}]
    for id, results in report.by_exercise().items():
        if worst(result.outcome for result in results) == "todo":
            lines.append(
                command(
                    "notice", {"file": _file(lab, id), "title": f"Exercise {id}"}, "to do: its TODO mark still stands"
                )
            )
    if len(lines) > _ANNOTATIONS:
        lines[_ANNOTATIONS:] = [
            command("notice", {"title": "lab check"}, f"{len(lines) - _ANNOTATIONS} more in the summary")
        ]
    return lines


def _annotation(lab: Lab, report: Report, result: Result) -> str:
    properties = {
        "file": _file(lab, result.exercise),
        "title": f"Exercise {result.exercise}: {for_line(result.title, 120)}",
    }
    place = _place(lab, result.message)
    if place:
        properties.update(place)
    return command("error", properties, result.message or result.outcome)


def command(name: str, properties: Mapping[str, Text], message: Text) -> str:
    """One workflow command, its message and its properties escaped as GitHub's runner undoes it."""
    shown = ",".join(f"{key}={for_property(value)}" for key, value in properties.items())
    return f"::{name} {shown}::{for_command(message)}"


def _file(lab: Lab, id: str) -> str:
    names = [exercise.file for exercise in lab.exercises if exercise.id == id]
    return (lab.labs_dir / names[0]).as_posix() if names else lab.labs_dir.as_posix()


def _place(lab: Lab, message: Foreign) -> dict[str, str]:
    """File and line of the last `where:`, if it is one of the lab's own files: learner text may hold anything."""
    found = list(_WHERE.finditer(message.raw))
    if not found:
        return {}
    parts = PurePosixPath(found[-1]["file"].strip()).parts
    for name in lab.files:
        if parts[-len(PurePosixPath(name).parts) :] == PurePosixPath(name).parts:
            return {"file": (lab.labs_dir / name).as_posix(), "line": found[-1]["line"][:6]}
    return {}


@contextmanager
def no_commands(out: IO[str]) -> Iterator[None]:
    """Whatever is printed inside is not read as a workflow command."""
    token = secrets.token_hex(16)
    print(f"::stop-commands::{token}", file=out, flush=True)
    try:
        yield
    finally:
        print(f"::{token}::", file=out, flush=True)


def step_summary(lab: Lab, reports: Sequence[Report]) -> str:
    """Markdown with a table of the exercises of each report and every failure in full."""
    parts = []
    for report in reports:
        parts += [
            f"## Lab {lab.number}: {for_markdown(lab.title)}",
            "",
            f"Track <code>{for_markdown(report.track)}</code>: {_counts(report)}",
            "",
        ]
        parts += [*_table(lab, report), "", *_failures(report)]
        parts += [f"- {for_markdown(note)}" for note in report.notes]
    text = "\n".join(parts) + "\n"
    if len(text) <= _SUMMARY_LIMIT:
        return text
    return text[:_SUMMARY_LIMIT].rpartition("\n<details>")[0] + "\n\nThe rest was cut.\n"


def _counts(report: Report) -> str:
    return ", ".join(f"{count} {outcome}" for outcome, count in report.counts().items() if count) or "no check reported"


def _table(lab: Lab, report: Report) -> Iterator[str]:
    titles = {exercise.id: exercise.title for exercise in lab.exercises}
    yield "| | exercise | checks | seconds |"
    yield "|---|---|---|---|"
    for id, results in report.by_exercise().items():
        passed = sum(result.outcome == "passed" for result in results)
        total = sum(result.seconds for result in results)
        outcome = worst(result.outcome for result in results)
        name = for_markdown(f"{id} {titles.get(id, '')}")
        yield f"| {_SIGNS[outcome]} {outcome} | {name} | {passed} of {len(results)} | {total:.2f} |"


def _failures(report: Report) -> Iterator[str]:
    for result in report.results:
        if result.outcome not in {"failed", "error"}:
            continue
        title = for_markdown(result.title or result.check)
        yield f"<details><summary>{_SIGNS[result.outcome]} {for_markdown(result.exercise)} {title}</summary>"
        yield ""
        yield f"<pre>{for_markdown_block(result.message)}</pre>"
        printed = for_markdown_block(result.output, lines=20)
        if printed:
            yield f"<p>printed</p><pre>{printed}</pre>"
        yield ""
        yield "</details>"
        yield ""
