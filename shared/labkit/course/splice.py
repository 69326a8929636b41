"""Changes a solution into another answer: other definitions of the same name in Python, other lines in any file."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

from labkit.course.marks import split_lines


class SpliceError(ValueError):
    """A replacement that does not fit; says the line of the replacement."""


@dataclass(frozen=True)
class _Part:
    """A top-level statement: the names it defines, and its lines (from 0, end excluded)."""

    names: frozenset[str]
    start: int
    end: int


def splice(text: str, replacement: str) -> str:
    """`text` with the top-level functions, classes and assignments of `replacement` in place of its own.

    Imports that `text` lacks come after its last one; a new definition comes before the next one that replaces
    something, else after the last one. Raises `SpliceError` where nothing would be replaced.
    """
    old_tree, new_tree = ast.parse(text), ast.parse(replacement)
    old_lines, new_lines = split_lines(text), split_lines(replacement)
    new_parts = _definitions(new_tree, strict=True)
    edits = _edits(_definitions(old_tree, strict=False), new_parts, new_lines)
    if not edits:
        raise SpliceError("replaces nothing: no function, class or assignment of the solution has one of its names")
    for start, end, lines in sorted(edits, key=lambda edit: edit[0], reverse=True):
        old_lines[start:end] = lines
    place = _after_imports(old_tree)
    old_lines[place:place] = _new_imports(old_tree, new_tree)
    return "".join(f"{line}\n" for line in old_lines)


def _edits(old: list[_Part], new: list[_Part], new_lines: list[str]) -> list[tuple[int, int, list[str]]]:
    """Line ranges of the old text with what comes there instead; no two overlap."""
    edits: dict[int, tuple[int, int, list[str]]] = {}
    waiting: list[str] = []
    last: tuple[int, int, list[str]] | None = None
    for part in new:
        lines = new_lines[part.start : part.end]
        # The last definition of a name is the one that counts.
        target = next((candidate for candidate in reversed(old) if candidate.names & part.names), None)
        if target is None or target.start in edits:
            waiting += [*lines, "", ""]
            continue
        last = (target.start, target.end, [*waiting, *lines])
        edits[target.start] = last
        waiting = []
    if waiting and last is not None:
        last[2].extend(["", "", *waiting[:-2]])
    return list(edits.values())


def _definitions(tree: ast.Module, *, strict: bool) -> list[_Part]:
    parts = []
    for node in tree.body:
        names = _names(node)
        if names:
            decorators = getattr(node, "decorator_list", [])
            start = min([node.lineno, *(decorator.lineno for decorator in decorators)]) - 1
            parts.append(_Part(frozenset(names), start, node.end_lineno or node.lineno))
        elif strict and not isinstance(node, ast.Import | ast.ImportFrom) and not _is_docstring(node):
            raise SpliceError(f"line {node.lineno}: only imports, functions, classes and assignments can be put in")
    return parts


def _names(node: ast.stmt) -> set[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name}
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    names = (name for target in targets for name in ast.walk(target) if isinstance(name, ast.Name))
    return {name.id for name in names if isinstance(name.ctx, ast.Store)}


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _after_imports(tree: ast.Module) -> int:
    """The line (from 0) after the last import at the top, else after the docstring."""
    place = 0
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom) or (_is_docstring(node) and node is tree.body[0]):
            place = node.end_lineno or node.lineno
        elif _names(node):
            break
    return place


def _new_imports(old: ast.Module, new: ast.Module) -> list[str]:
    there = {ast.dump(node) for node in old.body if isinstance(node, ast.Import | ast.ImportFrom)}
    imports = [node for node in new.body if isinstance(node, ast.Import | ast.ImportFrom)]
    return [ast.unparse(node) for node in imports if ast.dump(node) not in there and not _is_future(node)]


def _is_future(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"


_EDIT = re.compile(r"^<{7}\n(?P<old>.*?)^={7}\n(?P<new>.*?)^>{7}\n", re.MULTILINE | re.DOTALL)


def apply_edits(text: str, edits: str) -> str:
    """`text` with the lines above each `=======` replaced by those below it; they must be there exactly once.

    Raises `SpliceError` where they are not, or where something else stands between the edits.
    """
    found = list(_EDIT.finditer(edits))
    if not found or _EDIT.sub("", edits).strip():
        raise SpliceError("nothing but blocks of `<<<<<<<`, `=======` and `>>>>>>>` may follow the header")
    for number, edit in enumerate(found, start=1):
        if ("\n" + text).count("\n" + edit["old"]) != 1:
            raise SpliceError(f"edit {number}: its old lines are not exactly once in the solution")
        text = ("\n" + text).replace("\n" + edit["old"], "\n" + edit["new"])[1:]
    return text
