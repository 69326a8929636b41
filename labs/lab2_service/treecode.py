"""The trees of treelite once more, in two forms that answer sooner: as Python code for one row, as masks for many.

For one row the call into a library is what costs: it takes longer than walking down all the trees. For many rows NumPy
can ask all the trees about a column at once.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

DEEPEST = 90  # Python allows 100 levels of indentation


class CannotCompile(ValueError):
    """A model that cannot be compiled; the message says which part."""


def as_function(trees: Any) -> Callable[[Sequence[float]], float]:
    """Return a function of one row that sums up the trees of a treelite model. A row holds no NaN.

    Raises CannotCompile where a tree asks other questions than `value <= threshold`, or is very deep.
    """
    base, roots = _read(trees)
    lines = ["def sum_of_trees(x):", f" total = {base!r}"]
    for root in roots:
        lines += _lines(root, 1)
    lines.append(" return total")
    names: dict[str, Any] = {}
    # Nothing but numbers came from the model: each was turned into an `int` or a `float` before it was written.
    exec(compile("\n".join(lines), "<trees>", "exec"), names)
    function: Callable[[Sequence[float]], float] = names["sum_of_trees"]
    return function


def _read(trees: Any) -> tuple[float, list[dict[str, Any]]]:
    """The sum that all rows start from, and the root of each tree. A split has its children as `yes` and `no`."""
    model = json.loads(trees.dump_as_json())
    roots = []
    for tree in model["trees"]:
        nodes = {node["node_id"]: node for node in tree["nodes"]}
        for node in nodes.values():
            if "leaf_value" in node:
                continue
            if node.get("comparison_op") != "<=":
                raise CannotCompile("a tree asks something else than `<=`")
            node["yes"], node["no"] = nodes[node["left_child"]], nodes[node["right_child"]]
        roots.append(nodes[tree.get("root_id", 0)])
    return float(model["base_scores"][0]), roots


def _lines(node: dict[str, Any], depth: int) -> list[str]:
    """The code of one node: a split is an `if`, a leaf adds what it is worth."""
    margin = " " * depth
    if "leaf_value" in node:
        return [f"{margin}total += {float(node['leaf_value'])!r}"]
    if depth > DEEPEST:
        raise CannotCompile(f"a tree is deeper than {DEEPEST} levels")
    return [
        f"{margin}if x[{int(node['split_feature_id'])}] <= {float(node['threshold'])!r}:",
        *_lines(node["yes"], depth + 1),
        f"{margin}else:",
        *_lines(node["no"], depth + 1),
    ]


def as_table_function(trees: Any) -> Callable[[np.ndarray], np.ndarray]:
    """Return a function of a table (a row per house, `float64`, no NaN) that sums up the trees for each row.

    Each leaf of a tree is a bit. A row starts with all bits set, and each question that it answers with "no" clears the
    leaves below "yes". What all the questions about one column clear at a value is put together here, once, for all the
    trees: so a row costs one look-up per column. The lowest bit that is left is the leaf where the row ends.

    Source: QuickScorer (Lucchese et al., SIGIR 2015). Where a tree has more than 64 leaves, treelite answers. Raises
    CannotCompile where a tree asks other questions than `value <= threshold`.
    """
    import numpy as np
    import treelite

    base, roots = _read(trees)
    # Column → threshold, number of the tree, leaves below "yes".
    questions: dict[int, list[tuple[float, int, int]]] = defaultdict(list)
    leaves = [_number_leaves(root, place, questions) for place, root in enumerate(roots)]
    most = max(map(len, leaves))
    if most > 64:
        return lambda table: treelite.gtil.predict(trees, table, nthread=1).reshape(-1)
    kind = np.dtype(f"uint{next(bits for bits in (8, 16, 32, 64) if most <= bits)}").type
    everything = kind(np.iinfo(kind).max)
    worth = np.array([[*values, *[0.0] * (most - len(values))] for values in leaves])
    columns = {}
    for column, asked in questions.items():
        thresholds = np.unique([threshold for threshold, _, _ in asked])
        left = np.full((len(thresholds) + 1, len(leaves)), everything)
        for threshold, place, yes in asked:
            # A value above this many thresholds has a "no" here.
            left[np.searchsorted(thresholds, threshold) + 1 :, place] &= everything ^ kind(yes)
        columns[column] = thresholds, left

    def sum_of_trees(table: np.ndarray) -> np.ndarray:
        possible = np.full((len(table), len(leaves)), everything)
        for column, (thresholds, left) in columns.items():
            possible &= left[np.searchsorted(thresholds, table[:, column])]
        lowest = np.bitwise_count((possible & (~possible + kind(1))) - kind(1))
        total: np.ndarray = base + worth[np.arange(len(leaves)), lowest].sum(axis=1)
        return total

    return sum_of_trees


def _number_leaves(root: dict[str, Any], place: int, questions: dict[int, list[tuple[float, int, int]]]) -> list[float]:
    """Add the questions of one tree, and return what its leaves are worth, from left ("yes") to right ("no")."""
    worth: list[float] = []

    def walk(node: dict[str, Any]) -> int:
        if "leaf_value" in node:
            worth.append(float(node["leaf_value"]))
            return 1 << len(worth) - 1
        yes = walk(node["yes"])
        questions[int(node["split_feature_id"])].append((float(node["threshold"]), place, yes))
        return yes | walk(node["no"])

    walk(root)
    return worth
