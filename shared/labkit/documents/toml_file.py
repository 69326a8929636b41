"""Reads TOML. `tomllib` gives no places: they are found by a walk over the lines that it has accepted.

Keys of tables and `key = value` lines have their own line and column. What stands inside an inline table or an array
has the place of the key before the `=`.
"""

from __future__ import annotations

import datetime
import re
import tomllib
from collections.abc import Mapping
from typing import Any

from labkit.documents.bounds import MAX_DEPTH, bounded, hidden_character, nothing_but_comments, position, too_deep
from labkit.documents.nodes import Node, Refused

MAX_BYTES = 64 * 1024
"""Largest file that is read."""

Path = tuple[str | int, ...]

_TEXT = r"\"(?:[^\"\\\n]|\\.)*\"|'[^'\n]*'"
_TOKEN = re.compile(
    rf"(?P<text>\"\"\"(?:[^\\\"]|\\[\s\S]|\"(?!\"\"))*\"{{3,5}}|'''(?:[^']|'(?!''))*'{{3,5}}|{_TEXT})"
    r"|(?P<comment>\#[^\n]*)|(?P<break>\n)|(?P<open>[\[{])|(?P<close>[\]}])|(?P<dot>\.)|(?P<equals>=)"
    r"|(?P<word>[^\s\[\]{}.=\"'#]+)|(?P<other>[\s\S])"
)
_PART = re.compile(rf"\s*(?P<part>{_TEXT}|[\w-]+)\s*(?:\.|$)")
_AT = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")
_MOST = 2**63
_LONGEST = 1_000  # characters of what stands in no quotes


def read_toml(text: str) -> Node:
    """The table of a file. Raises `Refused`."""
    text = bounded(text, "TOML", MAX_BYTES)
    places = _places(text)
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _refusal(str(error), text) from None
    except (ValueError, RecursionError) as error:
        raise Refused("a value that is too long, or nested too deeply") from error
    if not table:
        raise nothing_but_comments("TOML")
    return _node(table, (), places, (1, 1))


def _places(text: str) -> dict[Path, tuple[int, int]]:
    """Where each key stands. Refuses what is nested too deeply, before `tomllib` has to do with it."""
    walk = _Walk(text)
    for token in _TOKEN.finditer(text):
        walk.take(token)
    return walk.places


class _Walk:
    """Goes over the words and signs of a file; what is wrong with them is left to `tomllib`."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.places: dict[Path, tuple[int, int]] = {}
        self.line, self.line_start = 1, 0
        self.depth = self.dots = 0
        self.header: Path = ()
        self.counts: dict[Path, int] = {}  # of each array of tables how many there are so far
        self.begin = 0  # of the statement
        self.has_begun = self.has_value = False

    def take(self, token: re.Match[str]) -> None:
        kind = token.lastgroup
        if kind == "break" and self.depth == 0:
            self._statement_ends(token.start())
        elif kind == "equals" and not self.has_value and self.depth == 0:
            self._key(token.start())
        elif kind != "comment" and not token[0].isspace():
            self._inside(token, kind)
        if lines := token[0].count("\n"):
            self.line += lines
            self.line_start = token.start() + token[0].rfind("\n") + 1

    def _inside(self, token: re.Match[str], kind: str | None) -> None:
        if not self.has_begun:
            self.has_begun, self.begin = True, token.start()
        self.depth += (kind == "open") - (kind == "close" and self.depth > 0)
        # Dots outside of texts part the levels of a key; `1.5` has one.
        self.dots = self.dots + 1 if kind == "dot" else self.dots if kind in ("word", "text") else 0
        if kind == "word" and len(token[0]) > _LONGEST:
            raise Refused("a word or a number that is too long", *position(self.text, token.start()))
        if self.depth > MAX_DEPTH or self.dots >= MAX_DEPTH:
            raise too_deep(*position(self.text, token.start()))

    def _key(self, end: int) -> None:
        self.has_value, self.dots = True, 0
        self._note(self.header, _parts(self.text[self.begin : end]))

    def _statement_ends(self, end: int) -> None:
        if self.has_begun and not self.has_value and self.text[self.begin] == "[":
            self._table(self.text[self.begin : end])
        self.has_begun = self.has_value = False
        self.dots = 0

    def _table(self, written: str) -> None:
        is_array = written.startswith("[[")
        parts = _parts(written.partition("#")[0].strip().strip("[]"))
        self.header = ()
        if parts is None:
            return
        self.header = self._note((), parts[:-1]) if len(parts) > 1 else ()
        self.header = self._note(self.header, parts[-1:])
        if is_array:
            array = self.header[:-1] if self.header and isinstance(self.header[-1], int) else self.header
            self.counts[array] = self.counts.get(array, -1) + 1
            self.header = (*array, self.counts[array])
            self.places[self.header] = (self.line, self.begin - self.line_start + 1)

    def _note(self, base: Path, parts: list[str] | None) -> Path:
        """Keep the place of each level of a key that is new; return the path to the last one."""
        for part in parts or ():
            base = (*base, part)
            self.places.setdefault(base, (self.line, self.begin - self.line_start + 1))
            if base in self.counts:
                base = (*base, self.counts[base])
        return base


def _parts(key: str) -> list[str] | None:
    """The levels of a dotted key; None for what is no key."""
    parts: list[str] = []
    key, place = key.strip(), 0
    while place < len(key):
        found = _PART.match(key, place)
        if found is None or len(parts) > MAX_DEPTH:
            return None
        parts.append(_unquoted(found["part"]))
        place = found.end()
    return parts or None


def _unquoted(part: str) -> str:
    if part[0] == '"' and "\\" in part:
        try:
            return str(tomllib.loads(f"key = {part}")["key"])
        except (tomllib.TOMLDecodeError, ValueError):
            return part
    return part[1:-1] if part[0] in "\"'" else part


def _node(value: Any, path: Path, places: Mapping[Path, tuple[int, int]], around: tuple[int, int]) -> Node:
    if len(path) > 2 * MAX_DEPTH:
        raise too_deep(*around)
    line, column = places.get(path, around)
    if isinstance(value, dict):
        return Node({key: _node(one, (*path, key), places, (line, column)) for key, one in value.items()}, line, column)
    if isinstance(value, list):
        return Node([_node(one, (*path, i), places, (line, column)) for i, one in enumerate(value)], line, column)
    if isinstance(value, str) and (hidden := hidden_character(value.replace("\r", ""))):
        raise Refused(f"{hidden[0]} stands in the text", line, column, help="write it without the escape")
    if isinstance(value, int) and not -_MOST <= value < _MOST:
        raise Refused("a number of more than 64 bits", line, column, help="write it with fewer digits")
    if isinstance(value, datetime.date | datetime.time):
        return Node(value.isoformat(), line, column)
    return Node(value, line, column)


def _refusal(said: str, text: str) -> Refused:
    found = _AT.search(said)
    why = said[: found.start()] if found else said
    why = why[:1].lower() + why[1:]
    if found and found[1]:
        return Refused(why, int(found[1]), int(found[2]))
    return Refused(why, *position(text, len(text.rstrip())))
