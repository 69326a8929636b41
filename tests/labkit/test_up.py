"""`lab up` through the real command: servers are waited for, their lines shown, and all of them gone afterwards."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from http.client import HTTPException
from io import RawIOBase
from pathlib import Path

import psutil
import pytest
from tests.labkit import toy
from tests.labkit.background import LAB, Background
from tests.labkit.conftest import Lab

SERVICES = """
from types import SimpleNamespace

def toy(title, port, how="well"):
    return SimpleNamespace(
        title=title, command=("python", "-m", "toy_server", "{{port}}", "{{state}}", how), port=port, page="/page",
        health="/health", config="{{root}}/services/toy.yml",
        environment={{"TOY_URL": "mine", "TOY_STATE": "{{state}}", "TOY_CONFIG": "{{config}}"}},
        client={{"TOY_" + title.upper(): "{{url}}/api"}}, app="toy_server:app", preload=(), packages=(),
    )

SERVICES = {{"one": toy("One", {one}, "{how}"), "other": toy("Other", {other})}}
"""
READY = "What they print:"
# Become a program whose Ctrl-C is that of the terminal at its standard input.
TAKE_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
)
Make = Callable[..., Background]


def free_ports() -> tuple[int, int]:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        return one.getsockname()[1], other.getsockname()[1]


def declare(course: Path, services: str, *names: str) -> None:
    """Have exercise 1.1 of the course talk to servers."""
    toy.write(course / "pyproject.toml", f"[project]\nname = 'toy'\n[tool.labkit]\nservices = '{services}'\n")
    path = course / "weeks" / "week1_toy" / "lab.toml"
    text = path.read_text().replace('title = "Double"', f'title = "Double"\nservices = {list(names)!r}')
    path.write_text(text)


class Course:
    """A toy course with two servers."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.one, self.other = free_ports()
        declare(root, "services/toy_services.py", "one", "other")
        self.write("well")
        shutil.copy(Path(__file__).with_name("toy_server.py"), root / "services")
        toy.write(root / "services" / "toy.yml", f"other: 127.0.0.1:{self.other}\nelsewhere: 127.0.0.1:1\n")

    def write(self, how: str, one: int | None = None, other: int | None = None) -> None:
        """Declare the servers; `one` does so `how`."""
        text = SERVICES.format(one=one or self.one, other=other or self.other, how=how)
        toy.write(self.root / "services" / "toy_services.py", text)

    def pids(self) -> list[int]:
        """All processes that the servers said they have."""
        files = self.root.glob(".lab/run/*/pids")
        return [int(pid) for file in files for pid in file.read_text().split()]

    def get(self, path: str, port: int | None = None) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{port or self.one}{path}", timeout=10) as answer:
            return str(answer.read().decode())


@pytest.fixture
def servers(course: Path) -> Course:
    return Course(course)


@pytest.fixture
def up(servers: Course) -> Iterator[Make]:
    """Run `lab up …` in the course."""
    made = []

    def run(*arguments: str, **environment: str) -> Background:
        made.append(Background(servers.root, "up", *arguments, **environment))
        return made[-1]

    yield run
    for background in made:
        background.end()


def alive(pids: list[int]) -> list[int]:
    return [pid for pid in pids if psutil.pid_exists(pid)]


# What it shows


def test_it_waits_for_health_and_says_what_there_is(servers: Course, up: Make) -> None:
    running = up("1")
    text = running.wait_for(READY)
    assert text.index("starting One, Other …") < text.index(f"http://127.0.0.1:{servers.one}/page")
    assert re.search(r"✓ One is ready after [\d.]+ s\n", text)
    assert f"Other  http://127.0.0.1:{servers.other}/page\n" in text
    assert f"    export TOY_ONE=http://127.0.0.1:{servers.one}/api\n" in text
    assert f"    export TOY_OTHER=http://127.0.0.1:{servers.other}/api\n" in text
    assert "One    .lab/run/one/\n" in text
    assert "Ctrl-C ends all of them." in text
    assert "started on" not in text, "what they print while they start is kept back"
    assert servers.get("/asked") == "4", "it is sick three times, then well, and is asked no more"


