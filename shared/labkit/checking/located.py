"""A value in a file under check that knows where it stands: asked for what is not there, it fails in words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from difflib import get_close_matches
from typing import Any, TypeVar

from labkit.checking.expect import CheckFailed, Placed, fail
from labkit.documents.nodes import Expression, Node
from labkit.text import clean

T = TypeVar("T", str, int, float, bool, dict[str, Any], list[Any])

_WORDS: dict[type, str] = {
    str: "a text",
    int: "a whole number",
    float: "a number",
    bool: "`true` or `false`",
    dict: "a map",
    list: "a list",
}


class Located(Placed):
    """One value of a file: `deployment["spec"]["replicas"]`.

    It is true whatever its value is, since it is there; what is not there is None (`get`), or fails the check (`[…]`).
    Compare its `value`.
    """

    def __init__(self, file: str, node: Node, where: Callable[[str, int], str], path: str = "") -> None:
        self.file = file
        self.path = path
        self._node = node
        self._where = where

    @property
    def value(self) -> Any:
        """The plain value: text, number, truth value, None, list, dict."""
        return self._node.plain()

    @property
    def line(self) -> int:
        """The line, from 1: of a value in a map that of its key."""
        return self._node.line

    @property
    def column(self) -> int:
        """The column, from 1."""
        return self._node.column

    @property
    def place(self) -> str:
        """File and line as the learner reads them: `labs/lab3_kubernetes/base/deployment.yaml:12`."""
        return self._where(self.file, self.line)

    @property
    def name(self) -> str:
        """The way to it, for a message: `` `spec.containers[0].image` ``; the file where it is all of it."""
        return f"`{self.path or self.file}`"

    @property
    def is_expression(self) -> bool:
        """Whether HCL computes it: a reference, a call, a text with `${…}` in it."""
        return isinstance(self._node.value, Expression)

    def get(self, *path: str | int) -> Located | None:
        """The value at the end of a path of keys and places in lists; None where there is none."""
        found: Located | None = self
        for step in path:
            found = found._step(step) if found is not None else None
        return found

    def given(self, *path: str | int) -> Located | None:
        """As `get`; also None where the value is null, as below a key under which only a comment stands."""
        found = self.get(*path)
        return None if found is None or found.value is None else found

    def nearest(self, *path: str | int) -> Located:
        """The last value on a path that is there, so that a message can say where the next one is missing."""
        here = self
        for step in path:
            following = here._step(step)
            if following is None:
                break
            here = following
        return here

    def _step(self, step: str | int) -> Located | None:
        value = self._node.value
        if isinstance(value, dict) and isinstance(step, str) and step in value:
            return self._below(value[step], f"{self.path}.{step}" if self.path else step)
        if isinstance(value, list) and isinstance(step, int) and -len(value) <= step < len(value):
            return self._below(value[step], f"{self.path}[{step % len(value)}]")
        return None

    def _below(self, node: Node, path: str) -> Located:
        return Located(self.file, node, self._where, path)

    def __getitem__(self, step: str | int) -> Located:
        found = self._step(step)
        if found is not None:
            return found
        if isinstance(step, str):
            keys = ", ".join(f"`{key}`" for key in list(self._map())[:12])
            there = f"the keys {clean(keys, 400)}" if keys else "no key"
            near = get_close_matches(step, list(self._map()), n=1, cutoff=0.6)
            if not near:
                raise CheckFailed(f"{self.name} has `{step}`", there, where=self.place)
            help_text = f"did you mean `{step}` where `{clean(near[0], 80)}` stands?"
            raise CheckFailed(f"{self.name} has `{step}`", there, help_text, where=self[near[0]].place)
        wanted, count = step + 1 if step >= 0 else -step, len(self._list())
        raise CheckFailed(f"{self.name} has {wanted} or more items", f"{count}", where=self.place)

    def of(self, kind: type[T]) -> T:
        """The value, which must be of a kind: `str`, `int`, `float`, `bool`, `dict` or `list`; else the check fails."""
        self._must_be(kind)
        value: Any = self.value
        converted: Any = int(value) if kind is int else value
        return converted  # type: ignore[no-any-return]

    def _must_be(self, kind: type) -> None:
        value = self._node.value
        right = isinstance(value, (int, float) if kind is float else kind)
        right = right or (kind is int and isinstance(value, float) and value.is_integer())
        # A truth value is no number, though it is one in Python.
        if not right or isinstance(value, bool) != (kind is bool):
            fail(expected=f"{self.name} is {_WORDS[kind]}", found=described(value), help=_help(value, kind), where=self)

    def _map(self) -> dict[str, Node]:
        self._must_be(dict)
        return self._node.value  # type: ignore[return-value]

    def _list(self) -> list[Node]:
        self._must_be(list)
        return self._node.value  # type: ignore[return-value]

    def items(self) -> Iterator[tuple[str, Located]]:
        """The keys of a map and their values; the check fails where it is no map."""
        return iter([(key, self[key]) for key in self._map()])

    def __iter__(self) -> Iterator[Located]:
        """The items of a list; the check fails where it is none."""
        return iter([self[place] for place in range(len(self._list()))])

    def __len__(self) -> int:
        """The length of a map or a list; the check fails where it is neither."""
        return len(self._map() if isinstance(self._node.value, dict) else self._list())

    def __contains__(self, key: object) -> bool:
        """Whether it is a map that has the key."""
        return isinstance(self._node.value, dict) and key in self._node.value

    def __bool__(self) -> bool:
        return True

    def blocks(self, *words: str) -> list[Located]:
        """The blocks of HCL that begin with these words: `blocks("resource", "aws_eks_cluster")`."""
        found = [block for block in self._node.blocks if block.words[: len(words)] == words]
        return [self._below(block.body, _joined(self.path, block.words)) for block in found]

    def block(self, *words: str) -> Located:
        """The one block of HCL that begins with these words; the check fails where there is none, or another one."""
        found = self.blocks(*words)
        if len(found) == 1:
            return found[0]
        lines = f"{len(found)}, in the lines {', '.join(str(one.line) for one in found[:12])}"
        others = [_joined("", block.words) for block in self._node.blocks if block.words[0] == words[0]]
        there = f"none; there is {', '.join(f'`{one}`' for one in others[:12])}" if others else "none"
        where = found[1] if found else self
        raise CheckFailed(
            f"one block `{' '.join(words)}` in {self.name}", lines if found else clean(there, 400), where=where.place
        )

    def __str__(self) -> str:
        """The value in a few words, for a message."""
        return described(self._node.value)

    def __repr__(self) -> str:
        return f"<{self.place}: {described(self._node.value)}>"


def _joined(path: str, words: tuple[str, ...]) -> str:
    return ".".join([path, *words] if path else words)


def described(value: object) -> str:
    """A plain value in a few words."""
    if value is None:
        return "no value"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        kind, items = ("a map", "keys") if isinstance(value, dict) else ("a list", "items")
        return f"{kind} of {len(value)} {items}" if value else f"an empty {kind[2:]}"
    if isinstance(value, str):
        return f"the text `{clean(value, 200)}`" if value else "an empty text"
    return f"the number {value}"


def _help(value: object, kind: type) -> str:
    if isinstance(value, str) and kind in (int, float) and value.replace(".", "", 1).isdecimal():
        return "a number in quotes is a text"
    if isinstance(value, str) and kind is bool and value.lower() in ("true", "false"):
        return "a truth value in quotes is a text"
    if kind is str and isinstance(value, int | float):
        return "put it in quotes: without them it is no text"
    return ""
