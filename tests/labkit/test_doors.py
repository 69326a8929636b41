"""Doors: a worker reaches the server that its exercise names, and nothing else; each run has a state of its own."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from tests.labkit import toy

from labkit.course.catalog import load_catalog
from labkit.course.lab import Lab
from labkit.course.tracks import resolve_track
from labkit.engine.client import LAYERS, Engine, Mode, default_mode
from labkit.records import Report, Result

ANSWER = '''
import os
import threading
import time
import urllib.request

URL = os.environ.get("ECHO_URL", "")


def ask(path):
    return urllib.request.urlopen(os.environ["ECHO_URL"] + path, timeout=5).read().decode()


def double(x):
    """Write to the server, and read what is there."""
    # solution 1.1
    ask(f"/write?{x};")
    return ask("/read")
    # end solution


def go_on_writing():
    """Write to the server for as long as this process lives."""
    def write():
        while True:
            try:
                ask("/write?late;")
            except OSError:
                pass
            time.sleep(0.01)

    threading.Thread(target=write, daemon=True).start()


def count_rows(x):
    # solution 1.2
    return ask("/read")
    # end solution
'''

CHECKS = '''
import time
import urllib.request
import pytest
from labkit.checks import exercise, expect


@exercise("1.1")
def test_writes(lab, doors, rng):
    """What is written comes back, and nothing else is there."""
    x = int(rng.integers(10, 1_000_000))
    found = lab.answer.double(x)
    expect.that(found == f"{x};", expected="what was written", found=found)
    door = doors["echo"]
    expect.that(door.requests == [f"GET /write?{x}; HTTP/1.1", "GET /read HTTP/1.1"], expected="2", found=door.requests)
    assert door.connections == 2 and door.bytes > 100
    assert (door.state / "kept.txt").read_text() == f"{x};"
    assert urllib.request.urlopen(door.url + "/read").read().decode() == f"{x};"
    assert len(door.requests) == 2, "the check's own way is not counted"


@exercise("1.1")
def test_a_door_can_be_shut(lab, doors):
    """A door that is shut refuses; opened again, it is at the same address."""
    before = lab.answer.ask("/greeting")
    doors["echo"].shut()
    with expect.raises("URLError"):
        lab.answer.ask("/greeting")
    doors["echo"].open()
    assert lab.answer.ask("/greeting") == before == f"hello from {doors['echo'].state}"


@pytest.fixture(scope="module")
def shared(new_lab):
    """A worker of 1.1 that is there until the end of the file, unless somebody ends it."""
    return new_lab("1.1")


@exercise("1.1")
def test_a_shared_worker_goes_on(shared):
    """A worker that several checks share writes without an end."""
    shared.answer.go_on_writing()


@exercise("1.2")
def test_another_exercise_finds_nothing(lab):
    """The state of another exercise is another one, and nobody writes into it."""
    for _ in range(40):
        found = lab.answer.count_rows(1)
        expect.that(found == "", expected="nothing", found=found)
        time.sleep(0.01)
'''


class Bench:
    """The toy course with an echo server behind a door, and a warm engine."""

    def __init__(self, root: Path, mode: Mode, jobs: int) -> None:
        self.root = root
        self.news: list[str] = []
        self.engine = Engine(root, mode=mode, jobs=jobs, on_news=self.news.append)
        self.lab: Lab = load_catalog(root).lab(1)
        self.count = 0

    def check(self, body: str = "", exercises: list[str] | None = None) -> Report:
        self.count += 1
        folder = self.root.parent / "submissions" / str(self.count)
        folder.mkdir(parents=True)
        text = (self.root / "solutions" / "lab1_toy" / "answer.py").read_text()
        if body:
            head, _, rest = text.partition("    # solution 1.1\n")
            text = head + textwrap.indent(body, "    ") + "\n" + rest.partition("    # end solution\n")[2]
        (folder / "answer.py").write_text(text)
        return self.engine.run(self.lab, exercises, resolve_track(self.root, str(folder), self.lab))


def make_course(root: Path) -> Path:
    toy.make_course(root)
    toy.write(root / "pyproject.toml", "[project]\nname = 'toy'\n[tool.labkit]\nservices = 'shared/echo.py'\n")
    (root / "shared").mkdir()
    shutil.copy(Path(__file__).with_name("echo.py"), root / "shared")
    toy.write(root / "solutions" / "lab1_toy" / "answer.py", ANSWER)
    toy.write(root / "tests" / "labs" / "test_lab1_toy.py", CHECKS)
    toml = toy.LAB_TOML.replace('["pandas"]', '["urllib.request"]').replace("seconds = 2", "seconds = 10")
    toy.write(
        root / "weeks" / "week1_toy" / "lab.toml", toml.replace("minutes = 5", 'minutes = 5\nservices = ["echo"]')
    )
    return root


@pytest.fixture(scope="module", params=["fork", "spawn"])
def bench(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    if request.param == "fork" and default_mode() != "fork":
        pytest.skip("processes are not forked on this system")
    bench = Bench(make_course(tmp_path_factory.mktemp("doors") / "course"), request.param, 1)
    with bench.engine:
        yield bench


def of(report: Report, check: str) -> Result:
    return next(result for result in report.results if result.check == check)


def passed(report: Report) -> bool:
    return {result.outcome for result in report.results} == {"passed"}


def has_namespaces(report: Report) -> bool:
    return LAYERS["namespaces"] not in report.notes


def test_what_one_run_writes_no_other_sees(bench: Bench) -> None:
    for _ in range(2):
        report = bench.check()
        assert passed(report), report.results
    assert len([news for news in bench.news if news.startswith("setting up Echo")]) == 1
    assert len(list((bench.root / ".lab" / "cache" / "services").iterdir())) == 1


def test_nothing_else_of_this_machine_is_reached(bench: Bench) -> None:
    with socket.create_server(("127.0.0.1", 0)) as host:
        port = host.getsockname()[1]
        report = bench.check(f"import socket\nsocket.create_connection(('127.0.0.1', {port}), 1)\nreturn ask('/read')")
        if not has_namespaces(report):
            pytest.skip("this system gives no network namespace, and the report says so")
        assert "ConnectionRefusedError" in of(report, "test_writes").message
        # Nor does the server that stands behind the door: what it is talked into reaches nobody.
        report = bench.check(f"raise RuntimeError(ask('/outside?{port}'))")
        assert "ConnectionRefusedError" in of(report, "test_writes").message
        host.settimeout(0)
        with pytest.raises(BlockingIOError):
            host.accept()


def test_a_server_that_ends_is_started_again_once(bench: Bench) -> None:
    body = """
    import http.client
    try:
        ask("/die")
    except (OSError, http.client.HTTPException):
        pass
    ask(f"/write?{x};")
    return ask("/read")
    """
    report = bench.check(textwrap.dedent(body), ["1.1"])
    assert of(report, "test_a_door_can_be_shut").outcome == "passed"
    assert any(note.startswith("Echo ended in the middle and was started again") for note in report.notes)


def test_a_server_that_cannot_start_is_the_engines_fault(tmp_path: Path) -> None:
    root = make_course(tmp_path / "course")
    toml = root / "weeks" / "week1_toy" / "lab.toml"
    toml.write_text(toml.read_text().replace('"echo"', '"broken"'))
    bench = Bench(root, "auto", 1)
    with bench.engine:
        report = bench.check()
    assert report.exit_code == 3
    assert "Broken could not be started: the disk is on fire" in of(report, "test_writes").message


def test_two_at_a_time_have_a_server_each(tmp_path: Path) -> None:
    bench = Bench(make_course(tmp_path / "course"), "auto", 2)
    tracks = [resolve_track(bench.root, "solutions", bench.lab)] * 5
    with bench.engine:
        reports = bench.engine.run_many(bench.lab, tracks)
    assert all(passed(report) for report in reports)


FLOODS = {
    "connections": """
    import socket
    from urllib.parse import urlsplit
    port = urlsplit(os.environ["ECHO_URL"]).port
    held = []
    for _ in range(230):  # a door takes 64, and 128 wait
        try:
            held.append(socket.create_connection(("127.0.0.1", port), 0.02))
        except OSError:
            pass
    """,
    "nonsense": """
    import socket
    from urllib.parse import urlsplit
    for _ in range(40):
        with socket.create_connection(("127.0.0.1", urlsplit(os.environ["ECHO_URL"]).port), 1) as one:
            try:
                one.sendall(os.urandom(100_000))
            except OSError:
                pass
    """,
    "half a request": """
    import socket
    from urllib.parse import urlsplit
    held = socket.create_connection(("127.0.0.1", urlsplit(os.environ["ECHO_URL"]).port), 1)
    held.sendall(b"POST /write HTTP/1.1\\r\\nContent-Length: 1000000\\r\\n\\r\\n")
    """,
    "resets": """
    import socket, struct
    from urllib.parse import urlsplit
    for _ in range(200):
        one = socket.create_connection(("127.0.0.1", urlsplit(os.environ["ECHO_URL"]).port), 1)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        one.close()
    """,
}


@pytest.mark.parametrize("name", FLOODS)
def test_a_flood_costs_nobody_else_a_verdict(bench: Bench, name: str) -> None:
    report = bench.check(textwrap.dedent(FLOODS[name]) + "\nreturn 'a flood'")
    assert of(report, "test_writes").outcome == "failed"
    assert of(report, "test_another_exercise_finds_nothing").outcome == "passed"
    assert passed(bench.check())


def test_what_stands_behind_other_doors_is_not_seen(bench: Bench) -> None:
    body = "import glob, tempfile\nfound = glob.glob('/tmp/lab-servers-*/*')\nreturn f'{found}'"
    report = bench.check(body)
    if not has_namespaces(report):
        pytest.skip("this system gives no mount namespace, and the report says so")
    assert "\nfound: []\n" in of(report, "test_writes").message


def test_no_thread_and_no_server_outlives_the_engine(tmp_path: Path) -> None:
    before = threading.active_count()
    bench = Bench(make_course(tmp_path / "course"), "auto", 1)
    with bench.engine:
        assert passed(bench.check())
    assert threading.active_count() == before


def test_a_server_that_ends_twice_is_the_engines_fault_and_said(bench: Bench) -> None:
    body = """
    import http.client
    for _ in range(4):  # while it is started again, one may not be heard
        try:
            ask("/die")
        except (OSError, http.client.HTTPException):
            pass
    return ask("/read")
    """
    report = bench.check(textwrap.dedent(body), ["1.1"])
    assert of(report, "test_writes").outcome == "error"
    assert "ServiceUnavailable: Echo ended: " in of(report, "test_writes").message
    assert passed(bench.check())


def test_a_spare_that_has_ended_is_not_given_out(tmp_path: Path) -> None:
    bench = Bench(make_course(tmp_path / "course"), "auto", 1)
    with bench.engine:
        bench.engine.preload(bench.lab)  # from now on one server waits for the next run
        assert passed(bench.check())
        for _ in range(2):  # it is started again once
            end_servers_of(bench)
        assert passed(bench.check())


def end_servers_of(bench: Bench) -> None:
    """Kill whatever serves below the engine; return when it is gone."""
    assert bench.engine._process is not None
    below = psutil.Process(bench.engine._process.pid).children(recursive=True)
    serving = [one for one in below if any(c.status == "LISTEN" or "server.sock" in str(c.laddr) for c in unix(one))]
    for one in serving:
        with contextlib.suppress(psutil.NoSuchProcess):
            one.kill()
    psutil.wait_procs(serving, timeout=5)


def unix(process: psutil.Process) -> list[Any]:
    """The Unix sockets of a process."""
    try:
        return list(process.net_connections("unix"))
    except psutil.Error:
        return []


DEEP = "import os\nfor _ in range(3000):\n    os.mkdir('d')\n    os.chdir('d')\nreturn 'deep'"


def test_folders_within_folders_cost_nobody_a_verdict(bench: Bench) -> None:
    for _ in range(2):
        report = bench.check(DEEP)
        assert of(report, "test_writes").outcome == "failed"
        assert of(report, "test_another_exercise_finds_nothing").outcome == "passed"
    assert passed(bench.check())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT], ids=lambda number: number.name)
def test_nothing_is_left_where_the_command_is_killed(tmp_path: Path, number: signal.Signals) -> None:
    root = make_course(tmp_path / "course")
    program = textwrap.dedent(f"""
        from pathlib import Path
        from labkit.course.catalog import load_catalog
        from labkit.course.tracks import resolve_track
        from labkit.engine.client import Engine

        root = Path({str(root)!r})
        lab = load_catalog(root).lab(1)
        with Engine(root) as engine:
            while True:
                engine.run(lab, None, resolve_track(root, "solutions", lab))
                print("once", flush=True)
    """)
    (tmp_path / "tmp").mkdir()
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "TMPDIR": str(tmp_path / "tmp")},
    )
    assert process.stdout is not None
    process.stdout.readline()
    (conductor,) = [one for one in psutil.Process(process.pid).children() if "conductor" in " ".join(one.cmdline())]
    family = [conductor, *conductor.children(recursive=True)]
    assert list((tmp_path / "tmp").iterdir())
    process.send_signal(number)
    process.wait(30)
    process.stdout.close()
    psutil.wait_procs(family, timeout=20)
    assert not [one for one in family if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]
    assert not list((tmp_path / "tmp").iterdir())
