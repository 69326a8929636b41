"""A report as HTML, for notebooks. No script, no outside address, everything escaped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from labkit.course.lab import Lab
from labkit.records import Outcome, Report, Result, worst
from labkit.text import for_html, for_line, for_terminal

_LOOKS: dict[Outcome, tuple[str, str, str]] = {
    "passed": ("✓", "#2e7d32", "passed"),
    "failed": ("✗", "#c62828", "failed"),
    "todo": ("·", "#757575", "to do"),
    "skipped": ("-", "#00838f", "skipped"),
    "error": ("!", "#8e24aa", "engine error"),
}
_PRE = "margin:.3em 0 .6em 1.6em;padding:.4em .8em;border-left:3px solid #9e9e9e;white-space:pre-wrap"


def report_html(lab: Lab, report: Report) -> str:
    """The verdict as one `<div>`. It holds no times, so that a notebook's stored output can be compared."""
    rows = "".join(_exercise(lab, id, results) for id, results in report.by_exercise().items())
    notes = "".join(f"<div><small>{for_html(note, 1000)}</small></div>" for note in report.notes)
    # The class keeps a `$` in somebody's text from becoming a formula.
    return f'<div class="tex2jax_ignore" style="font-family:sans-serif;line-height:1.5">{rows}{notes}</div>'


def _exercise(lab: Lab, id: str, results: Sequence[Result]) -> str:
    outcome = worst(result.outcome for result in results)
    sign, colour, words = _LOOKS[outcome]
    title = next((exercise.title for exercise in lab.exercises if exercise.id == id), "")
    state = f'<span style="color:{colour}">{words}</span>'
    head = f'<div><b style="color:{colour}">{sign} {for_html(id)}</b> {for_html(title)} {state}</div>'
    return head + ("" if outcome == "todo" else "".join(_checks(results)))


def _checks(results: Sequence[Result]) -> Iterator[str]:
    for result in results:
        sign, colour, _ = _LOOKS[result.outcome]
        title = for_html(result.title or result.check, 400)
        yield f'<div style="margin-left:1.2em"><span style="color:{colour}">{sign}</span> {title}</div>'
        if result.outcome != "passed" and result.message:
            yield f'<pre style="{_PRE}">{for_html(result.message, 3000)}</pre>'
        printed = for_html(result.output, 1500, lines=12)
        if result.outcome in {"failed", "error"} and printed.strip():
            yield f'<pre style="{_PRE};color:#757575">{printed}</pre>'


def report_text(lab: Lab, report: Report) -> str:
    """The same verdict as plain text."""
    lines = []
    for id, results in report.by_exercise().items():
        outcome = worst(result.outcome for result in results)
        title = next((exercise.title for exercise in lab.exercises if exercise.id == id), "")
        lines.append(f"{_LOOKS[outcome][0]} {id} {title}: {_LOOKS[outcome][2]}")
        for result in results if outcome != "todo" else ():
            lines.append(f"  {_LOOKS[result.outcome][0]} {for_line(result.title or result.check, 400)}")
            if result.outcome != "passed" and result.message:
                lines += [f"    {line}" for line in for_terminal(result.message, 3000).split("\n")]
    return "\n".join([*lines, *(for_line(note, 1000) for note in report.notes)])
