"""Enclosures: a program for which one service is all the network that there is; elsewhere, a proxy that says no."""

from __future__ import annotations

import contextlib
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from labkit.checking.enclosure import Enclosure
from labkit.checking.socks import OneTarget
from labkit.sandbox import alone

PROGRAM = """
import socket, sys

def reach(port):
    try:
        with socket.create_connection(("127.0.0.1", int(port)), 5) as end:
            return end.recv(5).decode()
    except OSError as error:
        return type(error).__name__

print(*map(reach, sys.argv[1:3]), *sys.argv[3:])
"""


class Greeter:
    """Says hello to who connects."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self.listener.getsockname()[1])
        self.visitors = 0
        threading.Thread(target=self._greet, daemon=True).start()

    def _greet(self) -> None:
        try:
            while True:
                with self.listener.accept()[0] as client:
                    self.visitors += 1
                    client.sendall(b"hello")
        except OSError:
            return

    def close(self) -> None:
        with contextlib.suppress(OSError):  # it may be closed already
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


@pytest.fixture
def service() -> Iterator[Greeter]:
    greeter = Greeter()
    yield greeter
    greeter.close()


@pytest.fixture
def other() -> Iterator[Greeter]:
    greeter = Greeter()
    yield greeter
    greeter.close()


def run(folder: Path, service: Greeter, other: Greeter) -> tuple[bool, str]:
    """Run the program in an enclosure; return whether it is alone, and what it printed."""
    folder.mkdir()
    enclosure = Enclosure(sys.executable, service.port, folder, ["--proxy={proxy}"])
    words = [enclosure.command, "-c", PROGRAM, str(service.port), str(other.port)]
    program = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    try:
        is_alone = enclosure.open()
        printed, _ = program.communicate(timeout=20)
    finally:
        program.kill()
        program.wait()
        enclosure.close()
    return is_alone, printed


def test_a_program_reaches_its_service_and_nobody_else(service: Greeter, other: Greeter, tmp_path: Path) -> None:
    is_alone, printed = run(tmp_path / "one", service, other)
    if not is_alone:
        pytest.skip("this system gives no network namespace")
    assert printed.split() == ["hello", "ConnectionRefusedError"]
    assert (service.visitors, other.visitors) == (1, 0)


def test_without_namespaces_the_program_is_told_of_a_proxy(
    service: Greeter, other: Greeter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text, head = Path(alone.__file__).read_text(encoding="utf-8"), "def enter_network() -> None:\n"
    assert head in text
    (tmp_path / "alone.py").write_text(text.replace(head, head + "    raise OSError\n"), encoding="utf-8")
    monkeypatch.setattr(alone, "__file__", str(tmp_path / "alone.py"))
    is_alone, printed = run(tmp_path / "one", service, other)
    assert not is_alone
    assert printed.split()[0] == "hello" and printed.split()[2].startswith("--proxy=127.0.0.1:")


def test_a_program_that_is_not_started_is_an_error(
    service: Greeter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("labkit.checking.enclosure.SECONDS", 0.05)
    enclosure = Enclosure(sys.executable, service.port, tmp_path)
    with pytest.raises(OSError, match="timed out"):
        enclosure.open()
    enclosure.close()


def asked(proxy: OneTarget, kind: int, host: bytes, port: int, command: int = 1) -> bytes:
    """Ask the proxy for a connection; return the code of its answer and what comes after it."""
    with socket.create_connection(("127.0.0.1", proxy.port), 5) as end:
        end.sendall(b"\x05\x01\x00")
        assert end.recv(2) == b"\x05\x00"
        end.sendall(struct.pack("!BBBB", 5, command, 0, kind) + host + struct.pack("!H", port))
        answer = b""
        while len(answer) < 15 and (piece := end.recv(100)):
            answer += piece
        return answer[1:2] + answer[10:]


def test_the_proxy_leads_to_one_port_and_to_no_other(service: Greeter, other: Greeter) -> None:
    proxy = OneTarget(service.port)
    proxy.start()
    here = bytes([127, 0, 0, 1])
    assert asked(proxy, 1, here, service.port) == b"\x00hello"
    assert asked(proxy, 3, b"\x09127.0.0.1", service.port) == b"\x00hello"
    refused = [
        asked(proxy, 1, here, other.port),
        asked(proxy, 1, bytes([127, 0, 0, 2]), service.port),
        asked(proxy, 3, b"\x09localhost", service.port),
        asked(proxy, 4, bytes(15) + b"\x01", service.port),
        asked(proxy, 1, here, service.port, command=3),
    ]
    assert refused == [b"\x02"] * 5
    assert other.visitors == 0
    service.close()
    assert asked(proxy, 1, here, service.port) == b"\x05"
    proxy.close()


def read_all(end: socket.socket) -> bytes:
    """Read until the other side closes, in whichever way."""
    found = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := end.recv(100):
            found += piece
    return found


def test_who_speaks_another_protocol_is_cut_off(service: Greeter) -> None:
    proxy = OneTarget(service.port)
    proxy.start()
    for words in (b"GET / HTTP/1.1\r\n\r\n" + bytes(100), b"\x05\x01\x00\x05\x01\x00\x09" + bytes(10)):
        with socket.create_connection(("127.0.0.1", proxy.port), 5) as end:
            end.sendall(words)
            assert read_all(end) in (b"", b"\x05\x00")  # the end, or no more than the greeting before it
    proxy.close()
    assert service.visitors == 0
