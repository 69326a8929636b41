"""A check that trickles ends at its own limit: callbacks without an end, slow headers, floods of 1xx answers."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from tests.labkit import toy

from labkit.checking.faults import LearnerStopped
from labkit.checking.processes import Process
from labkit.checking.service import Service
from labkit.course.catalog import load_catalog
from labkit.course.tracks import resolve_track
from labkit.engine.client import Engine

Trickle = Callable[[socket.socket, threading.Event], None]


def slowly(first: bytes, piece: bytes) -> Trickle:
    def answer(connection: socket.socket, over: threading.Event) -> None:
        connection.recv(2**16)
        connection.sendall(first)
        while not over.wait(0.02):
            connection.sendall(piece)

    return answer


WAYS = {
    "informational answers": slowly(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
    "headers": slowly(b"HTTP/1.1 200 OK\r\nx: ", b"x"),
    "a body": slowly(b"HTTP/1.1 200 OK\r\ncontent-length: 99999\r\n\r\n", b"x"),
    "a body of no length": slowly(b"HTTP/1.1 200 OK\r\n\r\n", b"x"),
    "nothing": slowly(b"", b""),
}


@pytest.fixture
def serve() -> Iterator[Callable[[Trickle], int]]:
    over, threads = threading.Event(), []
    listener = socket.create_server(("127.0.0.1", 0))

    def run(answer: Trickle) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection, contextlib.suppress(OSError):
                    answer(connection, over)

    def start(answer: Trickle) -> int:
        threads.append(threading.Thread(target=run, args=(answer,)))
        threads[0].start()
        return int(listener.getsockname()[1])

    yield start
    over.set()
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    for thread in threads:
        thread.join(10)


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
