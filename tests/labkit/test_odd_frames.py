"""A worker that sends what no worker sends: each such frame fails its check, and none is an error of the engine."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.labkit import toy

from labkit.course.catalog import load_catalog
from labkit.course.tracks import resolve_track
from labkit.engine.client import Engine

SENDS = """
import gc, json, struct
from labkit.sandbox.worker import Executor
channel = next(o for o in gc.get_objects() if isinstance(o, Executor)).channel
text = {text!r}
channel.sendall(struct.pack(">II", len(text), 0) + text)
import time; time.sleep(60)
"""

ODD: list[object] = [
    3, [], {}, "text", None,
    {"value": 1, "error": 2}, {"value": {"$": "handle"}}, {"value": {"$": "handle", "id": "x", "bases": []}},
    {"value": {"$": "handle", "id": 1, "bases": 3}}, {"value": {"$": "handle", "id": -1, "bases": [3]}},
    {"value": {"$": ["handle"], "id": 1}}, {"value": {"$": "array", "dtype": 3, "shape": None, "blob": []}},
    {"value": "\ud800"}, {"value": {"$": "dict", "v": [[{"$": "dict", "v": []}, 1]]}}, {"value": 10**2000},
    {"error": 3}, {"error": {"type": 3, "bases": 3, "message": ["x"], "frames": 7}},
    {"error": {"type": "x" * 10**5, "message": "y" * 10**5, "bases": [None, 3], "frames": [3, {"file": "z" * 10**6}]}},
    {"error": {"type": "E", "frames": [{"file": [], "line": 10**30, "name": {}, "text": "\ud800"}], "message": 3}},
    {"error": {"type": "E", "syntax": {"file": 3, "line": "x", "column": 10**30, "text": [7]}}},
    {"callback": 0, "value": "x"}, {"callback": None}, {"callback": [], "value": None}, {"callback": 10**40},
]  # fmt: skip
RAW = [
    b"{",
    b'{"value": NaN}',
    b"[" * 100_000,
    b"\xff\xfe",
    b'{"value": ' + b"9" * 9_000 + b"}",
    b'{"value": 1, "value": 2',
]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    root = toy.make_light_course(tmp_path_factory.mktemp("odd") / "course")
    with Engine(root, jobs=2) as engine:
        yield engine


def test_odd_frames_fail_their_check(engine: Engine, tmp_path: Path) -> None:
    rng = random.Random(5)
    whole = json.dumps({"value": {"$": "list", "v": [1, {"$": "handle", "id": 1, "bases": ["a.B"]}]}}).encode()
    cut = [whole[: rng.randrange(1, len(whole))] for _ in range(6)]
    bent = [bytes(rng.choice(b'[]{}",:0') if rng.random() < 0.1 else byte for byte in whole) for _ in range(12)]
    lab = load_catalog(engine.root).lab(1)
    tracks = []
    for number, text in enumerate([*(json.dumps(frame).encode() for frame in ODD), *RAW, *cut, *bent]):
        toy.write(tmp_path / str(number) / "answer.py", toy.answer(SENDS.format(text=text)))
        tracks.append(resolve_track(engine.root, str(tmp_path / str(number)), lab))
    for report in engine.run_many(lab, tracks):
        outcomes = {result.check: result.outcome for result in report.results}
        assert outcomes == {"test_doubles": "failed", "test_counts": "passed"}, report
        assert all(len(result.message) < 9_000 for result in report.results)
