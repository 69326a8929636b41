"""What one answer may cost is known before it is decoded: each of these is refused at once, and in words."""

from __future__ import annotations

import random
import time
import tracemalloc
from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np
import pandas as pd
import pytest

from labkit.sandbox.budget import MAX_CELLS, MAX_COST, MAX_DEPTH, MAX_SIDE
from labkit.sandbox.wire import MAX_JSON, Codec, WireError, pack, read_frame


def refuse(value: object) -> Any:
    raise WireError(f"nothing of this kind: {value!r:.40}")


CODEC = Codec(refuse, refuse)
PRIME = 2**61 - 1
"""Python's whole numbers that differ by a multiple of it have one hash."""


def frame(rows: int, *parts: Any, **more: Any) -> dict[str, Any]:
    node = {"$": "frame", "rows": rows, "columns": ["a"] * len(parts), "columns_name": None, "index_names": [None]}
    return {**node, "range": [0, rows, 1], "parts": list(parts), **more}


def column(kind: str, rows: int, *buffers: int | None) -> dict[str, Any]:
    return {"dtype": "int64", "type": kind, "rows": rows, "buffers": list(buffers)}


def nested(depth: int) -> Any:
    node: Any = 1
    for _ in range(depth):
        node = {"$": "list", "v": [node]}
    return node


def numbers(of: Callable[[int], Any], count: int) -> list[Any]:
    return [of(number) for number in range(count)]


