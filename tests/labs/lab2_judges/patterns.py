"""Docker's file patterns (2.8): `.dockerignore` and the wildcards of `COPY`, in a time that no pattern can blow up."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

MOST_PATTERNS = 300
MOST_CHARACTERS = 200  # of one pattern
MOST_TOGETHER = 4_000  # of all patterns with a wildcard


class PatternError(ValueError):
    """A pattern that Docker refuses, or one that nobody needs."""


@dataclass(frozen=True)
class Token:
    """A piece of a pattern. `deep` is any text, `folders` is nothing or any text that ends with `/`."""

    kind: Literal["one", "many", "deep", "folders"]
    test: re.Pattern[str] | None = None


@dataclass(frozen=True)
class Rule:
    """One line of a `.dockerignore`. `keeps` is true for a line with `!`."""

    pattern: str
    keeps: bool
    line: int


_NOT_SLASH = re.compile(r"[^/]")


@lru_cache(maxsize=4096)
def _tokens(pattern: str, deep: bool) -> tuple[Token, ...]:
    """Cut a pattern into tokens. `deep`: two stars go across folders, as in a `.dockerignore`."""
    if len(pattern) > MOST_CHARACTERS:
        raise PatternError(f"a pattern of more than {MOST_CHARACTERS} characters")
    tokens: list[Token] = []
    place = 0
    while place < len(pattern):
        sign = pattern[place]
        place += 1
        if sign == "*" and deep and pattern[place : place + 1] == "*":
            place += 1
            place += pattern[place : place + 1] == "/"
            tokens.append(Token("deep" if place == len(pattern) else "folders"))
        elif sign == "*":
            tokens.append(Token("many"))
        elif sign == "?":
            tokens.append(Token("one", _NOT_SLASH))
        elif sign == "[":
            end = pattern.find("]", place + 1 + (pattern[place : place + 1] == "^"))
            tokens.append(Token("one", _set(pattern[place:end] if end > 0 else "", pattern)))
            place = end + 1
        else:
            if sign == "\\":
                if place == len(pattern):
                    raise PatternError(f"`{pattern}` ends with a backslash")
                sign = pattern[place]
                place += 1
            tokens.append(Token("one", re.compile(re.escape(sign))))
    return tuple(tokens)


def _set(inside: str, pattern: str) -> re.Pattern[str]:
    start, rest = ("^", inside[1:]) if inside.startswith("^") else ("", inside)
    quoted = re.sub(r"([\[&~|])", r"\\\1", rest)
    try:
        return re.compile(f"(?!/)[{start}{quoted}]")
    except re.error:
        raise PatternError(f"`{pattern}` has a `[` that is not closed, or an odd range") from None


def matches(pattern: str, path: str, *, deep: bool = True) -> bool:
    """Whether a path matches a pattern as a whole."""
    if not any(sign in pattern for sign in "*?[\\"):
        return pattern == path
    places = {0}
    for token in _tokens(pattern, deep):
        if not places:
            return False
        places = _advance(token, places, path)
    return len(path) in places


def _advance(token: Token, places: set[int], path: str) -> set[int]:
    if token.test is not None:
        return {place + 1 for place in places if place < len(path) and token.test.match(path, place)}
    first = min(places)
    if token.kind == "deep":
        return set(range(first, len(path) + 1))
    if token.kind == "folders":
        return places | {place + 1 for place in range(first, len(path)) if path[place] == "/"}
    found, open_until = set(places), -1
    for place in range(first, len(path) + 1):
        if place in places or place == open_until:
            found.add(place)
            open_until = place + 1 if path[place : place + 1] not in ("", "/") else -1
    return found


def read_ignore(text: str) -> list[Rule]:
    """The rules of a `.dockerignore`, in their order. Raises `PatternError`."""
    rules: list[Rule] = []
    for number, line in enumerate(text.removeprefix("\ufeff").replace("\r\n", "\n").split("\n"), 1):
        pattern = line.strip()
        if line.startswith("#") or not pattern:
            continue
        keeps = pattern.startswith("!")
        pattern = pattern[keeps:].strip()
        if not pattern:
            raise PatternError(f"line {number}: nothing stands after `!`")
        # A pattern that leads out of the context stays as it is, and fits nothing.
        rules.append(Rule(posixpath.normpath(pattern).lstrip("/") or "/", keeps, number))
    if len(rules) > MOST_PATTERNS:
        raise PatternError(f"it has more than {MOST_PATTERNS:,} patterns")
    for rule in rules:
        _tokens(rule.pattern, True)
    if sum(len(rule.pattern) for rule in rules if "*" in rule.pattern) > MOST_TOGETHER:
        raise PatternError(f"its patterns have more than {MOST_TOGETHER:,} characters")
    return rules


def clean(path: str) -> str:
    """A path from the top of the context: no `./`, no `..`, no slash in front or at the end."""
    return posixpath.normpath("/" + path).lstrip("/")


def is_ignored(path: str, rules: Iterable[Rule]) -> bool:
    """Whether a file stays out of the context: the last rule that matches it, or a folder above it, decides."""
    parts = path.split("/")
    places = ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]
    ignored = False
    for rule in rules:
        if rule.keeps == ignored and any(matches(rule.pattern, place) for place in places):
            ignored = not rule.keeps
    return ignored
