"""What `lab watch` shows: the last verdict, short, on a clear screen."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from labkit.course.lab import Lab
from labkit.learner.progress import Standing
from labkit.learner.watch import Screen
from labkit.records import Report, worst
from labkit.render.board import exercise_table, heading, print_next
from labkit.render.style import QUIET, commands, seconds, sign
from labkit.render.terminal import print_exercise
from labkit.text import for_line

if TYPE_CHECKING:
    from rich.console import Console


class TerminalScreen(Screen):
    """Clears the screen at each save where it is a terminal; else prints one block after another."""

    def __init__(self, console: Console, lab: Lab) -> None:
        self._console = console
        self._lab = lab
        self._explained = False

    def waiting(self, found: list[Standing]) -> None:
        self._heading("waiting for a save")
        self._console.print(exercise_table(self._console, found))
        self._next(found)

    def begin(self, saved: str) -> None:
        self._explained = False
        if saved:
            self._heading(f"{saved} saved at {time.strftime('%H:%M:%S')}")

    def news(self, text: str) -> None:
        self._console.print(f"      {for_line(text)}", style=QUIET)
        self._flush()

    def verdict(self, report: Report, seconds_taken: float) -> None:
        for id, results in report.by_exercise().items():
            outcome = worst(result.outcome for result in results)
            good = outcome in {"passed", "todo", "skipped"}
            # One failure at a time in full: the first one is the one to work on.
            print_exercise(self._console, self._lab, id, results, brief=self._explained)
            self._explained = self._explained or not good
        self._console.print(f"      verdict in {seconds(seconds_taken)}", style=QUIET)
        self._flush()

    def gone(self, names: list[str]) -> None:
        self._heading(f"{', '.join(names)} is gone")
        line = f"  It is checked when it is there again. `lab reset {self._lab.number}` puts the starter back."
        self._console.print(commands(self._console, line))
        self._flush()

    def end(self, found: list[Standing]) -> None:
        self._next(found)

    def _heading(self, right: str) -> None:
        if self._console.is_terminal:
            self._console.clear()
        self._console.print()
        self._console.print(
            heading(self._console, f"Lab {self._lab.number}  {self._lab.title}", f"{right}, Ctrl-C ends")
        )
        self._console.print()

    def _next(self, found: list[Standing]) -> None:
        from rich.text import Text

        signs = Text(" ").join(sign(self._console, standing.state) for standing in found)
        done = sum(standing.state == "passed" for standing in found)
        self._console.print(Text("\n  ").append_text(signs).append(f"   {done} of {len(found)}\n", style=QUIET))
        print_next(self._console, self._lab, found)
        self._flush()

    def _flush(self) -> None:
        self._console.file.flush()
