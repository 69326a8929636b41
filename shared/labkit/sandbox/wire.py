"""Frames and values between the checker and the worker: JSON and Arrow, never pickle.

A frame is a JSON document followed by binary blobs. Values become JSON nodes; tables and arrays become blobs.
What has no data form stays where it is, and a node that names it travels instead (see `Codec.keep`).
"""

from __future__ import annotations

import base64
import datetime as dt
import json
import math
import struct
from collections.abc import Callable
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import socket

    import numpy as np
    import pandas as pd

MAX_FRAME = 256 * 2**20
"""Largest frame in bytes: about seventy times the house sales."""

MAX_BITS = 10_000
"""Longest whole number in bits: Python itself refuses to read much longer ones."""

ARRAY_KINDS = "biufcMm"
NULLABLE = ("Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64", "Float32", "Float64", "boolean")

Node = Any


class WireError(Exception):
    """A frame or a node that cannot be read."""


class Closed(WireError):
    """The other side has closed the connection."""


class Stream(Protocol):
    """What frames are read from: a socket, or something that watches a deadline around one."""

    def recv_exactly(self, size: int) -> bytes:
        """Read `size` bytes, or raise `Closed`."""
        ...


class SocketStream:
    """A blocking socket as a stream."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock

    def recv_exactly(self, size: int) -> bytes:
        """Read `size` bytes; raise `Closed` where the other side hangs up first."""
        parts = bytearray()
        while len(parts) < size:
            piece = self.sock.recv(min(size - len(parts), 2**20))
            if not piece:
                raise Closed("the connection was closed")
            parts += piece
        return bytes(parts)


def pack(document: Node, blobs: list[bytes] | None = None) -> bytes:
    """Return one frame: sizes, JSON, blobs."""
    blobs = blobs or []
    text = json.dumps(document, allow_nan=False, separators=(",", ":")).encode()
    head = struct.pack(f">II{len(blobs)}Q", len(text), len(blobs), *(len(blob) for blob in blobs))
    return b"".join([head, text, *blobs])


def read_frame(stream: Stream) -> tuple[Node, list[bytes]]:
    """Read one frame written by `pack`. Raises `WireError` for one that is too large or malformed."""
    text_size, count = struct.unpack(">II", stream.recv_exactly(8))
    if count > 10_000:
        raise WireError(f"a frame of {count} blobs")
    sizes = struct.unpack(f">{count}Q", stream.recv_exactly(8 * count)) if count else ()
    if text_size + sum(sizes) > MAX_FRAME:
        raise WireError(f"an answer of {(text_size + sum(sizes)) / 2**20:,.0f} MB; at most {MAX_FRAME // 2**20} MB")
    text = stream.recv_exactly(text_size)
    blobs = [stream.recv_exactly(size) for size in sizes]
    try:
        return json.loads(text), blobs
    except (ValueError, RecursionError) as error:
        raise WireError(f"a frame that is not JSON: {error}") from None


class Codec:
    """Turns values into nodes and back.

    Args:
        keep: called with a value that has no data form; returns the node that stands for it.
        find: called with such a node when it is read; returns the value it stands for.
    """

    def __init__(self, keep: Callable[[object], Node], find: Callable[[Node], object]) -> None:
        self.keep = keep
        self.find = find

    def encode(self, value: object) -> tuple[Node, list[bytes]]:
        """Return the node and the blobs of `value`."""
        blobs: list[bytes] = []
        return self._node(value, blobs), blobs

    def decode(self, node: Node, blobs: list[bytes]) -> Any:
        """Return the value of `node`. Raises `WireError` where it is malformed."""
        try:
            return self._value(node, blobs)
        except WireError:
            raise
        except Exception as error:
            raise WireError(f"a value that cannot be read ({type(error).__name__}: {error})"[:500]) from None

    def _node(self, value: object, blobs: list[bytes]) -> Node:
        kind = type(value)
        if value is None or kind is bool or (kind is int and value.bit_length() < MAX_BITS):  # type: ignore[attr-defined]
            return value
        if isinstance(value, str):
            return str.__str__(value).encode("utf-8", "surrogatepass").decode("utf-8", "replace")
        if kind is float:
            return value if math.isfinite(value) else {"$": "float", "v": repr(value)}  # type: ignore[arg-type]
        if isinstance(value, (list, tuple, set, frozenset)):
            name = next(base.__name__ for base in (list, tuple, set, frozenset) if isinstance(value, base))
            return {"$": name, "v": [self._node(item, blobs) for item in value]}
        if isinstance(value, dict):
            pairs = [[self._node(key, blobs), self._node(item, blobs)] for key, item in dict.items(value)]
            return {"$": "dict", "v": pairs}
        if isinstance(value, (bytes, bytearray)):
            return {"$": "bytes", "v": base64.b64encode(value).decode()}
        if isinstance(value, PurePath):
            return {"$": "path", "v": str(value)}
        return self._table_node(value, blobs)

    def _table_node(self, value: object, blobs: list[bytes]) -> Node:
        import numpy as np
        import pandas as pd

        if value is pd.NaT or value is pd.NA:
            return {"$": "NaT" if value is pd.NaT else "NA"}
        if isinstance(value, (pd.Timestamp, dt.datetime)):
            return {"$": "timestamp", "v": value.isoformat()}
        if isinstance(value, dt.date):
            return {"$": "date", "v": value.isoformat()}
        if isinstance(value, (pd.Timedelta, dt.timedelta)):
            return {"$": "timedelta", "v": pd.Timedelta(value).isoformat()}
        if isinstance(value, np.generic) and value.dtype.kind in "biufU":
            return {"$": "scalar", "dtype": value.dtype.str, "v": self._node(value.item(), blobs)}
        if isinstance(value, np.generic) and value.dtype.kind in "Mm":
            return self._array_node(np.asarray(value), blobs)
        if type(value) is np.ndarray or isinstance(value, np.ma.MaskedArray):
            return self._array_node(np.asarray(value), blobs)
        if isinstance(value, pd.DataFrame):
            return self._frame_node(value, blobs)
        if isinstance(value, pd.Series):
            return {
                "$": "series",
                "frame": self._frame_node(value.to_frame(), blobs),
                "name": self._node(value.name, blobs),
            }
        if isinstance(value, pd.Index):
            return {"$": "index", "frame": self._frame_node(pd.DataFrame(index=value), blobs)}
        return self.keep(value)

    def _array_node(self, array: np.ndarray, blobs: list[bytes]) -> Node:
        if array.dtype.kind in ARRAY_KINDS:
            blobs.append(array.tobytes())
            return {"$": "array", "dtype": array.dtype.str, "shape": list(array.shape), "blob": len(blobs) - 1}
        if array.dtype.kind in "UO":
            items = [self._node(item, blobs) for item in array.ravel().tolist()]
            return {"$": "objects", "dtype": array.dtype.kind, "shape": list(array.shape), "v": items}
        return self.keep(array)

    def _frame_node(self, frame: pd.DataFrame, blobs: list[bytes]) -> Node:
        import pandas as pd

        columns = [frame.iloc[:, place] for place in range(frame.shape[1])]
        node: dict[str, Node] = {
            "$": "frame",
            "rows": len(frame),
            "columns": [self._node(name, blobs) for name in frame.columns],
            "columns_name": self._node(frame.columns.name, blobs),
            "index_names": [self._node(name, blobs) for name in frame.index.names],
        }
        index = frame.index
        if isinstance(index, pd.RangeIndex):
            node["range"] = [index.start, index.stop, index.step]
        else:
            columns += [index.get_level_values(level).to_series() for level in range(index.nlevels)]
        node["parts"] = [self._column_node(column, blobs) for column in columns]
        return node

    def _column_node(self, column: pd.Series[Any], blobs: list[bytes]) -> Node:
        import pyarrow as pa

        try:
            array = pa.Array.from_pandas(column.reset_index(drop=True))
            table = pa.table([array], names=["v"])
        except (pa.ArrowException, TypeError, ValueError):
            return {"dtype": str(column.dtype), "v": [self._node(item, blobs) for item in column.tolist()]}
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
        blobs.append(sink.getvalue().to_pybytes())
        return {"dtype": str(column.dtype), "blob": len(blobs) - 1}

    def _value(self, node: Node, blobs: list[bytes]) -> Any:
        if node is None or isinstance(node, (bool, int, float, str)):
            return node
        if not isinstance(node, dict) or "$" not in node:
            raise WireError("a node of no known form")
        kind = node["$"]
        if kind == "float":
            return float(node["v"])
        if kind in ("list", "tuple", "set", "frozenset"):
            items = [self._value(item, blobs) for item in node["v"]]
            return {"list": list, "tuple": tuple, "set": set, "frozenset": frozenset}[kind](items)
        if kind == "dict":
            return {self._value(key, blobs): self._value(item, blobs) for key, item in node["v"]}
        if kind == "bytes":
            return base64.b64decode(node["v"])
        if kind == "path":
            return Path(node["v"])
        if kind in _TABLE_READERS:
            return _TABLE_READERS[kind](self, node, blobs)
        return self.find(node)

    def _read_frame(self, node: Node, blobs: list[bytes]) -> pd.DataFrame:
        import pandas as pd

        width = len(node["columns"])
        columns = [_read_column(self, part, blobs) for part in node["parts"][:width]]
        names = [self._value(name, blobs) for name in node["index_names"]]
        if "range" in node:
            start, stop, step = (int(bound) for bound in node["range"])
            index: pd.Index[Any] = pd.RangeIndex(start, stop, step, name=names[0])
        else:
            levels = [_read_column(self, part, blobs) for part in node["parts"][width:]]
            index = pd.Index(levels[0]) if len(levels) == 1 else pd.MultiIndex.from_arrays(levels)
            index.names = names
        if len(index) != node["rows"] or any(len(column) != node["rows"] for column in columns):
            raise WireError("a table whose columns differ in length")
        frame = (
            pd.concat([column.set_axis(index) for column in columns], axis=1) if columns else pd.DataFrame(index=index)
        )
        labels = [self._value(name, blobs) for name in node["columns"]]
        frame.columns = pd.Index(labels, name=self._value(node["columns_name"], blobs)) if labels else frame.columns
        return frame


def _read_column(codec: Codec, part: Node, blobs: list[bytes]) -> pd.Series[Any]:
    import pandas as pd
    import pyarrow as pa

    if "blob" not in part:
        return pd.Series([codec._value(item, blobs) for item in part["v"]], dtype=object)
    with pa.ipc.open_stream(blobs[part["blob"]]) as reader:
        table = reader.read_all()
    table.validate(full=True)
    column: pd.Series[Any] = table.column(0).to_pandas()
    if part["dtype"] == "object" or part["dtype"] in NULLABLE:
        column = column.astype(part["dtype"])
    return column


def _read_array(codec: Codec, node: Node, blobs: list[bytes]) -> Any:
    import numpy as np

    dtype = np.dtype(str(node["dtype"]))
    if dtype.kind not in ARRAY_KINDS:
        raise WireError(f"an array of `{dtype}`")
    array = np.frombuffer(blobs[node["blob"]], dtype=dtype).reshape([int(side) for side in node["shape"]]).copy()
    return array[()] if array.ndim == 0 else array


def _read_objects(codec: Codec, node: Node, blobs: list[bytes]) -> Any:
    import numpy as np

    items = [codec._value(item, blobs) for item in node["v"]]
    if node["dtype"] == "U":
        return np.array(items, dtype=str).reshape(node["shape"])
    array = np.empty(len(items), dtype=object)
    array[:] = items
    return array.reshape(node["shape"])


def _read_scalar(codec: Codec, node: Node, blobs: list[bytes]) -> Any:
    import numpy as np

    dtype = np.dtype(str(node["dtype"]))
    if dtype.kind not in "biufU":
        raise WireError(f"a scalar of `{dtype}`")
    return dtype.type(codec._value(node["v"], blobs))


def _read_series(codec: Codec, node: Node, blobs: list[bytes]) -> Any:
    series = codec._read_frame(node["frame"], blobs).iloc[:, 0]
    series.name = codec._value(node["name"], blobs)
    return series


def _read_time(codec: Codec, node: Node, blobs: list[bytes]) -> Any:
    import pandas as pd

    kind = node["$"]
    if kind in ("NaT", "NA"):
        return pd.NaT if kind == "NaT" else pd.NA
    if kind == "date":
        return dt.date.fromisoformat(node["v"])
    return pd.Timestamp(node["v"]) if kind == "timestamp" else pd.Timedelta(node["v"])


_TABLE_READERS: dict[str, Callable[[Codec, Node, list[bytes]], Any]] = {
    "array": _read_array,
    "objects": _read_objects,
    "scalar": _read_scalar,
    "frame": lambda codec, node, blobs: codec._read_frame(node, blobs),
    "series": _read_series,
    "index": lambda codec, node, blobs: codec._read_frame(node["frame"], blobs).index,
    **dict.fromkeys(("NaT", "NA", "timestamp", "timedelta", "date"), _read_time),
}
