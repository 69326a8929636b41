"""From nodes back to values, within a budget: whatever the other side has sent, it is a value or a `WireError`."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labkit.sandbox.budget import (
    MAX_SIDE,
    MAX_TEXTS,
    Budget,
    WireError,
    items,
    require_spread,
    text,
    whole,
    word,
)
from labkit.sandbox.columns import read_column

if TYPE_CHECKING:
    import pandas as pd

Node = Any

_DTYPE = re.compile(r"[<>|=]?[biufcMm]\d{1,2}(\[\d{0,6}(?:as|fs|ps|ns|us|ms|s|m|h|D|W|M|Y|generic)\])?|[<>|=]?[Mm]8")


class Reader:
    """Reads the nodes of one answer.

    Args:
        find: called with a node of another kind; returns the value it stands for.
    """

    def __init__(self, blobs: Sequence[bytes], find: Callable[[Node], object]) -> None:
        self.budget = Budget(blobs)
        self._find = find

    def value(self, node: Node) -> Any:
        """Return the value of a node."""
        self.budget.spend(1)
        if node is None or isinstance(node, (bool, float)):
            return node
        if isinstance(node, int):
            return self.budget.number(node)
        if isinstance(node, str):
            return text(node)
        if not isinstance(node, dict) or not isinstance(kind := node.get("$"), str):
            raise WireError("a node of no known form")
        self.budget.enter()
        try:
            reader = _READERS.get(kind)
            return self._find(node) if reader is None else reader(self, node)
        finally:
            self.budget.depth -= 1

    def values(self, nodes: object) -> list[Any]:
        """Return the values of a list of nodes."""
        return [self.value(node) for node in items(nodes)]


def _read_items(reader: Reader, node: Node) -> Any:
    found = reader.values(node["v"])
    if node["$"] in ("set", "frozenset"):
        require_spread(found)
    return {"list": list, "tuple": tuple, "set": set, "frozenset": frozenset}[node["$"]](found)


def _read_dict(reader: Reader, node: Node) -> dict[Any, Any]:
    pairs = [(reader.value(key), reader.value(item)) for key, item in map(items, items(node["v"]))]
    require_spread(key for key, _ in pairs)
    return dict(pairs)


def _read_frame(reader: Reader, node: Node) -> pd.DataFrame:
    import pandas as pd

    width, parts = len(items(node["columns"])), items(node["parts"])
    rows = reader.budget.table(node["rows"], len(parts))
    columns = [read_column(part, reader.budget, reader.value) for part in parts[:width]]
    names = reader.values(node["index_names"])
    if "range" in node:
        start, stop, step = items(node["range"])
        if not all(type(bound) is int and abs(bound) < 2**62 for bound in (start, stop, step)):
            raise WireError("an index that is no range of whole numbers")
        index: pd.Index[Any] = pd.RangeIndex(start, stop, step, name=names[0])  # type: ignore[arg-type]
    else:
        levels = [read_column(part, reader.budget, reader.value) for part in parts[width:]]
        index = pd.Index(levels[0]) if len(levels) == 1 else pd.MultiIndex.from_arrays(levels)
        index.names = names
    if len(columns) != width or len(index) != rows or any(len(column) != rows for column in columns):
        raise WireError("a table whose columns differ in length")
    frame = pd.concat([column.set_axis(index) for column in columns], axis=1) if columns else pd.DataFrame(index=index)
    labels = reader.values(node["columns"])
    frame.columns = pd.Index(labels, name=reader.value(node["columns_name"])) if labels else frame.columns
    return frame


def _read_series(reader: Reader, node: Node) -> Any:
    series = _read_frame(reader, node["frame"]).iloc[:, 0]
    series.name = reader.value(node["name"])
    return series


def _sides(node: Node) -> list[int]:
    return [whole(side, "the side of an array", MAX_SIDE) for side in items(node["shape"])]


def _dtype(node: Node, more: str = "") -> Any:
    import numpy as np

    name = word(node["dtype"])
    if not _DTYPE.fullmatch(name) and not (more and re.fullmatch(more, name)):
        raise WireError(f"an array or a scalar of `{name[:40]}`")
    return np.dtype(name)


def _read_array(reader: Reader, node: Node) -> Any:
    import numpy as np

    reader.budget.spend(20)
    sides, dtype, blob = _sides(node), _dtype(node), reader.budget.blob(node["blob"])
    array = np.frombuffer(blob, dtype=dtype).reshape(sides).copy()
    return array[()] if array.ndim == 0 else array


def _read_objects(reader: Reader, node: Node) -> Any:
    import numpy as np

    reader.budget.spend(20)
    found, sides = reader.values(node["v"]), _sides(node)
    if node["dtype"] == "U":
        size = 4 * len(found) * max((len(text(item)) for item in found), default=0)
        if size > MAX_TEXTS:
            raise WireError(f"an array of texts of {size / 2**20:,.0f} MB; at most {MAX_TEXTS // 2**20} MB")
        return np.array(found, dtype=str).reshape(sides)
    array = np.empty(len(found), dtype=object)
    array[:] = found
    return array.reshape(sides)


def _read_scalar(reader: Reader, node: Node) -> Any:
    return _dtype(node, r"[<>|=]?U\d{1,9}").type(reader.value(node["v"]))


def _read_time(reader: Reader, node: Node) -> Any:
    import pandas as pd

    reader.budget.spend(20)
    kind = node["$"]
    if kind in ("NaT", "NA"):
        return pd.NaT if kind == "NaT" else pd.NA
    if len(written := word(node["v"])) > 100:
        raise WireError("a time of more than 100 characters")
    if kind == "date":
        return dt.date.fromisoformat(written)
    return pd.Timestamp(written) if kind == "timestamp" else pd.Timedelta(written)


_READERS: dict[str, Callable[[Reader, Node], Any]] = {
    **dict.fromkeys(("list", "tuple", "set", "frozenset"), _read_items),
    "dict": _read_dict,
    "float": lambda reader, node: float(word(node["v"])),
    "bytes": lambda reader, node: bytes(reader.budget.blob(node["blob"])),
    "path": lambda reader, node: Path(word(node["v"])),
    "array": _read_array,
    "objects": _read_objects,
    "scalar": _read_scalar,
    "frame": _read_frame,
    "series": _read_series,
    "index": lambda reader, node: _read_frame(reader, node["frame"]).index,
    **dict.fromkeys(("NaT", "NA", "timestamp", "timedelta", "date"), _read_time),
}
