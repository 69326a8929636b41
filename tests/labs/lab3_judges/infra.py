"""The Terraform files of 3.7 as one configuration, as Terraform sees them: no block has a file of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from labkit.checking.documents import Documents
from labkit.checking.located import Located
from labkit.checks import expect, fail

FILES = ("main.tf", "variables.tf", "network.tf", "cluster.tf", "registry.tf", "identity.tf", "cost.tf", "outputs.tf")
_NAMED = re.compile(r"\$\{(?:to(?:set|list|map)\(\s*)?(local|var)\.(\w+)(?:\s*\))?\}")
_ATTRIBUTE = re.compile(r"\$\{(aws_\w+)\.(\w+)\.(\w+)\}")
_AS_JSON = re.compile(r"^\$\{jsonencode\(\s*([\w.]+)\s*\)\}$")
_TURNS = re.compile(r'"([^"$\\]*)"|(?<![\w.])(\d+(?:\.\d+)?)(?![\w.])')
_FORMAT = re.compile(r'\$\{format\("([^"]*)"((?:,[^,()"]+)*)\)\}')
_REFERENCE = re.compile(r"(?<![\w.\"-])(?:(var|local)\.([a-zA-Z_]\w*)|(data\.)?(aws_\w+)\.([a-zA-Z_]\w*))")


@dataclass(frozen=True)
class Turn:
    """One turn of a `for_each`: its key, and its value where that is written in the files."""

    key: str
    value: Located | None


class Infra:
    """All blocks of all files."""

    def __init__(self, documents: Documents) -> None:
        self.files = [documents.hcl(f"terraform/{name}") for name in FILES]

    def blocks(self, *words: str) -> list[Located]:
        """The blocks that begin with these words, from all files."""
        return [block for file in self.files for block in file.blocks(*words)]

    def resources(self, kind: str) -> list[Located]:
        """The resources of a type."""
        return self.blocks("resource", kind)

    def one(self, kind: str, why: str) -> Located:
        """The one resource of a type."""
        found = self.resources(kind)
        if len(found) != 1:
            fail(
                expected=f"one resource `{kind}`",
                found=f"{len(found) or 'none'}",
                help=why,
                where=(found or [None])[-1],
            )
        return found[0]

    def policy(self, name: str) -> Located:
        """The policy document of this name."""
        found = self.blocks("data", "aws_iam_policy_document", name)
        if len(found) != 1:
            fail(
                expected=f'`data "aws_iam_policy_document" "{name}"`',
                found=f"{len(found) or 'none'}",
                help="Policies are written as documents of HCL: Terraform makes the JSON.",
            )
        return found[0]

    def resolved(self, value: Located) -> Located:
        """The value behind `local.name`, and the default of `var.name`; others as they are."""
        match = _NAMED.fullmatch(_AS_JSON.sub(r"${\1}", str(value.value))) if value.is_expression else None
        if match is None:
            return value
        kind, name = match.groups()
        places = self.blocks("locals") if kind == "local" else self.blocks("variable", name)
        found = (place.get(name if kind == "local" else "default") for place in places)
        return next((one for one in found if one is not None), value)

    def texts(self, value: Located | None) -> list[str]:
        """The texts of a list or of a single one, also where `local.name` stands for it."""
        return texts(None if value is None else self.resolved(value))

    def argument(self, value: Located) -> Located:
        """What stands behind `aws_kind.name.argument` in the resource itself; others as `resolved` has them."""
        match = _ATTRIBUTE.fullmatch(str(value.value)) if value.is_expression else None
        found = [block.get(match[3]) for block in self.blocks("resource", match[1], match[2])] if match else []
        return next((one for one in found if one is not None), self.resolved(value))

    def repeated(self, block: Located, name: str) -> Iterator[tuple[Located, Turn | None]]:
        """The blocks of this name in a block: those that stand there, and `dynamic` ones with each of their turns."""
        yield from ((one, None) for one in block.blocks(name))
        for one in block.blocks("dynamic", name):
            yield from ((inner(one, "content", "What each of them has."), turn) for turn in self.turns(one))

    def turns(self, block: Located) -> list[Turn | None]:
        """The turns of a block's `for_each`; one that is None where it has none."""
        each = block.get("for_each")
        if each is None:
            return [None]
        found = self.resolved(each)
        if isinstance(found.value, dict):
            return [Turn(key, value) for key, value in found.items()]
        if isinstance(found.value, list):
            return [Turn(str(value.value), value) for value in found]
        return [Turn(text or number, None) for text, number in _TURNS.findall(str(found.value))]  # `toset(["a", "b"])`

    def in_turn(self, value: Located, name: str, turn: Turn | None) -> Any:
        """What a value is: `name.key`, `name.value` and `name.value.field` those of a turn, others as `resolved`.

        It may be made JSON of.
        """
        plain = _AS_JSON.sub(r"${\1}", str(value.value))
        match = re.fullmatch(rf"\$\{{{name}\.(key|value)(?:\.(\w+))?\}}", plain)
        if match is None or turn is None:
            return self.resolved(value).value
        if match[1] == "key" or turn.value is None:
            return turn.key
        found = turn.value.get(match[2]) if match[2] else turn.value
        return None if found is None else self.resolved(found).value

    def addons(self) -> list[tuple[str, Located, Any]]:
        """The add-ons of the cluster: name, resource and `configuration_values` (None where there are none)."""
        found = []
        for one in self.resources("aws_eks_addon"):
            values = one.get("configuration_values")
            for turn in self.turns(one):
                told = None if values is None else self.in_turn(values, "each", turn)
                found.append((str(self.in_turn(one["addon_name"], "each", turn)), one, told))
        return found

    def document(self, value: Located, kind: str) -> str:
        """A text; where it is the JSON of a data source of this kind, what stands in that one."""
        match = re.fullmatch(rf"\$\{{data\.{kind}\.(\w+)\.json\}}", str(value.value))
        blocks = self.blocks("data", kind, match[1]) if match else []
        return str((blocks[0] if blocks else self.resolved(value)).value)

    def names(self) -> set[str]:
        """What can be referred to."""
        known = set()
        for file in self.files:
            for kind, prefix in (("variable", "var."), ("resource", ""), ("data", "data.")):
                known |= {prefix + ".".join(words) for words in _labels(file, kind)}
        return known | {f"local.{name}" for block in self.blocks("locals") for name, _ in block.items()}

    def references(self) -> Iterator[tuple[str, Located]]:
        """Each name that is referred to, with its place."""
        for file in self.files:
            yield from _references(file)


