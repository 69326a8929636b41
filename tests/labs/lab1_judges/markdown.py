"""Reads the figures of a report: numbers as they are shown, lines, and cells of tables with their headings."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

NUMBER = re.compile(
    r"(?<![\w.])(?P<sign>[-−])?(?P<whole>\d[\d,]*)(?:\.(?P<part>\d+))?(?:e(?P<power>[+-]?\d+))?(?P<unit>\s?%|k\b)?",
    re.IGNORECASE,
)
PLAIN_NUMBER = re.compile(r"[-−]?\d[\d,]*(\.\d+)?$")
PERCENT = re.compile(r"%|\bpercent\b", re.IGNORECASE)
RULE = re.compile(r"^[\s|:-]+$")
PICTURE = re.compile(r"!\[(?:[^\[\]]++|\[[^\[\]]*+\])*+\]\([^()]*+\)")
MOST_LINES = 2_000
MOST_TEXT = 200_000  # characters without pictures: what comes after them is not read


@dataclass(frozen=True)
class Shown:
    """A number as it stands in a text: its value, and half of what its last digit is worth.

    `zeros` is the same for the last digit that is no zero: 117,900 may be rounded to hundreds.
    """

    value: float
    half: float
    zeros: float

    def shows(self, wanted: float) -> bool:
        """Whether this is that number, rounded, but not to less than a tenth of it (fractions: to hundredths)."""
        away = abs(self.value - wanted)
        if abs(wanted) <= 1:
            return away <= 1e-9 + (1.02 * self.half if self.half < 0.006 else 0.0051)  # 0.4 may be 0.40
        halves = (self.half, self.zeros)
        return away <= 1e-9 * abs(wanted) or any(away <= 1.02 * half <= 0.102 * abs(wanted) for half in halves)


@dataclass(frozen=True)
class Cell:
    """One cell of a table, with the words at the left and at the top of it."""

    row: str
    column: str
    numbers: tuple[Shown, ...]


@dataclass(frozen=True)
class Text:
    """The text of a report: its lines, and what is in its tables. A column of a table is a line, too."""

    lines: tuple[str, ...]
    cells: tuple[Cell, ...]

    @property
    def numbers(self) -> list[Shown]:
        """All numbers."""
        return [number for line in self.lines for number in numbers_in(line)]

    def has_line(self, wanted: Iterable[float], *, words: Iterable[str] = ()) -> bool:
        """Whether one line has all these words, and shows all these numbers."""
        wanted, words = list(wanted), list(words)
        for line in self.lines:
            if all(word in plain(line) for word in words):
                numbers = numbers_in(line)
                if all(any(number.shows(value) for number in numbers) for value in wanted):
                    return True
        return False


def plain(text: str) -> str:
    """The letters and digits of a text, in small letters."""
    return re.sub(r"[\W_]+", "", text.lower())


def numbers_in(text: str) -> list[Shown]:
    """The numbers of a text. A percentage is a fraction, 12k is 12,000."""
    found = []
    for match in NUMBER.finditer(text):
        places, power, unit = len(match["part"] or ""), int((match["power"] or "0")[:4]), (match["unit"] or "").strip()
        scale = 10.0 ** max(-30, min(30, power)) * {"%": 0.01, "k": 1000.0}.get(unit.lower(), 1.0)
        digits = match["whole"].replace(",", "")
        value = float(f"{digits}.{match['part'] or '0'}") * scale
        half = 0.5 * 10.0**-places * scale
        zeros = 0 if places else min(3, len(digits) - len(digits.rstrip("0")))
        found.append(Shown(-value if match["sign"] else value, half, half * 10.0**zeros))
    return found


def read(markdown: str) -> Text:
    """Read a Markdown text."""
    lines, cells, table, left = [], [], [], MOST_TEXT
    for line in [*markdown.splitlines()[:MOST_LINES], ""]:
        line = PICTURE.sub(" ", line)[:left]
        left -= len(line)
        lines.append(line)
        if line.count("|") > 1:
            if not RULE.match(line):
                inner = line.strip().removeprefix("|").removesuffix("|")
                table.append([part.strip() for part in inner.split("|")])
            continue
        in_percent = _with_units(table)
        lines += [" ".join(row) for row, before in zip(in_percent, table, strict=True) if row != before]
        cells += _cells(in_percent)
        lines += [" ".join(column) for column in zip(*in_percent, strict=False)]
        table = []
    return Text(tuple(lines), tuple(cells))


def _with_units(table: list[list[str]]) -> list[list[str]]:
    """A table whose cells say that they are percentages, where their row or their column says so."""
    tops = [bool(PERCENT.search(words)) for words in table[0]] if table else []

    def cell(row: list[str], place: int) -> str:
        is_percent = PERCENT.search(row[0]) or (place < len(tops) and tops[place])
        return f"{row[place]} %" if place and is_percent and PLAIN_NUMBER.match(row[place]) else row[place]

    return [[cell(row, place) for place in range(len(row))] for row in table]


def _cells(table: list[list[str]]) -> list[Cell]:
    head, *body = table or [[]]
    return [
        Cell(row[0], column, tuple(numbers_in(text)))
        for row in body
        for column, text in zip(head[1:], row[1:], strict=False)
    ]
