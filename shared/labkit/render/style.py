"""The looks that the terminal renderers share: signs, colours, width."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import IO, TYPE_CHECKING

from labkit.learner.progress import State
from labkit.records import Outcome
from labkit.text import typed

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

# What stands for an outcome or a state: sign, sign where the terminal is ASCII only, colour, words.
_LOOKS: dict[str, tuple[str, str, str, str]] = {
    "passed": ("✓", "+", "green", "passed"),
    "failed": ("✗", "x", "red", "failed"),
    "todo": ("·", ".", "dim", "to do"),
    "changed": ("~", "~", "yellow", "edited"),
    "unchecked": ("○", "o", "yellow", "not checked"),
    "skipped": ("-", "-", "cyan", "skipped"),
    "error": ("!", "!", "magenta", "engine error"),
    "missing": ("?", "?", "yellow", "missing"),
}

MAX_WIDTH = 100
COMMAND = "bold cyan"
QUIET = "dim"


def make_console(file: IO[str] | None = None) -> Console:
    """A console that takes text as it is: no markup, no emoji codes, no guessing of colours."""
    from rich.console import Console

    console = Console(file=file or sys.stdout, markup=False, emoji=False, highlight=False, soft_wrap=False)
    console.width = min(console.width, MAX_WIDTH)
    return console


def sign(console: Console, kind: Outcome | State) -> Text:
    """The sign of an outcome or a state in its colour."""
    from rich.text import Text

    unicode_sign, ascii_sign, colour, _ = _LOOKS[kind]
    return Text(unicode_sign if can_draw(console) else ascii_sign, style=colour)


def words(kind: Outcome | State) -> str:
    """`to do`, `passed`, `edited since`, …"""
    return _LOOKS[kind][3]


def colour(kind: Outcome | State) -> str:
    """The style that goes with an outcome or a state."""
    return _LOOKS[kind][2]


def can_draw(console: Console) -> bool:
    """Whether the terminal takes more than ASCII."""
    return console.encoding.lower().replace("-", "").startswith("utf")


def bar(console: Console) -> str:
    """The line at the left of what a program said."""
    return "│" if can_draw(console) else "|"


def minutes(count: int) -> str:
    """`20 min`, `4 h`, `4 h 30`."""
    hours, rest = divmod(count, 60)
    if not hours or count < 90:
        return f"{count} min"
    return f"{hours} h {rest:02}" if rest else f"{hours} h"


def seconds(value: float) -> str:
    """`0.21 s`, `12 s`."""
    return f"{value:.2f} s" if value < 9.995 else f"{value:.0f} s"


def commands(console: Console, line: str) -> Text:
    """A line in which what stands in backticks is shown as a command; without colours the backticks stay."""
    from rich.text import Text

    line = typed(line)
    if console.color_system is None:
        return Text(line)
    text = Text()
    for place, part in enumerate(line.split("`")):
        text.append(part, style=COMMAND if place % 2 else "")
    return text


def columns(
    console: Console, rows: Sequence[Sequence[Text]], *, elastic: int, right: int = -1, indent: int = 2
) -> Text:
    """Rows with their cells one below the other, two spaces apart, without spaces at the end of a line.

    Where the terminal is too narrow the column `elastic`, not the last one, is cut.
    The column `right` stands at the right of its place.
    """
    from rich.text import Text

    count = max((len(row) for row in rows), default=0)
    widths = [
        max((row[column].cell_len for row in rows if column < len(row) - 1), default=0) for column in range(count)
    ]
    last = max((row[-1].cell_len for row in rows if len(row) == count), default=0)
    too_wide = indent + sum(widths[:-1]) + 2 * (count - 1) + last - console.width + 1
    if too_wide > 0:
        widths[elastic] = max(12, widths[elastic] - too_wide)
    lines = []
    for row in rows:
        line = Text(" " * indent)
        for column, cell in enumerate(row):
            if column:
                line.append("  ")
            is_last = column == len(row) - 1
            line.append_text(cell if is_last else _fitted(cell, widths[column], at_right=column == right))
        lines.append(line)
    return Text("\n").join(lines)


def _fitted(cell: Text, width: int, *, at_right: bool) -> Text:
    cell = cell.copy()
    cell.truncate(width, overflow="ellipsis")
    if at_right:
        cell.pad_left(width - cell.cell_len)
    else:
        cell.pad_right(width - cell.cell_len)
    return cell


def indented(console: Console, text: Text, indent: int) -> Text:
    """The text wrapped to the width of the console, each line `indent` spaces in, no spaces at the ends."""
    from rich.text import Text

    lines = list(text.wrap(console, max(20, console.width - indent - 2), tab_size=4)) or [text]
    for line in lines:
        line.rstrip()
        line.pad_left(indent)
    return Text("\n").join(lines)
