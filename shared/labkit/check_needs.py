"""Which tools the checks of a lab need, read off their source: `@exercise("2.8", needs=("docker",))`."""

from __future__ import annotations

import ast
from pathlib import Path

from labkit.mutants import Mutant


def needs_of_checks(checks_file: Path) -> dict[str, tuple[str, ...]]:
    """The tools that each check names as its need; checks without a need are left out."""
    found: dict[str, tuple[str, ...]] = {}
    for node in ast.parse(checks_file.read_text(encoding="utf-8")).body:
        if not isinstance(node, ast.FunctionDef):
            continue
        marks = [one for one in node.decorator_list if isinstance(one, ast.Call)]
        for keyword in [one for mark in marks if getattr(mark.func, "id", "") == "exercise" for one in mark.keywords]:
            if keyword.arg == "needs":
                found[node.name] = ast.literal_eval(keyword.value)
    return found


def needs_of_mutant(mutant: Mutant, needs: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    """The tools without which a wrong answer cannot be caught: the needs of the checks that must catch it."""
    return tuple(sorted({tool for check in mutant.caught_by for tool in needs.get(check, ())}))