def test_each_line_has_the_name_of_its_server(servers: Course, up: Make) -> None:
    running = up("1")
    running.wait_for(READY)
    servers.get("/say?hello")
    text = running.wait_for("hello")
    servers.get("/say?goodness", servers.other)
    text += running.wait_for("goodness")
    assert re.search(r"^\d\d:\d\d:\d\d one   \| hello \N{REPLACEMENT CHARACTER}$", text, re.MULTILINE)
    assert re.search(r"^\d\d:\d\d:\d\d other \| goodness ", text, re.MULTILINE)


def test_a_server_has_its_environment_and_its_state_is_kept(servers: Course, up: Make) -> None:
    for _ in range(2):
        running = up("1", TOY_ONE="http://elsewhere", TOY_OTHER="http://elsewhere")
        running.wait_for(READY)
        state = servers.root / ".lab" / "run" / "one"
        assert servers.get("/environment?TOY_URL") == "mine"
        assert servers.get("/environment?TOY_STATE") == str(state)
        assert servers.get("/environment?TOY_CONFIG") == str(servers.root / "services" / "toy.yml")
        assert servers.get("/environment?TOY_ONE") == "-", "a server would take itself for a client"
        assert servers.get("/environment?TOY_OTHER") == "http://elsewhere"
        running.end()
    assert len((state / "pids").read_text().splitlines()) == 2


def test_another_port(servers: Course, up: Make) -> None:
    first, second = free_ports()
    running = up("1", "--port", f"one={first}", "--port", f"other={second}")
    text = running.wait_for(READY)
    assert f"TOY_ONE=http://127.0.0.1:{first}/api" in text
    assert f"TOY_OTHER=http://127.0.0.1:{second}/api" in text
    assert servers.get("/environment?TOY_URL", first) == "mine"
    config = Path(servers.get("/environment?TOY_CONFIG", first))
    assert config.read_text() == f"other: 127.0.0.1:{second}\nelsewhere: 127.0.0.1:1\n"
    assert (config.parent / "toy_server.py").samefile(servers.root / "services" / "toy_server.py")


def test_without_a_number_it_is_the_lab_in_hand(servers: Course, up: Make) -> None:
    assert "starting One, Other …" in up().wait_for(READY)


