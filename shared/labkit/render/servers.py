"""What `lab up` shows: who is ready, the addresses to open, the variables of a client, then the servers' own lines."""

from __future__ import annotations

import datetime
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from labkit.learner.servers import Plan, Screen, ServerFault
from labkit.render.style import COMMAND, QUIET, bar, columns, commands, seconds, sign
from labkit.text import for_line, for_terminal

if TYPE_CHECKING:
    from rich.console import Console


class ServerScreen(Screen):
    """Prints one line after another, also on a terminal: what scrolls away can be looked up."""

    def __init__(self, console: Console, root: Path) -> None:
        from honcho.colour import get_colours
        from honcho.printer import Printer

        self._console = console
        self._root = root
        coloured = console.color_system is not None and not console.no_color
        self._printer = Printer(console.file, colour=coloured)
        self._colours = get_colours()
        self._colour: dict[str, str] = {}

    def starting(self, plans: Sequence[Plan]) -> None:
        self._printer.width = max(len(plan.name) for plan in plans)
        self._colour = dict(zip([plan.name for plan in plans], self._colours, strict=False))
        self._console.print(f"\n  starting {', '.join(plan.title for plan in plans)} …")
        self._flush()

    def ready(self, plan: Plan, seconds_taken: float) -> None:
        from rich.text import Text

        line = Text("  ").append_text(sign(self._console, "passed"))
        self._console.print(line.append(f" {plan.title} is ready after {seconds(seconds_taken)}"))
        self._flush()

    def all_ready(self, plans: Sequence[Plan]) -> None:
        from rich.text import Text

        console = self._console
        rows = [[Text(plan.title, "bold"), Text(f"{plan.url}{plan.declared.page}", COMMAND)] for plan in plans]
        data = [[Text(plan.title, QUIET), Text(shown_folder(self._root, plan.state), QUIET)] for plan in plans]
        console.print()
        console.print(columns(console, rows, elastic=0))
        console.print("\n  A program that talks to them, in another terminal, needs:\n")
        for name, value in {name: value for plan in plans for name, value in plan.client.items()}.items():
            console.print(Text(f"    export {name}={shlex.quote(value)}", COMMAND), soft_wrap=True)
        console.print("\n  What they write stays for the next time; remove a folder to begin anew:\n", style=QUIET)
        console.print(columns(console, data, elastic=0, indent=4))
        console.print("\n  Ctrl-C ends all of them. What they print:\n")
        self._flush()

    def line(self, plan: Plan, text: str) -> None:
        from honcho.printer import Message

        now = datetime.datetime.now()
        for one in for_terminal(text).split("\n"):
            self._printer.write(Message("line", one, now, plan.name, self._colour[plan.name]))

    def ending(self) -> None:
        self._console.print("\n  ending all of them …")
        self._flush()

    def _flush(self) -> None:
        self._console.file.flush()


def print_fault(console: Console, root: Path, fault: ServerFault, again: str) -> None:
    """Say which server it was, what it printed last, and what to do; `again` is the command to type."""
    from rich.text import Text

    console.print(Text(f"\n  {fault.plan.title} {fault.what}; all servers are ended.", style="red"))
    if fault.lines:
        console.print("  Its last lines:\n")
    for line in fault.lines:
        console.print(Text(f"    {bar(console)} {for_line(line, 400)}"), soft_wrap=True)
    data = shown_folder(root, fault.plan.state)
    line = f"\n  Its data is in {data}. When the cause is mended, start again: `{again}`\n"
    console.print(commands(console, line), soft_wrap=True)
    console.file.flush()


def shown_folder(root: Path, folder: Path) -> str:
    """A folder from the root of the repository."""
    return f"{folder.relative_to(root).as_posix()}/"
