"""What a file becomes: plain values, each with the line and the column where it stands; or a refusal in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

Scalar = str | int | float | bool | None
Value = Scalar | dict[str, "Node"] | list["Node"]


class Expression(str):
    """What HCL computes, as it is written: `${var.region}`, or a text with one in it, `web-${var.region}`."""

    __slots__ = ()


@dataclass(slots=True, eq=False)
class Node:
    """One value and its place, counted from 1. The value of a key has the place of the key.

    `blocks` are those of a body in HCL, in their order; they are in `value` too, by type and label.
    """

    value: Value
    line: int
    column: int
    blocks: tuple[Block, ...] = ()

    def plain(self) -> Any:
        """The value as scalars, lists and dicts."""
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value


class Block(NamedTuple):
    """A block of HCL: `words` are its type and its labels, as in `resource "aws_eks_cluster" "main"`."""

    words: tuple[str, ...]
    body: Node


class Refused(ValueError):
    """A file that cannot be read: the fact, the place, what to look at. `line` and `column` count from 1."""

    def __init__(self, why: str, line: int = 1, column: int = 1, help: str = "") -> None:
        super().__init__(f"line {line}, column {column}: {why}")
        self.why = why
        self.line = line
        self.column = column
        self.help = help


class Empty(Refused):
    """A file in which nothing stands, or nothing but comments."""
