"""Values survive the way to the worker and back; what is malformed raises `WireError` and nothing else."""

from __future__ import annotations

import datetime as dt
import json
import socket
import struct
from pathlib import PurePath
from typing import Any

import numpy as np
import pandas as pd
import pytest

from labkit.sandbox.wire import MAX_FRAME, Closed, Codec, SocketStream, WireError, pack, read_frame


def refuse(value: object) -> Any:
    raise TypeError(f"no data form: {value!r}")


CODEC = Codec(refuse, refuse)


def there_and_back(value: object) -> Any:
    node, blobs = CODEC.encode(value)
    one, other = socket.socketpair()
    with one, other:
        one.settimeout(10)
        other.settimeout(10)
        data = pack(node, blobs)
        assert len(data) < 100_000, "fits into the socket's buffer"
        one.sendall(data)
        return CODEC.decode(*read_frame(SocketStream(other)))


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        False,
        0,
        -(10**30),
        1.5,
        float("inf"),
        "",
        "한국어 \x00 ok",
        b"\xff\x00",
        [],
        (),
        {},
        [1, [2, (3,)]],
        {"a": 1, 2: [None], (3, "b"): {}},
        {1},
        frozenset("a"),
        PurePath("a/b"),
        dt.date(2015, 1, 2),
        pd.Timestamp("2015-01-02 03:04:05.000001"),
        pd.Timestamp("2015-01-02", tz="Asia/Seoul"),
        pd.Timedelta("2 days 3 us"),
    ],
    ids=repr,
)
def test_plain_values(value: object) -> None:
    back = there_and_back(value)
    assert back == value
    assert type(back) is type(value) or isinstance(value, (PurePath, frozenset))


def test_not_a_number_and_not_a_time() -> None:
    assert np.isnan(there_and_back(float("nan")))
    assert there_and_back(pd.NaT) is pd.NaT
    assert there_and_back(pd.NA) is pd.NA


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6).reshape(2, 3),
        np.array([]),
        np.array([1.5, np.nan]),
        np.array([True, False]),
        np.array(["a", "bc"]),
        np.array([1, "a", None], dtype=object),
        np.array(["2015-01-01"], dtype="datetime64[D]"),
        np.zeros((0, 4)),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.arange(10)[::2],
    ],
    ids=lambda array: f"{array.dtype}-{array.shape}",
)
def test_arrays(array: np.ndarray) -> None:
    back = there_and_back(array)
    assert back.dtype == array.dtype
    np.testing.assert_array_equal(back, array)


@pytest.mark.parametrize("scalar", [np.float64(1.5), np.int32(3), np.bool_(True), np.str_("a")])
def test_numpy_scalars(scalar: Any) -> None:
    assert there_and_back(scalar) == scalar


FRAMES = [
    pd.DataFrame(
        {"a": [1, 2], "b": [1.5, np.nan], "c": ["x", None], "d": pd.to_datetime(["2015-01-01", "2016-01-01"])}
    ),
    pd.DataFrame({"a": [1, 2]}, index=[5, 3]),
    pd.DataFrame({"a": [1, 2]}, index=pd.Index(["x", "y"], name="who")),
    pd.DataFrame({"a": [1, 2]}, index=pd.MultiIndex.from_tuples([(1, "x"), (2, "y")], names=["n", None])),
    pd.DataFrame([[1, 2]], columns=["a", "a"]),
    pd.DataFrame([[1, 2]], columns=pd.Index([0, "b"], name="what")),
    pd.DataFrame({"a": pd.Categorical(["x", "y", "x"])}),
    pd.DataFrame({"a": pd.array([1, None], dtype="Int64"), "b": pd.array([True, None], dtype="boolean")}),
    pd.DataFrame({"a": pd.Series([1, "x", None, 2.5], dtype=object)}),
    pd.DataFrame({"a": pd.date_range("2015", periods=2, tz="UTC")}),
    pd.DataFrame(index=range(3)),
    pd.DataFrame(),
    pd.DataFrame({"a": np.array([1, 2], dtype="float32"), "b": np.array([1, 2], dtype="uint8")}),
]


@pytest.mark.parametrize("frame", FRAMES, ids=range(len(FRAMES)))
def test_frames(frame: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(
        there_and_back(frame), frame, check_freq=False, check_column_type=len(frame.columns) > 0
    )


def test_series_and_index() -> None:
    series = pd.Series([1, 2, 3], index=list("abc"), name="n")
    pd.testing.assert_series_equal(there_and_back(series), series)
    nameless = pd.Series(["x", "y"])
    pd.testing.assert_series_equal(there_and_back(nameless), nameless)
    index = pd.Index([1, 5], name="k")
    pd.testing.assert_index_equal(there_and_back(index), index)


def test_subclasses_become_plain_data() -> None:
    class Number(float):
        def __eq__(self, other: object) -> bool:
            return True

        __hash__ = float.__hash__

    class Text(str):
        def __eq__(self, other: object) -> bool:
            return True

        __hash__ = str.__hash__

    assert type(there_and_back(Text("a"))) is str
    with pytest.raises(TypeError, match="no data form"):
        there_and_back(Number(1.5))


def test_what_has_no_data_form_is_kept() -> None:
    kept: list[object] = []
    codec = Codec(lambda value: kept.append(value) or {"$": "handle", "id": 0}, lambda node: ("found", node["id"]))
    node, blobs = codec.encode([object])
    assert kept == [object]
    assert codec.decode(node, blobs) == [("found", 0)]


FRAME_NODE: dict[str, Any] = {"$": "frame", "rows": 1, "columns": [], "columns_name": None}
FRAME_NODE |= {"index_names": [None], "range": [0, 1, 1], "parts": []}


@pytest.mark.parametrize(
    "node",
    [
        {"v": 1},
        [1],
        {"$": "list"},
        {"$": "list", "v": 3},
        {"$": "float", "v": "x"},
        {"$": "array", "dtype": "O", "shape": [1], "blob": 0},
        {"$": "array", "dtype": "f8", "shape": [1], "blob": 7},
        {"$": "array", "dtype": "f8", "shape": [3], "blob": 0},
        FRAME_NODE | {"columns": ["a"], "parts": [{"blob": 0}]},
        FRAME_NODE | {"range": [0, 9, 1]},
        {"$": "timestamp", "v": "yesterday"},
        {"$": "dict", "v": [[{"$": "list", "v": []}, 1]]},
        {"$": "handle"},
        {"$": "scalar", "dtype": "O", "v": 1},
    ],
    ids=lambda node: json.dumps(node)[:60],
)
def test_malformed_nodes(node: Any) -> None:
    with pytest.raises(WireError):
        CODEC.decode(node, [b"\x00" * 8])


def read(data: bytes) -> Any:
    one, other = socket.socketpair()
    with one, other:
        one.sendall(data)
        one.shutdown(socket.SHUT_WR)
        return read_frame(SocketStream(other))


def test_malformed_frames() -> None:
    with pytest.raises(Closed):
        read(b"")
    with pytest.raises(Closed):
        read(struct.pack(">II", 10, 0) + b"{}")
    with pytest.raises(WireError, match="JSON"):
        read(struct.pack(">II", 3, 0) + b"{x}")
    with pytest.raises(WireError, match="JSON"):
        read(struct.pack(">II", 60_000, 0) + b"[" * 60_000)
    with pytest.raises(WireError, match="MB"):
        read(struct.pack(">IIQ", 3, 1, MAX_FRAME))
    with pytest.raises(WireError, match="blobs"):
        read(struct.pack(">II", 3, 2**31))
