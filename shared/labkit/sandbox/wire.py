"""Frames and values between the checker and the worker: JSON and Arrow, never pickle.

A frame is a JSON document followed by binary blobs. Values become JSON nodes; tables and arrays become blobs.
What has no data form stays where it is, and a node that names it travels instead (see `Codec.keep`).
"""

from __future__ import annotations

import datetime as dt
import json
import math
import struct
from collections.abc import Callable
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Protocol

from labkit.sandbox.budget import MAX_COST, Closed, WireError
from labkit.sandbox.columns import write_column
from labkit.sandbox.reading import Reader

if TYPE_CHECKING:
    import socket

    import numpy as np
    import pandas as pd

MAX_FRAME = 256 * 2**20
"""Largest frame in bytes: about seventy times the house sales."""

MAX_JSON = 32 * 2**20
"""Bytes of a frame's JSON. Tables, arrays and files travel beside it."""

MAX_MARKS = 5 * MAX_COST
"""Brackets and commas in it: each may become an object of some sixty bytes."""

MAX_BITS = 10_000
"""Longest whole number in bits: Python itself refuses to read much longer ones."""

ARRAY_KINDS = "biufcMm"

Node = Any

__all__ = ["MAX_FRAME", "Closed", "Codec", "Node", "SocketStream", "Stream", "WireError", "pack", "read_frame"]


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
    if text_size > MAX_JSON:
        raise WireError(f"an answer with {text_size / 2**20:,.0f} MB of JSON; at most {MAX_JSON // 2**20} MB")
    text = stream.recv_exactly(text_size)
    blobs = [stream.recv_exactly(size) for size in sizes]
    if sum(map(text.count, (b",", b"[", b"{"))) > MAX_MARKS:
        raise WireError(f"an answer of more than {MAX_COST:,} values")
    try:
        return json.loads(text.decode(), parse_constant=_refuse), blobs
    except (ValueError, RecursionError, MemoryError) as error:
        raise WireError(f"a frame that is not JSON: {error}") from None


def _refuse(name: str) -> Node:
    raise ValueError(f"{name} is no JSON")


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
            return Reader(blobs, self.find).value(node)
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
            blobs.append(bytes(value))
            return {"$": "bytes", "blob": len(blobs) - 1}
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
        node["parts"] = [write_column(column, blobs, lambda item: self._node(item, blobs)) for column in columns]
        return node