EXPENSIVE: dict[str, tuple[Any, list[bytes], str]] = {
    "a column of nothing but nulls": (frame(9, column("null", 10**8, None)), [], "column of `null`"),
    "fewer bytes than rows": (frame(10**6, column("int64", 10**6, None, 0)), [b"\0" * 800], "1,000,000 rows in 800"),
    "fewer offsets than rows": (
        frame(10**6, column("large_string", 10**6, None, 0, 1)), [b"\0" * 800, b""], "1,000,000 rows in 800"
    ),
    "fewer marks of validity": (frame(800, column("int8", 800, 0, 1)), [b"\0", b"\0" * 800], "800 rows in 1 bytes"),
    "a type that is never sent": (frame(1, column("list<item: int64>", 1, None, 0)), [b"\0" * 800], "column of `list"),
    "a decimal of a million digits": (frame(1, column("decimal128(999999, 2)", 1, None, 0)), [b"\0" * 16], "decimal"),
    "offsets that point outside": (
        frame(1, column("large_string", 1, None, 0, 1)), [b"\0" * 8 + b"\xff" * 7 + b"\0", b""], "cannot be read"
    ),
    "rows without columns": (frame(10**12), [], f"at most {MAX_SIDE:,}"),
    "more cells than a table may have": (
        frame(MAX_SIDE, *[column("bool", MAX_SIDE, None, place) for place in range(3)]),
        [b"\0" * (MAX_SIDE // 8 + 1)] * 3, f"{MAX_CELLS:,} cells",
    ),
    "three thousand columns": (frame(0, *[{"v": []}] * 3000), [], "3,000 columns"),
    "ten thousand tables": ({"$": "list", "v": [frame(0)] * 10_001}, [], f"{MAX_COST:,} values"),
    "an array as long as nothing is": (
        {"$": "array", "dtype": "f8", "shape": [10**12, 0], "blob": 0}, [b""], f"at most {MAX_SIDE:,}"
    ),
    "one text of many that is long": (
        {"$": "objects", "dtype": "U", "shape": [20_000], "v": ["x" * 100_000, *["y"] * 19_999]}, [], "7,629 MB"
    ),
    "an array of texts as bytes": ({"$": "array", "dtype": "U9999999", "shape": [0], "blob": 0}, [b""], "U9999999"),
    "one blob a thousand times": (
        {"$": "list", "v": [{"$": "array", "dtype": "i1", "shape": [10**6], "blob": 0}] * 900}, [b"\0" * 10**6], "blob"
    ),
    "a set of one hash": (
        {"$": "set", "v": numbers(lambda number: {"$": "tuple", "v": [number * PRIME]}, 900)}, [], "900 members share"
    ),
    "a dict of one hash": (
        {"$": "dict", "v": numbers(lambda number: [number * PRIME, 0], 900)}, [], "900 members share one hash"
    ),
    "numbers of one hash": ({"$": "list", "v": numbers(lambda number: number * PRIME, 40_000)}, [], "beyond 64 bits"),
    "more values than anybody needs": ({"$": "list", "v": [0] * (MAX_COST + 1)}, [], f"{MAX_COST:,} values"),
    "lists within lists": (nested(MAX_DEPTH + 1), [], f"more than {MAX_DEPTH} deep"),
    "categories of categories": (
        frame(1, reduce(lambda part, _: {"codes": part}, range(500), {"v": [0]})), [], "deep"
    ),
    "a time of a megabyte": ({"$": "timestamp", "v": "1" * 10**6}, [], "1,000,000 characters"),
    "half a character": ("\ud800", [], "surrogate"),
}  # fmt: skip


@pytest.mark.parametrize("name", EXPENSIVE)
def test_what_is_too_expensive_is_refused_before_it_is_made(name: str) -> None:
    node, blobs, said = EXPENSIVE[name]
    pd.DataFrame({"a": ["x"]})  # what is imported once is not counted
    tracemalloc.start()
    started = time.process_time()
    try:
        with pytest.raises(WireError, match=r"^(?!.*MemoryError)") as caught:
            CODEC.decode(node, blobs)
        assert tracemalloc.get_traced_memory()[1] < 200 * 2**20
    finally:
        tracemalloc.stop()
    assert said in str(caught.value)
    assert time.process_time() - started < 10


class Bytes:
    """Bytes as a stream, which count how many were asked for."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def recv_exactly(self, size: int) -> bytes:
        piece, self.data = self.data[:size], self.data[size:]
        assert len(piece) == size
        return piece


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"[" + b"[]," * 10_000_000 + b"0]", "values"),
        (b" " * (MAX_JSON + 1), "MB of JSON"),
        (b'{"value": NaN}', "NaN"),
        (b'{"value": "\xff"}', "not JSON"),
        (b"9" * 100_000, "not JSON"),
    ],
)
def test_a_frame_is_bounded_before_it_is_parsed(text: bytes, said: str) -> None:
    head = len(text).to_bytes(4, "big") + bytes(4)
    with pytest.raises(WireError, match=said):
        read_frame(Bytes(head + text))


RICH = [
    pd.Series(pd.period_range("2015-01", periods=5, freq="M")),
    pd.Series(pd.PeriodIndex(["2015-01", None], freq="Q")),
    pd.Series(pd.cut([1.0, 2.0, 3.0], 2)),
    pd.Series(pd.interval_range(0, 4)),
    pd.Series(["a", None, "b"], dtype="category"),
    pd.Series([3, 1, 3], dtype="category"),
    pd.Series([b"ab", None]),
    pd.Series([None, None]),
    pd.Series([[1, 2], []]),
    pd.Series(pd.to_timedelta([1, None], unit="h")),
    pd.Series([str(number) for number in range(500)]).iloc[100:103].reset_index(drop=True),
    pd.Series([True, None, False], dtype="boolean"),
    pd.Series([2**62, None], dtype="object"),
]


@pytest.mark.parametrize("series", RICH, ids=range(len(RICH)))
def test_what_pandas_gives_arrives_as_it_was(series: pd.Series) -> None:
    back = CODEC.decode(*CODEC.encode(series))
    pd.testing.assert_series_equal(back, series, check_index_type=False)
    pd.testing.assert_series_equal(
        CODEC.decode(*CODEC.encode(series.iloc[:0])), series.iloc[:0], check_index_type=False
    )


def test_a_slice_takes_no_more_along_than_it_shows() -> None:
    long = pd.Series(["a secret that is long"] * 10_000)
    _, blobs = CODEC.encode(long.iloc[5:7])
    assert sum(map(len, blobs)) < 1_000


def test_the_house_sales_twice_over_are_far_below_the_bounds() -> None:
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(43_000, 21))).assign(name="a name", day=pd.Timestamp("2015-01-01"))
    back = CODEC.decode(
        *CODEC.encode({"table": table, "list": list(range(100_000)), "texts": np.array(["ab"] * 9_000)})
    )
    assert back["table"].shape == table.shape


VALUES: list[Any] = [
    {"a": [1, 2.5, None, "x", (True,)], 3: {1, 2}},
    pd.DataFrame({"a": [1, 2], "b": ["x", None], "c": pd.Categorical(["u", "v"])}, index=pd.Index(["p", "q"])),
    [np.arange(4.0).reshape(2, 2), np.array(["a", "bc"]), np.float64(2), b"abc", pd.Timestamp("2015"), pd.NaT],
]
ODD: list[Any] = [
    None,
    True,
    -1,
    0,
    1,
    2**70,
    1e300,
    "",
    "\ud800",
    "x" * 9_000,
    [],
    [[]],
    {},
    {"$": "list"},
    [None] * 3,
]
ODD += [
    {"$": "frame"},
    {"$": "dict", "v": [[]]},
    {"$": []},
    {"$": "array", "dtype": "V8", "shape": 3},
    "U9",
    "f8",
    "M8[x]",
]


def mutate(node: Any, rng: random.Random) -> Any:
    """Return a node of which some part is another."""
    if rng.random() < 0.08:
        return rng.choice(ODD)
    if isinstance(node, dict):
        changed = {key: mutate(item, rng) for key, item in node.items() if rng.random() > 0.02}
        return changed | (
            {rng.choice(["$", "v", "blob", "type", "rows"]): rng.choice(ODD)} if rng.random() < 0.05 else {}
        )
    return [mutate(item, rng) for item in node] if isinstance(node, list) else node


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seed", range(3))
def test_a_mutated_answer_is_a_value_or_cannot_be_read(seed: int) -> None:
    rng = random.Random(seed)
    refused, deadline = 0, time.monotonic() + 20
    for _ in range(1_500):
        node, blobs = CODEC.encode(rng.choice(VALUES))
        blobs = [blob if rng.random() > 0.1 else rng.randbytes(rng.randrange(40)) for blob in blobs]
        try:
            CODEC.decode(mutate(node, rng), blobs)
        except WireError:
            refused += 1
    assert refused > 500
    assert time.monotonic() < deadline


def test_a_whole_frame_survives_the_way() -> None:
    node, blobs = CODEC.encode(VALUES[1])
    assert read_frame(Bytes(pack(node, blobs))) == (node, blobs)
