"""Trees as Python code: for one row, nested `if`s are faster than any call into a library.

The call itself is what costs: handing one row to treelite takes longer than walking down all its trees. For many rows
at once it is the other way round, and treelite wins.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

DEEPEST = 90  # Python allows 100 levels of indentation


class CannotCompile(ValueError):
    """A model that cannot be compiled; the message says which part."""


def as_function(trees: Any) -> Callable[[Sequence[float]], float]:
    """Return a function of one row that sums up the trees of a treelite model. A row holds no NaN.

    Raises CannotCompile where a tree asks other questions than `value <= threshold`, or is very deep.
    """
    model = json.loads(trees.dump_as_json())
    lines = ["def sum_of_trees(x):", f" total = {float(model['base_scores'][0])!r}"]
    for tree in model["trees"]:
        nodes = {node["node_id"]: node for node in tree["nodes"]}
        lines += _lines(nodes[tree.get("root_id", 0)], nodes, 1)
    lines.append(" return total")
    names: dict[str, Any] = {}
    # Nothing but numbers came from the model: each was turned into an `int` or a `float` before it was written.
    exec(compile("\n".join(lines), "<trees>", "exec"), names)
    function: Callable[[Sequence[float]], float] = names["sum_of_trees"]
    return function


def _lines(node: dict[str, Any], nodes: dict[int, dict[str, Any]], depth: int) -> list[str]:
    """The code of one node: a split is an `if`, a leaf adds what it is worth."""
    margin = " " * depth
    if "leaf_value" in node:
        return [f"{margin}total += {float(node['leaf_value'])!r}"]
    if node.get("comparison_op") != "<=" or depth > DEEPEST:
        raise CannotCompile(f"a tree is deeper than {DEEPEST} levels, or asks something else than `<=`")
    return [
        f"{margin}if x[{int(node['split_feature_id'])}] <= {float(node['threshold'])!r}:",
        *_lines(nodes[node["left_child"]], nodes, depth + 1),
        f"{margin}else:",
        *_lines(nodes[node["right_child"]], nodes, depth + 1),
    ]
