"""The marks in solution files: what the learner writes, and what only the starter shows.

Between `# solution 1.2` and `# end solution` is what the learner writes. A line that begins with `#~ `, or `# ~ ` as
formatters write it, is in the starter only. The same marks work with `//` and `<!-- -->` comments, each in the kinds of
file that have them. Everything here is text in, text out.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from labkit.course.lab import suggestion

_OPEN = re.compile(r"^(?P<indent>[ \t]*)(?P<style>#|//|<!--) solution (?P<id>\d+\.\d+)(?P<close> -->)?[ \t]*$")
_END = re.compile(r"^(?P<indent>[ \t]*)(?P<style>#|//|<!--) end solution(?P<close> -->)?[ \t]*$")
_STARTER_ONLY = re.compile(r"^(?P<indent>[ \t]*)(?P<style>#|//|<!--) ?~(?: (?P<text>.*?))?[ \t]*$")
# What somebody meant as a mark: the word alone or with a number, in any spelling. `# solution of it` is no mark.
_MEANT = re.compile(
    r"^[ \t]*(?:#|//|<!--)[ \t]*(?:end[ \t_-]*solutions?\b.*|solutions?[ \t_:-]*(?:\d.*)?(?:-->)?[ \t]*)$"
    r"|^[ \t]*(?:#|//|<!--)~\w",
    re.IGNORECASE,
)
# The comments of each kind of file, by the end of its name. JSON has none; any other kind may have all.
_HASH, _HCL = frozenset({"#"}), frozenset({"#", "//"})
_COMMENTS = {
    **dict.fromkeys(("yaml", "yml", "toml", "dockerfile"), _HASH),
    **dict.fromkeys(("tf", "tfvars", "hcl"), _HCL),
    "json": frozenset[str](),
}
_TODO = re.compile(r"^[ \t]*(?:#|//|<!--)[ \t]*TODO[ \t]+(?P<id>\d+\.\d+)\b")


class MarkError(ValueError):
    """A broken, nested or unknown mark; says file and line."""

    def __init__(self, name: str, line: int, why: str) -> None:
        super().__init__(f"{name}:{line}: {why}")
        self.name = name
        self.line = line


@dataclass(frozen=True)
class Line:
    """One line of a solution file, without its line end.

    `kind` is `mark` (opens or ends a block), `starter` (shown in the starter only) or `code`.
    `exercise` is the exercise whose block the line is in, the marks themselves included.
    """

    number: int
    text: str
    kind: Literal["code", "mark", "starter"]
    exercise: str | None = None


@dataclass(frozen=True)
class Block:
    """What one pair of marks holds: `lines` from the opening mark to the end mark, both included."""

    exercise: str
    indent: str
    style: str
    lines: tuple[Line, ...]

    def todo(self, title: str) -> str:
        """The line that stands in the starter instead."""
        close = " -->" if self.style == "<!--" else ""
        return f"{self.indent}{self.style} TODO {self.exercise}: {title}{close}"


def parse(text: str, name: str = "file", known: Mapping[str, str] | None = None) -> list[Line | Block]:
    """Lines outside of blocks, and blocks, in the order of the file.

    `known` are the exercises that may be marked (id → title), None for any. Raises `MarkError`.
    """
    return list(_pieces(text, name, known))


def _pieces(text: str, name: str, known: Mapping[str, str] | None) -> Iterator[Line | Block]:
    opened: re.Match[str] | None = None
    inside: list[Line] = []
    for number, line in enumerate(split_lines(text), start=1):
        start, end = _OPEN.match(line), _END.match(line)
        if start and opened:
            raise MarkError(name, number, f"nested mark: the block of line {inside[0].number} is still open")
        if end and not opened:
            raise MarkError(name, number, "`end solution` without a `solution` mark before it")
        _no_typing_error(line, start or end, name, number)
        _is_comment_here(line, start or end or _STARTER_ONLY.match(line), name, number)
        if start:
            _known_exercise(start["id"], name, number, known)
            opened, inside = start, [Line(number, line, "mark", start["id"])]
        elif opened is None:
            yield _line(number, line, None)
        elif end is None:
            inside.append(_line(number, line, opened["id"]))
        else:
            _same_shape(opened, end, name, number, inside[0].number)
            inside.append(Line(number, line, "mark", opened["id"]))
            yield Block(opened["id"], opened["indent"], opened["style"], tuple(inside))
            opened = None
    if opened is not None:
        raise MarkError(name, inside[0].number, f"`solution {opened['id']}` has no `end solution`")


def _line(number: int, text: str, exercise: str | None) -> Line:
    return Line(number, text, "starter" if _STARTER_ONLY.match(text) else "code", exercise)


def _no_typing_error(line: str, mark: re.Match[str] | None, name: str, number: int) -> None:
    if mark is None and _MEANT.match(line):
        wanted = "write `# solution 1.2`, `# end solution` or `#~ text`, each with one space after the sign"
        raise MarkError(name, number, f"broken mark `{line.strip()}`: {wanted}")
    if mark is not None and (mark["style"] == "<!--") != bool(mark["close"]):
        raise MarkError(name, number, f"broken mark `{line.strip()}`: `<!--` and `-->` belong together")


def can_be_marked(name: str) -> bool:
    """Whether a file of this name has comments at all."""
    return _COMMENTS.get(_ending(name)) != frozenset()


def _ending(name: str) -> str:
    return name.rpartition("/")[2].rpartition(".")[2].lower()


def _is_comment_here(line: str, mark: re.Match[str] | None, name: str, number: int) -> None:
    signs = _COMMENTS.get(_ending(name))
    if mark is None or signs is None or mark["style"] in signs:
        return
    if not signs:
        raise MarkError(name, number, f"JSON has no comments, so it cannot hold the mark `{line.strip()}`")
    wanted = " or ".join(f"`{sign}`" for sign in sorted(signs))
    raise MarkError(
        name, number, f"`{mark['style']}` begins no comment in this kind of file: write the mark with {wanted}"
    )


def _known_exercise(id: str, name: str, number: int, known: Mapping[str, str] | None) -> None:
    if known is None or id in known:
        return
    raise MarkError(name, number, f"no exercise `{id}` is written in this file.{suggestion(id, known)}")


def _same_shape(start: re.Match[str], end: re.Match[str], name: str, number: int, first: int) -> None:
    if start["indent"] != end["indent"]:
        raise MarkError(name, number, f"`end solution` must be indented like the mark of line {first}")
    if start["style"] != end["style"]:
        raise MarkError(name, number, f"`end solution` must be the same kind of comment as the mark of line {first}")


def starter(text: str, name: str, titles: Mapping[str, str], solved: Collection[str] = ()) -> str:
    """The starter of a solution file, with some exercises `solved`. `titles` are those written in it (id → title).

    What only the starter shows right after a block stands in for it: where the exercise is solved, it is left out.
    """
    lines: list[str] = []
    is_replaced = False
    for piece in parse(text, name, titles):
        if isinstance(piece, Block):
            is_replaced = piece.exercise in solved
            code = (line.text for line in piece.lines if line.kind == "code")
            lines += code if is_replaced else _hole(piece, name, titles[piece.exercise])
        elif piece.kind == "code" or not is_replaced:
            is_replaced = False
            lines.append(_shown(piece))
    return _joined(lines)


def reference(text: str, name: str = "file") -> str:
    """The solution as plain code: without marks, and without the lines that only the starter shows."""
    return _joined([line.text for line in _all_lines(text, name) if line.kind == "code"])


def solution_parts(text: str, name: str = "file") -> dict[str, list[str]]:
    """The code between the marks, block by block, of each exercise."""
    parts: dict[str, list[str]] = {}
    for piece in parse(text, name):
        if isinstance(piece, Block):
            code = [line.text for line in piece.lines if line.kind == "code"]
            parts.setdefault(piece.exercise, []).append(_joined(code))
    return parts


def focus(text: str, name: str, exercise: str, titles: Mapping[str, str]) -> list[tuple[str, bool]]:
    """The file with one exercise solved and all others as in the starter.

    Each line comes with whether it is a part of that exercise's solution, so nothing of another one is shown.
    """
    lines: list[tuple[str, bool]] = []
    for piece in parse(text, name, titles):
        if isinstance(piece, Line):
            lines.append((_shown(piece), False))
        elif piece.exercise == exercise:
            lines += [(line.text, True) for line in piece.lines if line.kind == "code"]
        else:
            lines += [(line, False) for line in _hole(piece, name, titles[piece.exercise])]
    return lines


def open_todos(text: str) -> dict[str, int]:
    """The exercises whose TODO mark still stands, with the line of the first one (from 1)."""
    found: dict[str, int] = {}
    for number, line in enumerate(split_lines(text), start=1):
        mark = _TODO.match(line)
        if mark:
            found.setdefault(mark["id"], number)
    return found


def split_lines(text: str) -> list[str]:
    """The lines as an editor counts them: a form feed or a Unicode line separator does not end one."""
    text = text.replace("\r\n", "\n").removesuffix("\n")
    return text.split("\n") if text else []


def _all_lines(text: str, name: str) -> Iterator[Line]:
    for piece in parse(text, name):
        if isinstance(piece, Block):
            yield from piece.lines
        else:
            yield piece


def _hole(block: Block, name: str, title: str) -> list[str]:
    shown = [_shown(line) for line in block.lines if line.kind == "starter"]
    # A starter that brings code of its own works as it is, up to a point; any other hole says that it is one.
    is_code = any(text.strip() and not text.lstrip().startswith("#") for text in shown)
    raises = [f"{block.indent}raise NotImplementedError"]
    return [block.todo(title), *shown, *(raises if name.endswith(".py") and block.indent and not is_code else [])]


def _shown(line: Line) -> str:
    mark = _STARTER_ONLY.match(line.text) if line.kind == "starter" else None
    if mark is None:
        return line.text
    text = mark["text"] or ""
    if mark["style"] == "<!--":
        text = text.removesuffix("-->").rstrip()
    return f"{mark['indent']}{text}".rstrip()


def _joined(lines: list[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
