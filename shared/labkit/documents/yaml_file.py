"""Reads YAML: several documents, every key and value with its place.

The parser's events are taken one by one and put together here, so nothing is built, called or followed on the way, and
the first bad one ends it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import yaml

from labkit.documents.bounds import MAX_DEPTH, bounded, hidden_character, nothing_but_comments, position, too_deep
from labkit.documents.nodes import Node, Refused, Scalar
from labkit.documents.scalars import plain_scalar

MAX_BYTES = 128 * 1024
"""Largest file that is read, and a smaller one where PyYAML came without libyaml, which is ten times as fast."""
MAX_BYTES_SLOW = 16 * 1024

_DIRECTIVE = re.compile(r"^%", re.MULTILINE)
_TEXT_TAGS = {None, "!", "tag:yaml.org,2002:str"}
_ANCHOR_HELP = "write the value out where it is needed"


def loader() -> Any:
    """PyYAML's loader: the one of libyaml where it is there."""
    return getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_yaml(text: str) -> list[Node]:
    """The documents of a file that are not empty. Raises `Refused`."""
    chosen = loader()
    most = MAX_BYTES_SLOW if chosen is yaml.SafeLoader else MAX_BYTES
    text = bounded(text.removeprefix("\ufeff"), "YAML", most)
    if directive := _DIRECTIVE.search(text):
        raise Refused("a line that begins with `%` is not read", *position(text, directive.start()), "delete it")
    builder, events = _Builder(), chosen(text)
    try:
        while events.check_event():
            builder.take(events.get_event())
    except yaml.MarkedYAMLError as error:
        raise _refusal(error, text) from None
    except yaml.YAMLError as error:
        raise Refused(str(error).partition("\n")[0]) from None
    finally:
        events.dispose()
    if not builder.documents:
        raise nothing_but_comments("YAML")
    return builder.documents


class _Builder:
    """Puts documents together from events. `open` are the maps and lists that have not ended, the outermost first."""

    def __init__(self) -> None:
        self.documents: list[Node] = []
        self.open: list[Node] = []
        self.keys: list[tuple[str, int, int] | None] = []  # of each open map the key whose value comes next
        self._takes: dict[type, Callable[[Any], None]] = {
            yaml.ScalarEvent: self._scalar,
            yaml.MappingStartEvent: self._start,
            yaml.SequenceStartEvent: self._start,
            yaml.MappingEndEvent: self._end,
            yaml.SequenceEndEvent: self._end,
            yaml.AliasEvent: self._alias,
        }

    def take(self, event: yaml.Event) -> None:
        take = self._takes.get(type(event))
        if take is not None:
            take(event)

    def _alias(self, event: Any) -> None:
        raise Refused(f"the alias `*{_short(event.anchor)}` is not followed", *_place(event), help=_ANCHOR_HELP)

    def _scalar(self, event: Any) -> None:
        self._no_anchor(event)
        if event.tag not in _TEXT_TAGS:
            raise _tagged(event)
        is_plain = event.tag is None and not event.style
        value: Scalar = plain_scalar(event.value) if is_plain else event.value
        if event.style == '"' and (hidden := hidden_character(event.value.replace("\r", ""))):
            raise Refused(f"{hidden[0]} stands in the text", *_place(event), help="write it without the escape")
        if self._wants_key():
            self._key(event, value, is_plain=is_plain)
        elif self.open or value is not None:
            self._put(value, event)

    def _wants_key(self) -> bool:
        return bool(self.open) and isinstance(self.open[-1].value, dict) and self.keys[-1] is None

    def _key(self, event: Any, value: Scalar, *, is_plain: bool) -> None:
        """A key is its text as it is written: `on` and `8080` are keys as good as any."""
        line, column = _place(event)
        if value is None:
            raise Refused("a key is missing before the `:`", line, column, help="a key is a text: `name: value`")
        if is_plain and event.value == "<<":
            raise Refused("the merge key `<<` is not followed", line, column, help=_ANCHOR_HELP)
        there = self.open[-1].value
        assert isinstance(there, dict)
        if event.value in there:
            first = there[event.value].line
            why = f"the key `{_short(event.value)}` stands twice in one map, first in line {first}"
            raise Refused(why, line, column, help="keep one of the two")
        self.keys[-1] = (event.value, line, column)

    def _start(self, event: Any) -> None:
        self._no_anchor(event)
        if event.tag not in (None, "!"):
            raise _tagged(event)
        if self._wants_key():
            why = "a map or a list stands where a key is wanted"
            raise Refused(
                why, *_place(event), help="a key is a text; put `{{ … }}` or `[…]` in quotes if text is meant"
            )
        if len(self.open) >= MAX_DEPTH:
            raise too_deep(*_place(event))
        node = self._put({} if isinstance(event, yaml.MappingStartEvent) else [], event)
        self.open.append(node)
        self.keys.append(None)

    def _put(self, value: Any, event: Any) -> Node:
        """Add a value to the map or the list that is open, else as a document."""
        line, column = _place(event)
        if not self.open:
            self.documents.append(Node(value, line, column))
            return self.documents[-1]
        holder, key = self.open[-1].value, self.keys[-1]
        if isinstance(holder, dict) and key is not None:
            holder[key[0]] = node = Node(value, key[1], key[2])
            self.keys[-1] = None
        else:
            assert isinstance(holder, list)
            holder.append(node := Node(value, line, column))
        return node

    def _end(self, event: Any) -> None:
        self.open.pop()
        self.keys.pop()

    def _no_anchor(self, event: Any) -> None:
        if event.anchor is not None:
            raise Refused(f"the anchor `&{_short(event.anchor)}` is not taken", *_place(event), help=_ANCHOR_HELP)


