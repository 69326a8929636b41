"""The verdict of a check run as terminal text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from labkit.course.lab import Exercise, Lab
from labkit.records import Report, Result, worst
from labkit.render.style import COMMAND, QUIET, bar, colour, commands, indented, seconds, sign, words
from labkit.text import Foreign, for_line, for_terminal, plural

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

_LABEL = re.compile(r"^(expected|found|help|where|prints): ?")
_MESSAGE_LIMIT = 3000
_OUTPUT_LIMIT = 1500
_OUTPUT_LINES = 12
_LABEL_END = 20  # where the text begins that stands behind a label


def print_report(
    console: Console,
    lab: Lab,
    report: Report,
    *,
    wall: float | None = None,
    seed: int | None = None,
    details: bool = False,
) -> None:
    """One line for each exercise, every failure in full, the sum, and the next command.

    `wall` is how long the run took in seconds. With `details` passed checks are listed too.
    """
    from rich.text import Text

    console.print()
    exercises = report.by_exercise()
    for id, results in exercises.items():
        print_exercise(console, lab, id, results, details=details)
        if len(exercises) == 1 and results[0].outcome == "todo":
            _print_block(console, _message(results[0].message))
    for note in report.notes:
        console.print(indented(console, Text(f"note: {for_line(note, 1000)}", style=QUIET), 2))
    console.print()
    console.print(summary(report, wall), soft_wrap=True)
    if seed is not None and report.counts()["failed"]:
        console.print(commands(console, f"  `--seed {seed}` draws the same inputs again"), style=QUIET)
    following = next_step(lab, report)
    if following:
        console.print(commands(console, f"  {following}"), soft_wrap=True)
    console.print()


def print_exercise(
    console: Console, lab: Lab, id: str, results: Sequence[Result], *, details: bool = False, brief: bool = False
) -> None:
    """The line of one exercise, and below it the checks that say something; `brief` leaves those out."""
    console.print(_exercise_line(console, lab, id, results))
    if brief or worst(result.outcome for result in results) == "todo":
        return
    shown = [result for result in results if details or result.outcome in {"failed", "error", "skipped"}]
    messages: set[Foreign] = set()
    for (_, says_nothing, _), group in groupby(
        shown, key=lambda one: (one.title, one.outcome == "passed", one.message)
    ):
        cases = list(group)
        # A check that passed with several inputs is one line.
        for result in cases[:1] if says_nothing else cases:
            said = bool(result.message) and result.message in messages
            _print_check(console, result, len(cases) if says_nothing else 1, said=said)
            messages.add(result.message)


def _exercise_line(console: Console, lab: Lab, id: str, results: Sequence[Result]) -> Text:
    from rich.text import Text

    outcome = worst(result.outcome for result in results)
    exercise = _exercise(lab, id)
    title = Text(exercise.title if exercise else "")
    title.truncate(min(max(len(one.title) for one in lab.exercises), console.width - 34), overflow="ellipsis", pad=True)
    line = Text("  ").append_text(sign(console, outcome)).append(f"  {id:<4} ", style="bold").append_text(title)
    line.append(f"  {_count(results):<14}", style=QUIET if outcome == "passed" else colour(outcome))
    if outcome != "todo":
        line.append(f"  {seconds(sum(result.seconds for result in results))}", style=QUIET)
    line.rstrip()
    return line


def _count(results: Sequence[Result]) -> str:
    outcome = worst(result.outcome for result in results)
    if outcome in {"todo", "skipped", "error"}:
        return words(outcome)
    passed = sum(result.outcome == "passed" for result in results)
    judged = sum(result.outcome != "skipped" for result in results)
    return plural(passed, "check") if passed == judged else f"{passed} of {plural(judged, 'check')}"


def _print_check(console: Console, result: Result, cases: int = 1, *, said: bool = False) -> None:
    """The title of a check and what it found; `said` where a check above has found the same to the letter."""
    from rich.text import Text

    title = Text(for_line(result.title or result.check, 400))
    if cases > 1:
        title.append(f" ({cases} cases)", style=QUIET)
    elif "[" in result.check and result.outcome != "passed":
        case = result.check.partition("[")[2].removesuffix("]")
        title.append(f" ({for_line(case, 60)})", style=QUIET)
    title = indented(console, title, 8)
    console.print(Text(" " * 5).append_text(sign(console, result.outcome)).append("  ").append_text(title[8:]))
    if said:
        _print_block(console, iter([("found", Text("the same as above", style=QUIET))]))
    elif result.message and result.outcome != "passed":
        _print_block(console, _message(result.message))
    printed = for_terminal(result.output, _OUTPUT_LIMIT, _OUTPUT_LINES)
    if printed.strip() and result.outcome in {"failed", "error"}:
        _print_block(console, _output(printed))


def _message(message: Foreign) -> Iterator[tuple[str, Text]]:
    from rich.text import Text

    for line in for_terminal(message, _MESSAGE_LIMIT).split("\n"):
        label = _LABEL.match(line)
        style = COMMAND if label and label[1] == "where" else ""
        yield label[1] if label else "", Text(line[label.end() :] if label else line, style=style)


def _output(printed: str) -> Iterator[tuple[str, Text]]:
    from rich.text import Text

    for place, line in enumerate(printed.split("\n")):
        yield "printed" if place == 0 else "", Text(line, style=QUIET)


def _print_block(console: Console, lines: Iterator[tuple[str, Text]]) -> None:
    """Each line behind a bar, its label in a column of its own; what is too long goes on below it."""
    from rich.text import Text

    for label, text in lines:
        for place, part in enumerate(indented(console, text, _LABEL_END).split("\n", allow_blank=True)):
            line = Text(f"        {bar(console)} {label if place == 0 else '':<10}", style=QUIET)
            line = line.append_text(part[_LABEL_END:])
            line.rstrip()
            console.print(line, no_wrap=True, crop=False)


def summary(report: Report, wall: float | None = None) -> Text:
    """`20 checks: 7 passed, 1 failed, 12 to do   2.3 s`, indented."""
    from rich.text import Text

    text = Text(f"  {plural(len(report.results), 'check')}: " if report.results else "  ")
    parts = [(outcome, count) for outcome, count in report.counts().items() if count]
    for place, (outcome, count) in enumerate(parts):
        text.append(", " if place else "").append(f"{count} {words(outcome)}", style=colour(outcome))
    if not parts:
        text.append("no check reported: the engine broke", style=colour("error"))
    if report.track != "labs":
        text.append(f"   track {for_line(report.track, 200)}", style=QUIET)
    return text.append(f"   {seconds(report.seconds if wall is None else wall)}", style=QUIET)


def next_step(lab: Lab, report: Report) -> str:
    """What to do next; commands stand in backticks. Empty where the files are not the learner's own."""
    if report.track != "labs":
        return ""
    outcomes = {id: worst(result.outcome for result in results) for id, results in report.by_exercise().items()}
    if "error" in outcomes.values():
        return "The engine broke, which is not your fault. `lab doctor` looks for the cause."
    for kind in ("failed", "todo"):
        for exercise in (one for one in lab.exercises if outcomes.get(one.id) == kind):
            first = lab.exercise(_open_before(exercise, report) or exercise.id)
            place = f"{first.id} {first.title}, in {(lab.labs_dir / first.file).as_posix()}"
            stuck = f", stuck? `lab hint {first.id}`" if kind == "failed" else ""
            return f"Next  {place}\n        `lab check {first.id}`{stuck}"
    following = _after(lab, list(outcomes))
    return f"Next  {following.id} {following.title}: `lab check {following.id}`" if following else ""


def _open_before(exercise: Exercise, report: Report) -> str:
    """The earlier exercise whose TODO keeps this one from being checked, as its verdict says; empty where none does."""
    said = next(result.message.raw for result in report.results if result.exercise == exercise.id)
    return next((id for id in exercise.after if said.startswith(exercise.builds_on(id))), "")


def _after(lab: Lab, ids: Sequence[str]) -> Exercise | None:
    known = [exercise.id for exercise in lab.exercises]
    last = max((known.index(id) for id in ids if id in known), default=len(known))
    return lab.exercises[last + 1] if last + 1 < len(known) else None


def _exercise(lab: Lab, id: str) -> Exercise | None:
    return next((exercise for exercise in lab.exercises if exercise.id == id), None)
