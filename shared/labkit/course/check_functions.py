"""The checks of a lab as they stand in its file of checks, read without running it."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from labkit.course.lab import Lab
from labkit.course.mutants import Mutant


@dataclass(frozen=True)
class CheckFunction:
    """One function marked `@exercise("2.8", needs=("docker",))`."""

    name: str
    exercise: str
    line: int
    docstring: str
    needs: tuple[str, ...] = ()


def read_checks(root: Path, lab: Lab) -> list[CheckFunction]:
    """The functions marked `@exercise("1.2")` in the lab's file of checks."""
    path = root / lab.checks_file
    tree = ast.parse(path.read_text(encoding="utf-8"), lab.checks_file.as_posix())
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))
    return [
        CheckFunction(node.name, exercise, node.lineno, ast.get_docstring(node) or "", _needs_of(decorator))
        for node in functions
        for decorator in node.decorator_list
        if isinstance(decorator, ast.Call) and (exercise := _exercise_of(decorator)) is not None
    ]


def _exercise_of(decorator: ast.Call) -> str | None:
    name = decorator.func.attr if isinstance(decorator.func, ast.Attribute) else getattr(decorator.func, "id", "")
    first = decorator.args[0] if name == "exercise" and decorator.args else None
    return first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else None


def _needs_of(decorator: ast.Call) -> tuple[str, ...]:
    return next((ast.literal_eval(one.value) for one in decorator.keywords if one.arg == "needs"), ())


def needs_of_mutant(mutant: Mutant, checks: Iterable[CheckFunction]) -> set[str]:
    """The tools without which a wrong answer cannot be caught: the needs of the checks that must catch it."""
    return {tool for check in checks if check.name in mutant.caught_by for tool in check.needs}
