"""Web services under check: a real process behind a real port, inside the walls, and gone afterwards."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.labkit import toy

from labkit.course.catalog import load_catalog
from labkit.course.tracks import resolve_track
from labkit.engine.client import Engine, default_mode
from labkit.records import Report

SERVICE = '''
import asyncio, ctypes, json, os, signal, socket, time


async def respond(send, status, body, headers=()):
    start = {"type": "http.response.start", "status": status, "headers": [*headers]}
    await send(start)
    await send({"type": "http.response.body", "body": body})


def create_app():
    """An ASGI app without any library."""

    async def app(scope, receive, send):
        if scope["type"] != "http":
            raise RuntimeError("no lifespan here")
        path = scope["path"]
        if path == "/env":
            known = {"colour": os.environ.get("COLOUR"), "pid": os.getpid(), "path": scope["server"][1]}
            await respond(send, 200, json.dumps(known).encode(), [(b"Content-Type", b"application/json")])
        elif path == "/outside":
            try:
                socket.create_connection(("127.0.0.1", int(scope["query_string"])), 1).close()
                await respond(send, 200, b"reached")
            except OSError as error:
                await respond(send, 200, type(error).__name__.encode())
        elif path == "/by-its-listener":
            await respond(send, 200, by_its_listener(int(scope["query_string"])).encode())
        elif path == "/hang":
            await asyncio.sleep(60)
        elif path == "/huge":
            await respond(send, 200, b"x" * 9_000_000)
        elif path == "/wrong":
            raise KeyError("no such model")
        elif path == "/exit":
            os._exit(7)
        elif path == "/slow":
            print("asked", flush=True)
            await asyncio.sleep(0.5)
            await respond(send, 200, b"done")
        else:
            await respond(send, 404, b"not json")

    return app


def by_its_listener(port):
    """Turn every socket that this process has into a client of a port of the host."""
    found = []
    for number in range(3, 64):
        try:
            end = socket.socket(fileno=os.dup(number))
        except OSError:
            continue
        try:
            if end.family == socket.AF_INET and end.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                libc = ctypes.CDLL(None, use_errno=True)
                libc.connect(end.fileno(), bytes(16), 16)  # AF_UNSPEC: neither listens nor is connected any more
                end.settimeout(1)
                found.append(str(end.connect_ex(("127.0.0.1", port))))
        finally:
            end.close()
    return " ".join(found) or "no socket"


def broken_app():
    raise ValueError("no models")
'''

CHECKS = '''
import socket
from concurrent.futures import ThreadPoolExecutor
import pytest
from labkit.checks import exercise, expect, fail
import socket


@pytest.fixture(scope="module")
def shared(new_lab):
    return new_lab("1.1", listen=True).serve("answer:create_app", COLOUR="green")


@exercise("1.1")
def test_answers(shared):
    """A service answers, with its environment."""
    answer = shared.get("/env").expect(200)
    assert answer.json()["colour"] == "green" and answer.media_type == "application/json"
    assert answer.json()["path"] == shared.port
    assert shared.get("/nowhere").status == 404


@exercise("1.1")
def test_one_process_for_all_checks(shared):
    """The same process answers."""
    assert shared.get("/env").json()["pid"] == shared.get("/env").json()["pid"]


@exercise("1.1")
def test_a_status_is_expected(shared):
    """A wrong status fails."""
    shared.get("/nowhere").expect(200, help="look at the path")


@exercise("1.1")
def test_a_mistake_is_named(shared):
    """A 500 fails, with the exception that is behind it."""
    shared.get("/wrong").expect(200)


@exercise("1.1")
def test_json_is_expected(shared):
    """A body that is no JSON fails."""
    shared.get("/nowhere").json()


@exercise("1.1")
def test_cannot_reach_the_network(shared):
    """The service reaches nobody."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        found = shared.request("GET", f"/outside?{other.getsockname()[1]}").text
    expect.that(found != "reached", expected="no network", found=found)


@exercise("1.2")
def test_its_listener_leads_nowhere(listening):
    """The socket that it listens on belongs to its own network, whatever it makes of it."""
    with socket.create_server(("127.0.0.1", 0)) as other, listening.serve("answer:create_app") as service:
        found = service.request("GET", f"/by-its-listener?{other.getsockname()[1]}").text
        other.settimeout(0)
        with pytest.raises(BlockingIOError):
            other.accept()
    expect.that(found != "no socket" and "0" not in found.split(), expected="errors", found=found)


