"""What a learner has done so far, kept in `.lab/progress.json` at the root of the repository.

The file is a notebook, not a judge: it is rewritten by each check and may be deleted at any time.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from labkit.course.catalog import Catalog
from labkit.course.lab import Exercise, Lab
from labkit.course.marks import open_todos
from labkit.files import read_text, sha256_of, timestamp, write_atomic
from labkit.records import OUTCOMES, Outcome, Report, worst

State = Literal["todo", "passed", "failed", "changed", "unchecked", "skipped", "missing"]
UNFINISHED: tuple[State, ...] = ("todo", "failed", "changed", "unchecked", "missing")


@dataclass(frozen=True)
class Verdict:
    """The last outcome of one exercise, and the sha256 of the file that it was about."""

    outcome: Outcome
    sha256: str | None
    when: str = ""


@dataclass(frozen=True)
class Standing:
    """Where one exercise stands now. `line` is that of its TODO mark in `file`, `last` the verdict before an edit."""

    exercise: Exercise
    state: State
    line: int | None = None
    last: Outcome | None = None
    file: str = ""

    def __post_init__(self) -> None:
        if not self.file:
            object.__setattr__(self, "file", self.exercise.file)


@dataclass
class Progress:
    """The verdicts and the hints shown. `warning` says what was wrong with the file, if anything was."""

    path: Path
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    hints: dict[str, int] = field(default_factory=dict)
    warning: str = ""

    def save(self) -> None:
        """Write the file, whole or not at all."""
        verdicts = {id: vars(verdict) for id, verdict in sorted(self.verdicts.items())}
        table = {"version": 1, "verdicts": verdicts, "hints": dict(sorted(self.hints.items()))}
        write_atomic(self.path, json.dumps(table, indent=1) + "\n")

    def record(self, root: Path, lab: Lab, report: Report, digests: dict[str, str | None] | None = None) -> None:
        """Keep the outcome of each exercise of a report on the learner's own files.

        `digests` are the sha256 of the lab's files when the run began (default: as they are now), so that an edit
        during a run counts as an edit.
        """
        digests = file_digests(root, lab) if digests is None else digests
        exercises = {exercise.id: exercise for exercise in lab.exercises}
        for id, results in report.by_exercise().items():
            if id in exercises:
                outcome = worst(result.outcome for result in results)
                self.verdicts[id] = Verdict(outcome, digest_of(exercises[id], digests), timestamp())

    def next_hint(self, exercise: Exercise) -> int:
        """How many hints to show now: one more than last time, at most all."""
        shown = min(self.hints.get(exercise.id, 0) + 1, len(exercise.hints))
        self.hints[exercise.id] = shown
        return shown

    def forget(self, lab: Lab) -> None:
        """Drop the verdicts and the hints of one lab."""
        for exercise in lab.exercises:
            self.verdicts.pop(exercise.id, None)
            self.hints.pop(exercise.id, None)


def load_progress(root: Path) -> Progress:
    """Read the file; a corrupt one is renamed and said so in `warning`, never an error."""
    path = root / ".lab" / "progress.json"
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Progress(path)
    except (OSError, UnicodeDecodeError) as error:
        return _set_aside(path, str(error))
    try:
        table = json.loads(text)
        return Progress(path, _verdicts(table["verdicts"]), _hints(table["hints"]))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return _set_aside(path, "not what `lab` wrote")


def _verdicts(table: dict[str, dict[str, Any]]) -> dict[str, Verdict]:
    verdicts = {}
    for id, entry in table.items():
        outcome, digest, when = entry["outcome"], entry["sha256"], entry.get("when", "")
        if outcome not in OUTCOMES or not isinstance(digest, str | None) or not isinstance(when, str):
            raise ValueError(id)
        verdicts[id] = Verdict(outcome, digest, when)
    return verdicts


def _hints(table: dict[str, Any]) -> dict[str, int]:
    return {id: max(0, int(count)) for id, count in table.items()}


def _set_aside(path: Path, why: str) -> Progress:
    aside = path.with_name(f"progress.broken-{timestamp()}.json")
    try:
        path.replace(aside)
        kept = f"It was kept as .lab/{aside.name}"
    except OSError as error:
        kept = f"It could not be moved aside ({error})"
    return Progress(path, warning=f".lab/progress.json could not be read ({why}). {kept}; progress starts anew.")


def file_digests(root: Path, lab: Lab) -> dict[str, str | None]:
    """The sha256 of each of the lab's files under labs/, None where there is none."""
    return {file: sha256_of(root / lab.labs_dir / file) for file in lab.files}


def digest_of(exercise: Exercise, digests: Mapping[str, str | None]) -> str | None:
    """The digest of all files of an exercise together, None where one is missing."""
    found = [digests.get(file) for file in exercise.files]
    if None in found or len(found) == 1:
        return None if None in found else found[0]
    return hashlib.sha256(" ".join(map(str, found)).encode()).hexdigest()


def standings(root: Path, lab: Lab, progress: Progress) -> list[Standing]:
    """Where each exercise of the lab stands, in order."""
    digests = file_digests(root, lab)
    texts = {file: read_text(root / lab.labs_dir / file) for e in lab.exercises for file in e.files}
    todos = {file: open_todos(text or "") for file, text in texts.items()}
    found = []
    for exercise in lab.exercises:
        todo = next((file for file in exercise.files if exercise.id in todos[file]), None)
        missing = next((file for file in exercise.files if texts[file] is None), None)
        verdict = progress.verdicts.get(exercise.id)
        if missing is not None:
            found.append(Standing(exercise, "missing", file=missing))
        elif todo is not None:
            found.append(Standing(exercise, "todo", todos[todo][exercise.id], file=todo))
        else:
            found.append(_judged(exercise, verdict, digest_of(exercise, digests)))
    return found


def _judged(exercise: Exercise, verdict: Verdict | None, digest: str | None) -> Standing:
    if verdict is None or verdict.outcome in {"todo", "error"}:
        return Standing(exercise, "unchecked", last=verdict.outcome if verdict else None)
    if verdict.sha256 != digest:
        return Standing(exercise, "changed", last=verdict.outcome)
    states: dict[str, State] = {"passed": "passed", "skipped": "skipped"}
    return Standing(exercise, states.get(verdict.outcome, "failed"))


def first_unfinished(found: Iterable[Standing]) -> Standing | None:
    """The first exercise that has not passed on the file as it is now.

    One that passed before an edit elsewhere in its file waits behind those that never did.
    """
    waiting = [standing for standing in found if standing.state in UNFINISHED]
    fresh = [standing for standing in waiting if not (standing.state == "changed" and standing.last == "passed")]
    return next(iter(fresh or waiting), None)


def lab_in_hand(root: Path, catalog: Catalog, progress: Progress) -> Lab:
    """The lab to go on with: the first one with an unfinished exercise, else the last one."""
    unfinished = (lab for lab in catalog if first_unfinished(standings(root, lab, progress)))
    return next(unfinished, catalog.labs[-1])
