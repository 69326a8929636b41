"""`lab doctor`: the page of what this machine has."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from labkit.commands.common import FAILED, OK
from labkit.course.catalog import find_root
from labkit.learner.doctor import Finding, examine

if TYPE_CHECKING:
    from rich.console import Console

_SIGNS = {"good": ("✓", "+", "green"), "note": ("○", "o", "yellow"), "bad": ("✗", "x", "red")}


def doctor() -> int:
    """Show every finding; 1 where something that the labs cannot do without is bad."""
    from labkit.render.style import make_console

    console = make_console()
    findings = examine(find_root())
    for topic, group in groupby(findings, key=lambda finding: finding.topic):
        _print_topic(console, topic, list(group))
    bad = [finding.name for finding in findings if finding.level == "bad"]
    optional = sum(finding.level == "note" for finding in findings)
    console.print()
    if bad:
        console.print(f"  Not good enough for the labs: {', '.join(bad)}.", style="red")
    elif optional:
        console.print("  Ready. What has a ○ is optional: checks that need it are skipped and say so.")
    else:
        console.print("  Ready, nothing is missing.")
    console.print()
    return FAILED if bad else OK


def _print_topic(console: Console, topic: str, findings: list[Finding]) -> None:
    from rich.text import Text

    from labkit.render.style import can_draw, commands

    console.print(Text(f"\n  {topic}", style="bold"))
    width = max(len(finding.name) for finding in findings)
    for finding in findings:
        draw, plain, colour = _SIGNS[finding.level]
        line = Text("  ").append(draw if can_draw(console) else plain, style=colour)
        line.append(f" {finding.name:<{width}}  ").append(finding.found, style="" if finding.level == "bad" else "dim")
        console.print(line)
        if finding.advice:
            console.print(Text(" " * (width + 6)).append_text(commands(console, finding.advice)), soft_wrap=True)