def test_a_lab_with_servers_says_so(lab: Lab, servers: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "  servers     `lab up 1`\n" in lab("start", "1").stdout
    assert "  servers     `make up-1`\n" in lab("start", "1", PATH=os.defpath).stdout


# How it ends


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_a_signal_ends_every_process(servers: Course, up: Make, number: signal.Signals) -> None:
    running = up("1")
    running.wait_for(READY)
    pids = servers.pids()
    assert len(alive(pids)) == len(pids) == (6 if sys.platform == "linux" else 4)
    rest = running.end(number)
    assert running.process.returncode == 130
    assert alive(pids) == []
    assert "ending all of them …" in rest
    assert rest.count("good bye") == 2, "they are asked before they are killed, and their last words shown"
    assert rest.endswith("stopped.\n")
    assert "Traceback" not in rest


def test_ctrl_c_while_they_start(servers: Course, up: Make) -> None:
    servers.write("never")
    running = up("1")
    running.wait_for("Other is ready")
    rest = running.end()
    assert running.process.returncode == 130
    assert alive(servers.pids()) == []
    assert "good bye" not in rest


def test_a_second_ctrl_c_does_not_wait(servers: Course, up: Make) -> None:
    servers.write("deaf")
    running = up("1")
    running.wait_for(READY)
    running.send()
    running.wait_for("ending all of them …")
    running.wait_for("good bye")
    assert running.process.poll() is None
    started = time.monotonic()
    running.end()
    assert time.monotonic() - started < 5, "a server that does not end has 10 s"
    assert running.process.returncode == 130
    assert alive(servers.pids()) == []


def test_a_terminal_shows_colours_and_ends_with_ctrl_c(servers: Course) -> None:
    ours, theirs = pty.openpty()
    environment = {name: text for name, text in os.environ.items() if name != "NO_COLOR"}
    environment |= {"TERM": "xterm-256color", "COLUMNS": "100"}
    process = subprocess.Popen(
        [sys.executable, "-c", TAKE_TERMINAL, LAB, "up", "1"],
        cwd=servers.root,
        env=environment,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    with open(ours, "rb", buffering=0) as terminal:
        read_to(terminal, READY)
        servers.get("/say?hello")
        text = read_to(terminal, "hello")
        servers.get("/say?goodness", servers.other)
        text += read_to(terminal, "goodness")
        colours = re.findall(r"\x1b\[(\d+)m[\d:]{8} (?:one|other) +\| \x1b\[0m", text)
        assert len(set(colours)) == 2, text
        os.write(ours, b"\x03")
        read_to(terminal, "stopped.")
        assert process.wait(20) == 130
    assert alive(servers.pids()) == []


def read_to(terminal: RawIOBase, wanted: str) -> str:
    text = ""
    while wanted not in text:
        text += (terminal.read(4096) or b"").decode("utf-8", "replace")
    return text


def test_a_reader_that_leaves_ends_every_process(servers: Course) -> None:
    command = f"'{LAB}' up 1 | grep -m 1 'What they print'"
    started = time.monotonic()
    process = subprocess.Popen(["sh", "-c", command], cwd=servers.root, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert b"What they print" in process.stdout.readline()
    while alive(servers.pids()) and time.monotonic() - started < 20:
        # grep is gone: the next line finds nobody who reads it
        with contextlib.suppress(OSError, HTTPException):
            servers.get("/say?anybody")
    _, errors = process.communicate(timeout=20)
    assert alive(servers.pids()) == []
    assert b"Traceback" not in errors


# What goes wrong


def test_a_server_that_ends_is_named_with_its_last_lines(servers: Course, up: Make) -> None:
    running = up("1")
    running.wait_for(READY)
    pids = servers.pids()
    with contextlib.suppress(OSError, HTTPException):
        servers.get("/exit?7", servers.other)
    rest = running.rest()
    assert running.process.returncode == 1
    assert "Other ended by itself with exit status 7; all servers are ended." in rest
    assert "    │ the disk is full\n" in rest
    assert "Its data is in .lab/run/other/." in rest
    assert "start again: `lab up 1`" in rest
    assert alive(pids) == []


def test_a_server_that_cannot_start_is_named(servers: Course, up: Make) -> None:
    servers.write("early")
    running = up("1", "--port", f"other={servers.other}")
    rest = running.rest()
    assert running.process.returncode == 1
    assert "One ended by itself with exit status 1; all servers are ended." in rest
    assert "    │ no database here\n" in rest
    assert f"start again: `lab up 1 --port other={servers.other}`" in rest
    assert READY not in rest
    assert alive(servers.pids()) == []


def test_a_killed_server_is_named_with_its_signal(servers: Course, up: Make) -> None:
    running = up("1")
    running.wait_for(READY)
    os.kill(int((servers.root / ".lab/run/one/pids").read_text().split()[0]), signal.SIGKILL)
    why = f"was ended by signal 9 ({signal.strsignal(9)})"
    assert f"One {why}; all servers are ended." in running.rest()
    assert alive(servers.pids()) == []


def test_a_server_that_is_not_ready_in_time_is_named(servers: Course, up: Make) -> None:
    servers.write("never")
    running = up("1", "--wait", "3")
    rest = running.rest()
    assert running.process.returncode == 1
    assert "One was not ready after 3 s; all servers are ended." in rest
    assert f"    │ started on {servers.one}\n" in rest
    assert alive(servers.pids()) == []


def test_a_port_that_is_taken_says_by_whom(lab: Lab, servers: Course) -> None:
    with socket.create_server(("127.0.0.1", servers.other)):
        done = lab("up", "1", "--port", f"one={servers.one}")
    assert done.returncode == 2
    assert f"port {servers.other} is taken, so Other cannot listen there.\n" in done.stderr
    found = re.search(r"It is held by `(.+)` \(process (\d+)\): end that, or take another port", done.stderr)
    assert found
    assert int(found[2]) == os.getpid()
    free = re.search(rf"This one is free: `lab up 1 --port one={servers.one} --port other=(\d+)`", done.stderr)
    assert free
    assert int(free[1]) > servers.other
    assert not (servers.root / ".lab" / "run").exists(), "nothing was started"


def test_two_servers_do_not_want_one_port(lab: Lab, servers: Course) -> None:
    done = lab("up", "1", "--port", f"other={servers.one}")
    assert done.returncode == 2
    assert f"One and Other both want port {servers.one}." in done.stderr
    assert re.search(r"`lab up 1 --port other=\d+`", done.stderr)


@pytest.mark.parametrize("text", ["5001", "one=", "one=x", "one=0", "one=65536", "one=-1", "one=٥", "one=5001=5"])
def test_a_port_is_a_name_and_a_number(lab: Lab, servers: Course, text: str) -> None:
    done = lab("up", "1", "--port", text)
    assert done.returncode == 2
    assert f"`--port {text}`: a name and a port from 1 to 65535 are needed, such as `--port one=5001`." in done.stderr


def test_a_port_is_for_a_server_of_the_lab(lab: Lab, servers: Course) -> None:
    done = lab("up", "1", "--port", "othr=5001")
    assert done.returncode == 2
    assert "lab 1 needs no server `othr`. Did you mean `other`?" in done.stderr


def test_a_program_that_is_not_there_is_named(lab: Lab, servers: Course) -> None:
    path = servers.root / "services" / "toy_services.py"
    path.write_text(path.read_text().replace('"python"', '"no-such-program"'))
    done = lab("up", "1")
    assert done.returncode == 2
    assert "there is no program `no-such-program` for One." in done.stderr


def test_a_server_that_nobody_declares(lab: Lab, servers: Course) -> None:
    path = servers.root / "services" / "toy_services.py"
    path.write_text(path.read_text().replace('"other": toy', '"othr": toy'))
    done = lab("up", "1")
    assert done.returncode == 2
    assert "there is no service `other`. Did you mean `othr`?" in done.stderr


@pytest.mark.parametrize("arguments", [[], ["1"]], ids=["in hand", "named"])
def test_a_lab_without_servers_says_so(lab: Lab, course: Path, arguments: list[str]) -> None:
    done = lab("up", *arguments)
    assert done.returncode == 2
    assert "lab 1 (toy) talks to no server, so there is none to start. No lab here does." in done.stderr
    toml = toy.LAB_TOML.replace('"1.', '"4.').replace("number = 1", "number = 4").replace('"toy"', '"zoo"')
    toy.write(course / "weeks" / "week4_zoo" / "lab.toml", toml.replace("minutes = 5", 'minutes = 5\nservices = ["x"]'))
    assert "Labs that do: `lab up 4`." in lab("up", *arguments).stderr
    assert "servers" not in lab("start", "1").stdout


# The real thing


def test_mlflow(course: Path) -> None:
    declare(course, "mlops_lab.services", "mlflow")
    port, _ = free_ports()
    running = Background(course, "up", "1", "--port", f"mlflow={port}")
    try:
        text = running.wait_for(READY, 180)
        assert f"export MLFLOW_TRACKING_URI=http://127.0.0.1:{port}\n" in text
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=30) as page:
            assert b"<title>MLflow</title>" in page.read()
        assert '"GET / HTTP/1.1" 200' in running.wait_for('"GET / HTTP/1.1" 200')
        family = psutil.Process(running.process.pid).children(recursive=True)
        assert len(family) >= 2, "mlflow server has a uvicorn below it"
    finally:
        rest = running.end()
    assert running.process.returncode == 130, rest
    assert not [process for process in family if process.is_running()]
    assert (course / ".lab" / "run" / "mlflow" / "mlflow.db").stat().st_size > 0


def test_a_program_of_the_lab_is_told_where_the_servers_are(servers: Course, lab: Lab) -> None:
    code = "import os; print(os.environ['TOY_ONE'], os.environ['TOY_OTHER'])"
    with socket.create_server(("127.0.0.1", servers.one)):  # as if it had been started
        done = lab("run", "1", "python", "-c", code, TOY_OTHER="http://elsewhere")
    assert done.stdout == f"http://127.0.0.1:{servers.one}/api http://elsewhere\n"
    assert done.stderr == ""
    done = lab("run", "1", "python", "-c", code)
    assert "One does not run: start it with `lab up 1` in another terminal." in done.stderr