def _place(event: Any) -> tuple[int, int]:
    return event.start_mark.line + 1, event.start_mark.column + 1


def _tagged(event: Any) -> Refused:
    tag = event.tag.replace("tag:yaml.org,2002:", "!!")
    return Refused(f"the tag `{_short(tag)}` is not taken", *_place(event), help="write the value without a tag")


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:60]}…"


# Parts of what libyaml and PyYAML say, what it means, and what to look at.
_MEANINGS = (
    (("tab",), "a tab stands where spaces are wanted", "indent with spaces only; YAML takes no tabs"),
    (("mapping values are not allowed",), "a second `:` in one value, or a key that is indented too far",
     "put a text that holds `: ` in quotes, or look at the indentation of this line and the one above"),
    (("could not find expected ':'",), "a line of a map without its `:`",
     "write `key: value`, with a space after the `:`"),
    (("did not find expected '-'", "parsing a block collection"), "a line that does not belong to the list around it",
     "items of one list begin with `- ` in the same column"),
    (("did not find expected key", "expected <block end>"), "a line that does not belong to the map around it",
     "keys of one map begin in the same column; a text with quotes inside is quoted as a whole"),
    (("sequence entries are not allowed",), "a `-` where no list can begin", "a list begins in a line of its own"),
    (("expected ',' or",), "a `[` or a `{` that is not closed, or a comma that is missing",
     "`[1, 2]` is a list, `{a: 1}` is a map"),
    (("unknown escape character",), "an unknown escape in a text",
     "write `\\\\` for one backslash, or take single quotes"),
    (("scanning a quoted scalar",), "a quote that is not closed", "close it with the same sign, `\"` or `'`"),
    (("scanning an alias", "scanning an anchor"), "a value cannot begin with `*` or `&`", "put the value in quotes"),
    (("cannot start any token",), "a value cannot begin with this sign", "put the value in quotes"),
    (("scanning a block scalar",), "a text in the line of its `|` or `>`", "begin it in the next line, indented"),
    (("<document start>",), "something stands behind the end of the document", "a new document begins with `---`"),
)  # fmt: skip
_GLUED = re.compile(r"^[ -]*[\w./-]+(?P<colon>:)(?!//)\S")


def _refusal(error: yaml.MarkedYAMLError, text: str) -> Refused:
    said = f"{error.context or ''} {error.problem or ''}"
    # An open quote is seen at the end of the file: the place to show is where it begins.
    open_quote = "quoted scalar" in said and "end of stream" in said
    mark = error.context_mark if open_quote else error.problem_mark
    lines = text.removesuffix("\n").split("\n")
    line = min(mark.line, len(lines) - 1) if mark else 0
    column = min(mark.column, len(lines[line])) if mark and mark.line == line else len(lines[line])
    before = lines[line][: column + 1]
    if "\t" in before and not before.strip():
        said = "tab"
    glued = _GLUED.match(lines[line - 1]) if line and "mapping values are not allowed" in said else None
    if glued:
        return Refused("no space stands after the `:`", line, glued.start("colon") + 1, "write `key: value`")
    for parts, why, help in _MEANINGS:
        if any(part in said for part in parts):
            start = (
                f"; it begins in line {error.context_mark.line + 1}" if "flow" in said and error.context_mark else ""
            )
            return Refused(f"{why}{start}", line + 1, column + 1, help)
    return Refused(" ".join(said.split()), line + 1, column + 1)