def _labels(file: Located, kind: str) -> Iterator[tuple[str, ...]]:
    top = file.get(kind)
    for block in top or []:
        for first, below in block.items():
            if kind == "variable":
                yield (first,)
            else:
                yield from ((first, name) for name, _ in below.items())


def _references(value: Located) -> Iterator[tuple[str, Located]]:
    plain = value.value
    if isinstance(plain, dict):
        for _, below in value.items():
            yield from _references(below)
    elif isinstance(plain, list):
        for below in value:
            yield from _references(below)
    elif value.is_expression:
        for match in _REFERENCE.finditer(re.sub(r'"(?:[^"$\\]|\\.)*"', '""', str(plain))):
            name = f"{match[1]}.{match[2]}" if match[1] else f"{match[3] or ''}{match[4]}.{match[5]}"
            yield name, value


def texts(value: Located | None) -> list[str]:
    """The texts of a list, or a single one."""
    if value is None:
        return []
    plain = value.value
    return [str(one) for one in plain] if isinstance(plain, list) else [str(plain)]


def as_template(text: str) -> str:
    """A text that is made by `format`, as a template makes it; others as they are."""
    match = _FORMAT.fullmatch(text)
    if match is None:
        return text
    pieces, values = match[1].split("%s"), [f"${{{one.strip()}}}" for one in match[2].split(",")[1:]]
    if len(pieces) != len(values) + 1:
        return text
    return pieces[0] + "".join(value + piece for value, piece in zip(values, pieces[1:], strict=True))


def only(block: Located, name: str, wanted: object, help: str, infra: Infra | None = None) -> None:
    """Expect an argument with a value; with `infra`, it may stand in a local value."""
    found = block.get(name)
    found = infra.resolved(found) if infra is not None and found is not None else found
    value = found.value if found is not None else None
    expect.that(
        type(value) is type(wanted) and value == wanted,
        expected=f"`{name} = {str(wanted).lower() if isinstance(wanted, bool) else wanted}`",
        found="it is not there" if found is None else found,
        help=help,
        where=found or block,
    )


def inner(block: Located, name: str, help: str) -> Located:
    """Expect one block in a block."""
    found = block.blocks(name)
    if len(found) != 1:
        fail(expected=f"one block `{name}` in {block.name}", found=f"{len(found) or 'none'}", help=help, where=block)
    return found[0]
