"""What the learner's code may do instead of answering. Each of these fails a check."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from labkit.sandbox.connection import Ending, WorkerEnded
from labkit.sandbox.wire import Node


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
        self.type_name = str(node.get("type", "Exception"))
        self.message = str(node.get("message", ""))
        self.base_names = tuple(str(name) for name in node.get("bases", ()))
        self.frames = tuple(_frame(item) for item in node.get("frames", ()) if isinstance(item, dict))
        self.syntax = node.get("syntax") if isinstance(node.get("syntax"), dict) else None
        self.doing = doing
        self.help = ""
        super().__init__(f"{self.type_name}: {self.message}")


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
    line = item.get("line")
    return Frame(
        str(item.get("file")), line if isinstance(line, int) else 0, str(item.get("name")), str(item.get("text"))[:200]
    )
