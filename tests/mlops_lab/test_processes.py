"""Local servers: real processes, waited for, and gone afterwards."""

import os
import signal
import socket
import sys
import textwrap
import time
import urllib.request
from pathlib import Path

import pytest

from mlops_lab.processes import HOST, ServerError, free_port, is_healthy, serve

FILE_SERVER = [sys.executable, "-m", "http.server", "--bind", HOST, "{port}"]


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # A child that ended and that nobody collected yet is not running.
    stat = Path(f"/proc/{pid}/stat")
    return not (stat.exists() and stat.read_text().rpartition(")")[2].split()[0] == "Z")


def wait_until_gone(pid: int) -> bool:
    end = time.monotonic() + 5
    while is_running(pid) and time.monotonic() < end:
        time.sleep(0.02)
    return not is_running(pid)


def script(tmp_path: Path, code: str) -> list[str]:
    path = tmp_path / "server.py"
    path.write_text(textwrap.dedent(code))
    return [sys.executable, str(path), "{port}"]


def test_a_server_answers_and_is_gone_afterwards(tmp_path: Path) -> None:
    (tmp_path / "hello.txt").write_text("hello")
    with serve(FILE_SERVER, health="/", cwd=tmp_path) as server:
        with urllib.request.urlopen(f"{server.url}/hello.txt") as answer:
            assert answer.read() == b"hello"
        assert server.url == f"http://127.0.0.1:{server.port}"
        assert "GET /hello.txt" in server.output()
    assert wait_until_gone(server.pid)
    assert not is_healthy(server.url)
    assert not server.log.exists()


def test_a_server_is_gone_after_an_exception(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), serve(FILE_SERVER, health="/", cwd=tmp_path) as server:
        raise KeyboardInterrupt
    assert wait_until_gone(server.pid)


def test_two_servers_get_two_ports(tmp_path: Path) -> None:
    with (
        serve(FILE_SERVER, health="/", cwd=tmp_path) as one,
        serve(FILE_SERVER, health="/", cwd=tmp_path) as two,
    ):
        assert one.port != two.port


def test_the_environment_is_added_and_knows_the_port(tmp_path: Path) -> None:
    command = script(
        tmp_path,
        """
        import http.server, os
        assert "PATH" in os.environ
        print("hello", os.environ["NAME"], flush=True)
        address = ("127.0.0.1", int(os.environ["PORT"]))
        http.server.HTTPServer(address, http.server.SimpleHTTPRequestHandler).serve_forever()
        """,
    )
    with serve(command, health="/", env={"NAME": "집", "PORT": "{port}"}, cwd=tmp_path) as server:
        assert "hello 집" in server.output()


def test_a_server_that_ends_shows_its_last_words() -> None:
    command = [sys.executable, "-c", "import sys; sys.exit('no such model')"]
    with pytest.raises(ServerError, match=r"(?s)exit status 1.*no such model"), serve(command):
        pass


def test_a_server_that_is_never_healthy_is_ended(tmp_path: Path) -> None:
    command = script(tmp_path, "import os, time; print(os.getpid(), flush=True); time.sleep(60)")
    with (
        pytest.raises(ServerError, match=r"did not answer at .*/health` within 1 s") as caught,
        serve(command, timeout=1),
    ):
        pass
    assert wait_until_gone(int(str(caught.value).splitlines()[-1]))


def test_an_error_status_is_not_healthy(tmp_path: Path) -> None:
    with pytest.raises(ServerError, match="did not answer"), serve(FILE_SERVER, cwd=tmp_path, timeout=1):
        pass


def test_children_and_servers_that_ignore_sigterm_end_too(tmp_path: Path) -> None:
    command = script(
        tmp_path,
        """
        import http.server, signal, subprocess, sys
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        print(child.pid, flush=True)
        http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), http.server.SimpleHTTPRequestHandler).serve_forever()
        """,
    )
    with serve(command, health="/", cwd=tmp_path, grace=0.2) as server:
        child = int(server.output().splitlines()[0])
        assert is_running(child)
    assert wait_until_gone(server.pid) and wait_until_gone(child)


def test_children_end_where_the_server_itself_is_killed(tmp_path: Path) -> None:
    command = script(
        tmp_path,
        """
        import http.server, subprocess, sys
        print(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]).pid, flush=True)
        http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), http.server.SimpleHTTPRequestHandler).serve_forever()
        """,
    )
    with serve(command, health="/", cwd=tmp_path) as server:
        child = int(server.output().splitlines()[0])
        os.kill(server.pid, signal.SIGKILL)
    assert wait_until_gone(child)


def test_a_command_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no-such-server"), serve([str(tmp_path / "no-such-server")]):
        pass


def test_a_proxy_in_the_environment_is_not_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with serve(FILE_SERVER, health="/", cwd=tmp_path) as server:
        assert is_healthy(server.url)


def test_a_free_port_can_be_bound() -> None:
    with socket.socket() as probe:
        probe.bind((HOST, free_port()))
