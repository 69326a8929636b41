"""The files of a submission as data, for checks: read once, each value with its place.

A check of a deployment:

    deployment = documents.yaml("base/deployment.yaml").one(kind="Deployment")
    replicas = deployment["spec"]["replicas"]
    expect.that(replicas.of(int) >= 2, expected="2 replicas or more", found=replicas, where=replicas)

Whatever is not as it is asked for fails the check, with the line; a check never has to guard against it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import overload

from labkit.checking.expect import CheckFailed, fail
from labkit.checking.faults import LearnerFault
from labkit.checking.located import Located, described
from labkit.checking.verdict import describe_refusal
from labkit.documents.nodes import Node, Refused
from labkit.documents.readers import kind_of, read
from labkit.text import clean


class Stream(Sequence[Located]):
    """The documents of a YAML file, in their order."""

    def __init__(self, file: str, documents: Sequence[Located]) -> None:
        self.file = file
        self._documents = documents

    @overload
    def __getitem__(self, place: int) -> Located: ...
    @overload
    def __getitem__(self, place: slice) -> Stream: ...
    def __getitem__(self, place: int | slice) -> Located | Stream:
        """One document, or several; the check fails where there are fewer."""
        if isinstance(place, slice):
            return Stream(self.file, self._documents[place])
        if not -len(self) <= place < len(self):
            wanted = place + 1 if place >= 0 else -place
            fail(expected=f"{wanted} or more documents in `{self.file}`", found=f"{len(self)}", where=self[-1])
        return self._documents[place]

    def __len__(self) -> int:
        return len(self._documents)

    def __iter__(self) -> Iterator[Located]:
        return iter(self._documents)

    def all(self, **values: object) -> Stream:
        """The documents whose top-level keys have these values: `all(kind="Service")`."""
        return Stream(self.file, [one for one in self if all(_is(one, key, values[key]) for key in values)])

    def one(self, **values: object) -> Located:
        """The one document with these values; the check fails where there is none, or another one."""
        found = self.all(**values)
        if len(found) == 1:
            return found[0]
        wanted = " and ".join(f"`{key}: {value}`" for key, value in values.items())
        if found:
            lines = ", ".join(str(one.line) for one in found)
            where, there = found[1], f"{len(found)}: they begin in the lines {lines}"
        else:
            where, there = self[0], clean("; ".join(_about(one, list(values)) for one in self), 400)
        wanted = f"one document in `{self.file}`{f' with {wanted}' if wanted else ''}"
        raise CheckFailed(wanted, there, where=where.place)


def _is(document: Located, key: str, value: object) -> bool:
    found = document.get(key)
    if found is None:
        return False
    plain = found.value
    return type(plain) is type(value) and bool(plain == value)


def _about(document: Located, keys: list[str]) -> str:
    named = [f"`{key}`, {described(found.value)}" for key in keys if (found := document.get(key)) is not None]
    return f"line {document.line} has {' and '.join(named) or f'no `{keys[0]}`' if keys else described(document.value)}"


class Documents:
    """The files of a submission by their names in the lab's folder.

    Args:
        texts: what was taken, by name.
        problems: why a file could not be taken, by name.
        where: turns a file and a line into what is shown.
    """

    def __init__(
        self, texts: Mapping[str, bytes], problems: Mapping[str, str], where: Callable[[str, int], str]
    ) -> None:
        self._texts = texts
        self._problems = problems
        self._where = where
        self._read: dict[str, list[Node] | str] = {}

    def yaml(self, file: str) -> Stream:
        """The documents of a YAML file that are not empty."""
        return Stream(file, self._located(file, "YAML"))

    def hcl(self, file: str) -> Located:
        """The body of an HCL file: arguments by name, and `block(…)`, `blocks(…)`.

        A block is a map in a list under its type, below a map for each label. What is no plain text, number, list or
        map is the text of the expression: `${var.region}`.
        """
        return self._located(file, "HCL")[0]

    def toml(self, file: str) -> Located:
        """The table of a TOML file. What stands in an inline table or an array has the line of its key."""
        return self._located(file, "TOML")[0]

    def problem(self, file: str) -> str:
        """Why a file of YAML, HCL or TOML cannot be read, with line and caret; empty where it can, or is none."""
        if kind_of(file) is None or file not in self._texts:
            return ""
        found = self._nodes(file)
        return found if isinstance(found, str) else ""

    def _located(self, file: str, kind: str) -> list[Located]:
        if kind_of(file) != kind:
            raise ValueError(f"`{file}` is not {kind}")
        if problem := self._problems.get(file) or self.problem(file):
            raise LearnerFault(problem)
        found = self._nodes(file)
        assert not isinstance(found, str)
        return [Located(file, node, self._where) for node in found]

    def _nodes(self, file: str) -> list[Node] | str:
        if file not in self._read:
            text = self._texts[file].decode()
            try:
                self._read[file] = read(file, text)
            except Refused as refused:
                self._read[file] = describe_refusal(file, text, refused, self._where)
        return self._read[file]
