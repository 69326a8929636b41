"""A check that trickles ends at its own limit: callbacks without an end, slow headers, floods of 1xx answers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from tests.labkit import toy
from tests.tools.trickles import WAYS, Trickle, server

from labkit.checking.faults import LearnerStopped
from labkit.checking.processes import Process
from labkit.checking.service import Service
from labkit.course.catalog import load_catalog
from labkit.course.tracks import resolve_track
from labkit.engine.client import Engine


@pytest.fixture
def serve() -> Iterator[Callable[[Trickle], int]]:
    with server() as start:
        yield start


@pytest.mark.parametrize("way", WAYS)
def test_a_service_that_trickles_is_late(serve: Callable[[Trickle], int], way: str) -> None:
    service = Service(cast(Process, None), serve(WAYS[way]), 0.4)
    started = time.monotonic()
    with pytest.raises(LearnerStopped) as caught:
        service.get("/")
    assert caught.value.reason == "time"
    assert 0.3 < time.monotonic() - started < 3
    # All answers of one check together have a limit, too.
    started = time.monotonic()
    for _ in range(20):
        with pytest.raises(LearnerStopped):
            service.get("/")
    assert time.monotonic() - started < 5
    service.refresh()
    assert service.left > 1
    assert service._http is not None
    service._http.close()


CHECKS = '''
import time
from labkit.checks import exercise, expect


@exercise("1.1")
def test_calls(lab):
    """`double` calls the function that it is given."""
    lab.answer.double(lambda value: time.sleep(0.1))


@exercise("1.2")
def test_counts(lab):
    """Another check."""
    expect.close(lab.answer.count_rows([0, 0]), 2, "`count_rows`")
'''


def test_calls_without_an_end_are_late(tmp_path: Path) -> None:
    root = toy.make_light_course(tmp_path / "course")
    toy.write(root / "tests" / "labs" / "test_lab1_toy.py", CHECKS)
    toy.write(root / "labs" / "lab1_toy" / "answer.py", toy.answer("while True: x(0)"))
    lab = load_catalog(root).lab(1)
    started = time.monotonic()
    with Engine(root) as engine:
        report = engine.run(lab, None, resolve_track(root, "labs", lab))
    said: dict[str, Any] = {result.check: result for result in report.results}
    assert [said["test_calls"].outcome, said["test_counts"].outcome] == ["failed", "passed"]
    assert "time:" in said["test_calls"].message
    assert time.monotonic() - started < 20
