"""The first look at HCL: comments, texts, here-documents and brackets, in one pass over the file.

What is inside a text or a comment is blanked for the grammar, character by character, so that places stay as they are.
The grammar's own patterns for these would take quadratic time on a hostile file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NamedTuple

from labkit.documents.bounds import MAX_DEPTH, position, too_deep
from labkit.documents.nodes import Refused

MAX_TOKENS = 8_000
"""Most words and signs in a file: the grammar takes some 40 µs for each."""

_CODE = re.compile(
    r"(?P<space>[ \t]+)|(?P<break>\n)|(?P<comment>(?:\#|//)[^\n]*)|(?P<remark>/\*)"
    r"|(?P<heredoc><<-?(?P<mark>[A-Za-z][\w.-]*)[ \t]*\n)|(?P<quote>\")"
    r"|(?P<open>[(\[{])|(?P<close>[)\]}])|(?P<word>\w[\w-]*)|(?P<sign>.)"
)
_TEXT = re.compile(
    r"(?P<plain>(?:[^\"\\$%\n]|\\[^\n]|\$\$\{|%%\{|[$%](?!\{))+)|(?P<template>[$%]\{)|(?P<quote>\")|(?P<end>.|\n)"
)
_CLOSES = {"(": ")", "[": "]", "{": "}", "$": "}"}


class Text(NamedTuple):
    """A text in quotes or a here-document: the end of it, and whether something is put in (`${…}`)."""

    end: int
    is_template: bool
    is_heredoc: bool = False


@dataclass
class Scan:
    """The blanked file, the texts by where they begin, the line ends by how many brackets are open there."""

    masked: str = ""
    texts: dict[int, Text] = field(default_factory=dict)
    breaks: dict[int, list[int]] = field(default_factory=dict)


class Scanner:
    """Goes over a file once. `open` are the brackets, quotes (`"`) and templates (`$`) that have not ended."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.scan = Scan()
        self.open: list[tuple[str, int]] = []
        self.templates: set[int] = set()  # where texts begin into which something is put
        self.tokens = 0
        self.pieces: list[str] = []

    def run(self) -> Scan:
        """Scan the whole file. Raises `Refused` for what is not closed, does not match, or is too much."""
        place = 0
        while place < len(self.text):
            in_text = bool(self.open) and self.open[-1][0] == '"'
            place = self._in_text(place) if in_text else self._in_code(place)
        if self.open:
            raise self._unclosed()
        self.scan.masked = "".join(self.pieces)
        return self.scan

    def _in_code(self, place: int) -> int:
        found = _CODE.match(self.text, place)
        assert found is not None
        kind = found.lastgroup
        if kind == "heredoc":
            return self._heredoc(found)
        if kind == "remark":
            return self._remark(place)
        if kind == "comment":
            self.pieces.append(" " * len(found[0]))
            return found.end()
        if kind == "break":
            self.scan.breaks.setdefault(len(self.open), []).append(place)
        elif kind == "quote":
            self._push('"', place)
        elif kind == "open":
            self._push(found[0], place)
        elif kind == "close":
            self._pop(found[0], place)
        self._count(place, kind)
        # `${~ … ~}` and `%{ … ~}` only strip white space around them.
        strips = found[0] == "~" and bool(self.open) and self.open[-1][0] == "$"
        self.pieces.append(" " if strips else found[0])
        return found.end()

    def _in_text(self, place: int) -> int:
        found = _TEXT.match(self.text, place)
        assert found is not None
        begin = self.open[-1][1]
        if found["plain"]:
            self.pieces.append("x" * len(found[0]))
        elif found["template"]:
            self.templates.add(begin)
            self._push("$", place)
            self.pieces.append(found[0])
        elif found["quote"]:
            self.open.pop()
            self.scan.texts[begin] = Text(found.end(), begin in self.templates)
            self.pieces.append('"')
        else:
            raise self._refused("a text that is not closed in its line", begin, 'close it with `"`')
        self._count(place, "text")
        return found.end()

    def _count(self, place: int, kind: str | None) -> None:
        self.tokens += kind != "space"
        if self.tokens > MAX_TOKENS:
            raise self._refused(
                f"more than {MAX_TOKENS:,} words and signs stand in the file", place, "write a shorter one"
            )

    def _push(self, sign: str, place: int) -> None:
        if len(self.open) >= MAX_DEPTH:
            raise too_deep(*position(self.text, place))
        self.open.append((sign, place))

    def _pop(self, sign: str, place: int) -> None:
        if not self.open:
            raise self._refused(f"`{sign}` closes nothing", place, "delete it, or look for the bracket that it closes")
        opening, begin = self.open[-1]
        if _CLOSES.get(opening) != sign:
            line = position(self.text, begin)[0]
            why = f"`{sign}` cannot close the `{self._shown(opening, begin)}` of line {line}"
            raise self._refused(why, place, f"`{_CLOSES.get(opening, opening)}` is wanted before it")
        self.open.pop()

    def _heredoc(self, found: re.Match[str]) -> int:
        """A here-document becomes a text in quotes of the same length, its line ends kept."""
        place = found.end()
        while place < len(self.text):
            end = self.text.find("\n", place)
            end = len(self.text) if end < 0 else end
            if self.text[place:end].strip() == found["mark"]:
                body = self.text[found.start() + 1 : end - 1]
                self.pieces.append('"' + re.sub(r"[^\n]", "x", body) + '"')
                self.scan.texts[found.start()] = Text(end, "${" in body or "%{" in body, is_heredoc=True)
                self._count(found.start(), "text")
                return end
            place = end + 1
        why = f"the here-document `{found['mark']}` is not closed"
        raise self._refused(why, found.start(), f"its last line is `{found['mark']}` alone")

    def _remark(self, place: int) -> int:
        end = self.text.find("*/", place + 2)
        if end < 0:
            raise self._refused("a comment that is not closed", place, "close it with `*/`")
        self.pieces.append(re.sub(r"[^\n]", " ", self.text[place : end + 2]))
        return end + 2

    def _unclosed(self) -> Refused:
        opening, begin = self.open[-1]
        return self._refused(
            f"the `{self._shown(opening, begin)}` that begins here is not closed",
            begin,
            f"close it with `{_CLOSES.get(opening, opening)}`",
        )

    def _shown(self, opening: str, begin: int) -> str:
        return self.text[begin : begin + 2] if opening == "$" else opening

    def _refused(self, why: str, place: int, help: str) -> Refused:
        return Refused(why, *position(self.text, place), help=help)
