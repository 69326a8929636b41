"""One column of a table as data: the plain buffers of an Arrow array, whose sizes are known before they are read.

Arrow's own messages are not used: they may hold compressed buffers, dictionaries and nested types, and are read by a
large parser. A column of another kind is put together from plain ones: categories, intervals, periods; else it is a
list of values.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from labkit.sandbox.budget import Budget, WireError, items, text, word

if TYPE_CHECKING:
    import pandas as pd

Node = Any
Write = Callable[[object], Node]
Read = Callable[[Node], object]

NULLABLE = ("Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64", "Float32", "Float64", "boolean")

_BITS = {
    "bool": 1, "int8": 8, "int16": 16, "int32": 32, "int64": 64, "uint8": 8, "uint16": 16, "uint32": 32, "uint64": 64,
    "halffloat": 16, "float": 32, "double": 64, "date32[day]": 32, "date64[ms]": 64, "time32[s]": 32, "time32[ms]": 32,
    "time64[us]": 64, "time64[ns]": 64, "timestamp": 64, "duration": 64, "decimal128": 128,
}  # fmt: skip
_TEXTS = {"string": 32, "large_string": 64, "binary": 32, "large_binary": 64}
_TIME = re.compile(r"(timestamp|duration)\[(s|ms|us|ns)(?:, tz=([\w/+:-]{1,64}))?\]")
_DECIMAL = re.compile(r"decimal128\((\d{1,2}), (-?\d{1,2})\)")


def write_column(column: pd.Series[Any], blobs: list[bytes], write: Write) -> Node:
    """Return the node of a column, its buffers appended to `blobs`; `write` turns a single value into a node."""
    import pandas as pd

    values = column.array
    if isinstance(values, pd.Categorical):
        codes = write_column(pd.Series(values.codes), blobs, write)
        categories = write_column(pd.Series(values.categories), blobs, write)
        return {"codes": codes, "categories": categories, "ordered": bool(values.ordered)}
    if isinstance(values, pd.arrays.IntervalArray):
        sides = [write_column(pd.Series(side), blobs, write) for side in (values.left, values.right)]
        return {"sides": sides, "closed": values.closed}
    if isinstance(values, pd.arrays.PeriodArray):
        ordinals: Any = values.asi8  # type: ignore[attr-defined]
        return {"ordinals": write_column(pd.Series(ordinals), blobs, write), "freq": values.freqstr}
    if (plain := _buffers(column, blobs)) is not None:
        return {"dtype": str(column.dtype), **plain}
    return {"v": [write(item) for item in column.tolist()]}


def _buffers(column: pd.Series[Any], blobs: list[bytes]) -> Node | None:
    """Return the node of a column that is a plain Arrow array; None where it is none."""
    import pyarrow as pa

    try:
        found = pa.Array.from_pandas(column.reset_index(drop=True))
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        return None
    name = str(found.type)
    if _form(name) is None or (found.null_count and column.dtype == object and "int" in name):
        return None  # whole numbers beside None would come back as floats
    chunks = found.chunks if isinstance(found, pa.ChunkedArray) else [found]
    # An empty array beside it: so the buffers are copies, without what a slice does not show.
    array = pa.concat_arrays([*chunks, pa.array([], type=found.type)])
    node: dict[str, Node] = {"type": name, "rows": len(array), "buffers": []}
    for buffer in array.buffers() if len(array) else []:
        node["buffers"].append(None if buffer is None else len(blobs))
        if buffer is not None:
            blobs.append(buffer.to_pybytes())
    return node


def _form(name: str) -> tuple[int, bool] | None:
    """Return the bits of a row in the buffer before the last, or the only one, and whether texts follow."""
    if name in _TEXTS:
        return _TEXTS[name], True
    plain = name.partition("[")[0] if _TIME.fullmatch(name) else "decimal128" if _DECIMAL.fullmatch(name) else name
    return (_BITS[plain], False) if plain in _BITS else None


def read_column(part: Node, budget: Budget, read: Read) -> pd.Series[Any]:
    """Return the column of a node; `read` turns the node of a single value into that value."""
    import pandas as pd

    if not isinstance(part, dict):
        raise WireError("a column of no known form")
    budget.enter()
    try:
        if "codes" in part:
            return pd.Series(_categorical(part, budget, read))
        if "sides" in part:
            left, right = (read_column(side, budget, read) for side in items(part["sides"]))
            return pd.Series(pd.arrays.IntervalArray.from_arrays(left, right, closed=word(part["closed"])))  # type: ignore[arg-type]
        if "ordinals" in part:
            ordinals = read_column(part["ordinals"], budget, read).to_numpy("int64")
            periods: Any = pd.PeriodIndex
            return pd.Series(periods.from_ordinals(ordinals, freq=word(part["freq"])))
        if "buffers" in part:
            return _plain(part, budget)
        return pd.Series([read(item) for item in items(part["v"])], dtype=object)
    finally:
        budget.depth -= 1


def _categorical(part: Node, budget: Budget, read: Read) -> pd.Categorical:
    import pandas as pd

    codes = read_column(part["codes"], budget, read).to_numpy("int64")
    categories = pd.Index(read_column(part["categories"], budget, read))
    return pd.Categorical.from_codes(codes, categories, ordered=bool(part["ordered"]))


def _plain(part: Node, budget: Budget) -> pd.Series[Any]:
    import pyarrow as pa

    name, dtype = word(part["type"]), text(part["dtype"])
    form = _form(name)
    if form is None:
        raise WireError(f"a column of `{name[:40]}`")
    rows = budget.column(part["rows"])
    blobs = [None if place is None else budget.blob(place) for place in items(part["buffers"])]
    if rows:
        _require_length(rows, blobs, *form)
        buffers = [None if blob is None else pa.py_buffer(blob) for blob in blobs]
        array = pa.Array.from_buffers(_type(name), rows, buffers)
    else:
        array = pa.array([], type=_type(name))
    array.validate(full=True)
    column: pd.Series[Any] = array.to_pandas()
    return column.astype(dtype) if dtype == "object" or dtype in NULLABLE else column  # type: ignore[call-overload]


def _require_length(rows: int, blobs: list[bytes | None], bits: int, texts: bool) -> None:
    """Refuse buffers that are shorter than the rows demand: Arrow would read beyond them."""
    if len(blobs) != (3 if texts else 2):
        raise WireError("a column with a wrong number of buffers")
    needed = [rows, (rows + 1) * bits, 0] if texts else [rows, rows * bits]
    for place, (blob, least) in enumerate(zip(blobs, needed, strict=True)):
        if blob is None and place == 1:
            raise WireError("a column without its values")
        if blob is not None and len(blob) < (least + 7) // 8:
            raise WireError(f"a column of {rows:,} rows in {len(blob):,} bytes")


def _type(name: str) -> Any:
    import pyarrow as pa

    if time := _TIME.fullmatch(name):
        return pa.timestamp(time[2], time[3]) if time[1] == "timestamp" else pa.duration(time[2])
    if decimal := _DECIMAL.fullmatch(name):
        return pa.decimal128(int(decimal[1]), int(decimal[2]))
    return pa.type_for_alias(name)
