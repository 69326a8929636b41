"""What the learner's code may do instead of answering. Each of these fails a check."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from labkit.sandbox.connection import Ending, WorkerEnded
from labkit.sandbox.wire import Node

MAX_MESSAGE = 4_000
"""Characters of an exception's message that are kept."""


class LearnerFault(Exception):
    """The learner's code did something that stands in the way of a verdict: the check has failed."""


@dataclass(frozen=True)
class Frame:
    """A line of the learner's code in a traceback."""

    file: str
    line: int
    name: str
    text: str


class LearnerError(LearnerFault):
    """The learner's code raised an exception.

    `type_name` is its class, `base_names` its bases from the class itself on, `frames` its lines in the lab's files.
    A check may say better what was done (`doing`), and what to look at (`help`).
    """

    def __init__(self, node: Node, doing: str) -> None:
        told = node if isinstance(node, dict) else {}
        self.type_name = _text(told.get("type"), 200) or "Exception"
        self.message = _text(told.get("message"), MAX_MESSAGE)
        self.base_names = tuple(_text(name, 200) for name in _list(told.get("bases"), 50))
        self.frames = tuple(_frame(item) for item in _list(told.get("frames"), 20) if isinstance(item, dict))
        self.syntax = _syntax(told["syntax"]) if isinstance(told.get("syntax"), dict) else None
        self.doing = doing
        self.help = ""
        super().__init__(f"{self.type_name}: {self.message}")

    def is_a(self, type_name: str) -> bool:
        """Whether it is of this class, or of one that is derived from it."""
        return type_name in (self.type_name, *self.base_names)


class LearnerStopped(LearnerFault):
    """The worker ended, or had to be ended, instead of answering. `reason` as in `WorkerEnded`."""

    def __init__(self, ended: WorkerEnded, doing: str, seconds: float, ending: Ending | None) -> None:
        self.reason = ended.reason
        self.detail = ended.detail
        self.doing = doing
        self.seconds = seconds
        self.ending = ending
        super().__init__(f"{doing}: {ended.reason} {ended.detail}".strip())


def _frame(item: dict[str, Any]) -> Frame:
    name, code = _text(item.get("name"), 200), _text(item.get("text"), 200)
    return Frame(_text(item.get("file"), 200), _number(item.get("line")), name, code)


def _syntax(item: dict[str, Any]) -> dict[str, Any]:
    file, code = _text(item.get("file"), 200), _text(item.get("text"), 20_000)
    return {"file": file, "line": _number(item.get("line")), "column": _number(item.get("column")), "text": code}


def _text(value: object, most: int) -> str:
    """Return a text of the worker's, as it can be written; empty where it is none."""
    return value[:most].encode("utf-8", "replace").decode() if isinstance(value, str) else ""


def _number(value: object) -> int:
    return value if type(value) is int and 0 <= value < 2**31 else 0


def _list(value: object, most: int) -> list[object]:
    return value[:most] if isinstance(value, list) else []