@exercise("1.1")
def test_no_answer_in_time(shared):
    """A request that hangs fails."""
    shared.get("/hang", seconds=0.3)


@exercise("1.1")
def test_huge_answer(shared):
    """An answer without an end fails."""
    shared.get("/huge")


@exercise("1.2")
def test_ends_during_a_request(listening):
    """A process that ends fails."""
    with listening.serve("answer:create_app") as service:
        service.get("/exit")


@exercise("1.2")
def test_cannot_start(listening):
    """A factory that raises fails with its error."""
    with listening.serve("answer:broken_app") as service:
        service.get("/env")


@exercise("1.2")
def test_sigterm_is_graceful(listening):
    """A request at hand is finished after SIGTERM."""
    with listening.serve("answer:create_app") as service, ThreadPoolExecutor(1) as pool:
        slow = pool.submit(service.get, "/slow")
        assert service.wait_for_output("asked")
        service.terminate()
        assert slow.result().text == "done"
        assert service.process.wait(5)
        ending = service.process.ending()
        assert ending.signal == 15 or ending.code == 0, ending
        with pytest.raises(OSError):
            socket.create_connection(("127.0.0.1", service.port), 1)
'''

FAILS = {
    "test_a_status_is_expected": "look at the path",
    "test_a_mistake_is_named": "it printed: KeyError: 'no such model'",
    "test_json_is_expected": "answers with JSON",
    "test_no_answer_in_time": "time:",
    "test_huge_answer": "less than 8 MB",
    "test_ends_during_a_request": "its process has ended",
    "test_cannot_start": "ValueError: no models",
}


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = toy.make_course(tmp_path_factory.mktemp("serving") / "course")
    toy.write(root / "solutions" / "lab1_toy" / "answer.py", SERVICE)
    toy.write(root / "tests" / "labs" / "test_lab1_toy.py", CHECKS)
    toml = toy.LAB_TOML.replace('["pandas"]', '["uvicorn", "httpx"]').replace("seconds = 2", "seconds = 20")
    toy.write(root / "weeks" / "week1_toy" / "lab.toml", toml)
    return root


@pytest.fixture(scope="module", params=["fork", "spawn"])
def report(request: pytest.FixtureRequest, course: Path) -> Iterator[Report]:
    if request.param == "fork" and default_mode() != "fork":
        pytest.skip("processes are not forked on this system")
    lab = load_catalog(course).lab(1)
    with Engine(course, mode=request.param) as engine:
        yield engine.run(lab, None, resolve_track(course, "solutions", lab))


def test_each_verdict_on_a_service_is_the_right_one(report: Report) -> None:
    outcomes = {result.check: result.outcome for result in report.results}
    assert len(outcomes) == 12
    # Without namespaces there is a network.
    walls = {"test_cannot_reach_the_network", "test_its_listener_leads_nowhere"} if report.notes else set()
    wrong = {
        check: outcome for check, outcome in outcomes.items() if outcome != ("failed" if check in FAILS else "passed")
    }
    assert set(wrong) <= walls, [result.message for result in report.results if result.check in wrong]


def test_each_failure_says_what_happened(report: Report) -> None:
    messages = {result.check: result.message for result in report.results if result.check in FAILS}
    silent = {check: messages[check] for check, words in FAILS.items() if words not in messages[check]}
    assert not silent


def test_plain_pytest_can_check_a_service_too(course: Path) -> None:
    command = [
        sys.executable, "-m", "pytest", "-q", "-p", "labkit.checking.plugin", "--noconftest", "-p", "no:cacheprovider",
        "-c", "tests/labs/pytest.ini", "--rootdir", ".", "--track", "solutions",
        "-k", "answers or sigterm or cannot_start", "tests/labs/test_lab1_toy.py",
    ]  # fmt: skip
    done = subprocess.run(
        command, cwd=course, env=os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}, capture_output=True, text=True
    )
    assert "2 passed" in done.stdout and "1 failed" in done.stdout, done.stdout[-3000:]
