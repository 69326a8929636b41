"""Every sentence that a learner is told, and the checks that hold it: `tests/sentences/lab1_models.toml`.

A table has a heading for each function or class (`["house_price.py: split_by_time"]`), for the comments of each file of
another kind (`["Dockerfile"]`), and for the guide, of which only what "must" be is a promise (`["guide"]`). Under it,
each sentence is a key. Its value is the list of the checks that fail where it is not so, or why there are none:

- `"topic"`: it says what the thing is. Nobody could write code against it
- `"why"`: a reason, or what follows from another sentence
- `"given"`: it speaks of code that the learner is given, and does not write
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from labkit.course.check_functions import CheckFunction
from labkit.course.lab import Lab
from labkit.course.starters import Starter

# Why a sentence has no check.
UNCHECKED = ("topic", "why", "given")

# A sentence ends where the next one begins: "e.g. so" and "1.5" do not end one.
_END = re.compile(r"(?:(?<=[.!?])|(?<=[.!?][`\")]))\s+(?=[A-Z`\"(\[])")
_ITEM = re.compile(r"\n\s*\n|\n(?=\s*[-*] )")
_NO_PROSE = re.compile(r"^```.*?^```$|^\|.*?$", re.M | re.S)
_MUST = re.compile(r"\bmust\b")
_COMMENT = re.compile(r"^\s*(?:#|//) ?(?P<text>.*)$")
_TODO = re.compile(r"TODO \d+\.\d+")


def table_of(lab: Lab) -> Path:
    """`tests/sentences/lab1_models.toml`, relative to the root of the repository."""
    return Path("tests", "sentences", f"{lab.package}.toml")


def sentences(text: str) -> list[str]:
    """The sentences of a text, each on one line. Paragraphs and items of a list end one, too."""
    parts = [" ".join(part.split()) for part in _ITEM.split(text)]
    return [sentence for part in parts if part for sentence in _END.split(part)]


def read_sentences(root: Path, lab: Lab, made: list[Starter]) -> dict[str, list[str]]:
    """What the lab says, by heading: docstrings and comments of what is written in it, and the musts of its guide."""
    told: dict[str, list[str]] = {}
    written = [starter for starter in made if lab.exercises_of(starter.file)]
    for starter in sorted(written, key=lambda starter: starter.file):
        path = PurePosixPath(starter.file)
        if path.suffix == ".py":
            for name, docstring in _docstrings(starter.content.decode()):
                told[f"{path}: {name}" if name else str(path)] = sentences(docstring)
        elif path.suffix in (".yaml", ".yml", ".tf") or path.name == "Dockerfile":
            told[str(path)] = [one for block in _comments(starter.content.decode()) for one in sentences(block)]
    guide = root / lab.guide
    prose = _NO_PROSE.sub("", guide.read_text(encoding="utf-8")) if guide.is_file() else ""
    told["guide"] = [sentence for sentence in sentences(prose) if _MUST.search(sentence)]
    return {heading: found for heading, found in told.items() if found}


def _docstrings(source: str) -> Iterator[tuple[str, str]]:
    tree = ast.parse(source)
    if text := ast.get_docstring(tree):
        yield "", text
    todo: list[tuple[str, ast.AST]] = [("", tree)]
    while todo:
        prefix, parent = todo.pop(0)
        for node in ast.iter_child_nodes(parent):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                if text := ast.get_docstring(node):
                    yield prefix + node.name, text
                todo.append((f"{prefix}{node.name}.", node))


def _comments(source: str) -> Iterator[str]:
    """The blocks of comments that stand on lines of their own."""
    block: list[str] = []
    for line in [*source.splitlines(), ""]:
        comment = _COMMENT.match(line)
        if comment and not _TODO.search(line):
            block.append(comment["text"])
        elif block:
            yield "\n".join(block)
            block = []


def sentence_problems(root: Path, lab: Lab, made: list[Starter], checks: list[CheckFunction]) -> Iterator[str]:
    """Where the table and what the lab says differ. A lab without a table has none."""
    table = table_of(lab)
    if not (root / table).is_file():
        return
    try:
        rows = tomllib.loads((root / table).read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        yield f"{table.as_posix()}: {error}"
        return
    told, known = read_sentences(root, lab, made), {check.name for check in checks}
    for heading in dict.fromkeys([*told, *rows]):
        said, listed = told.get(heading, []), rows.get(heading, {})
        place = f'{table.as_posix()}: ["{heading}"]'
        for sentence in said:
            if sentence not in listed:
                yield f"{place}: which checks hold this sentence? {sentence}"
        for sentence, held_by in listed.items():
            if sentence not in said:
                yield f"{place}: nobody says this any more: {sentence}"
            elif isinstance(held_by, str) and held_by not in UNCHECKED:
                yield f"{place}: `{held_by}` is none of {', '.join(UNCHECKED)}: {sentence}"
            elif isinstance(held_by, list) and (not held_by or not known.issuperset(held_by)):
                strange = ", ".join(f"`{name}`" for name in held_by if name not in known) or "an empty list"
                yield f"{place}: {strange} is no check of this lab: {sentence}"
