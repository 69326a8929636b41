"""The doctor: it names the system, and for each missing tool the command of that system."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from labkit.learner.doctor import examine, memory_gb
from labkit.learner.ports import port_is_free
from labkit.tools import System, install_command, read_os_release, system_of, tools

DEBIAN = {"ID": "debian", "PRETTY_NAME": "Debian GNU/Linux 12 (bookworm)"}
UBUNTU = {"ID": "ubuntu", "ID_LIKE": "debian", "PRETTY_NAME": "Ubuntu 24.04 LTS"}
MINT = {"ID": "linuxmint", "ID_LIKE": "ubuntu debian"}
FEDORA = {"ID": "fedora", "PRETTY_NAME": "Fedora Linux 42"}
ROCKY = {"ID": "rocky", "ID_LIKE": "rhel centos fedora"}


@pytest.mark.parametrize(
    ("release", "family"),
    [
        (DEBIAN, "debian"),
        (UBUNTU, "ubuntu"),
        (MINT, "ubuntu"),
        (FEDORA, "fedora"),
        (ROCKY, "fedora"),
        ({"ID": "arch"}, "other"),
        ({}, "other"),
    ],
    ids=["debian", "ubuntu", "mint", "fedora", "rocky", "arch", "nothing"],
)
def test_the_family_of_a_system(release: dict[str, str], family: str) -> None:
    assert system_of(release, "6.1.0", "x86_64").family == family


def test_wsl_is_seen_by_its_kernel() -> None:
    system = system_of(UBUNTU, "5.15.167.4-microsoft-standard-WSL2", "x86_64")
    assert system == System("ubuntu", "Ubuntu 24.04 LTS in WSL2 (x86_64)", True)
    docker = tools()[0]
    assert "Docker.DockerDesktop" in install_command(docker, system)


@pytest.mark.parametrize("family", ["debian", "ubuntu", "fedora", "macos", "other"])
def test_every_tool_can_be_installed_everywhere(family: str) -> None:
    system = System(family, "a system")  # type: ignore[arg-type]
    commands = {tool.name: install_command(tool, system) for tool in tools()}
    monitoring = {"prometheus", "promtool", "alertmanager", "amtool"}
    assert set(commands) == {"docker", "kubectl", "kind", *monitoring, "chromium", "terraform"}
    assert all(commands.values())
    assert not any("| sh" in command or "| bash" in command for command in commands.values())
    if family == "macos":
        assert all(command.startswith("brew install") for command in commands.values())


def test_an_os_release_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "os-release"
    path.write_text('# comment\nID=debian\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n\nnonsense\n')
    assert read_os_release(path) == DEBIAN
    assert read_os_release(tmp_path / "none") == {}


def test_a_taken_port_is_seen() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        assert not port_is_free(server.getsockname()[1])


def test_everything_is_examined(course: Path) -> None:
    findings = {(finding.topic, finding.name): finding for finding in examine(course)}
    assert {topic for topic, _ in findings} == {"machine", "ports", "tools", "isolation"}
    assert findings["machine", "Python"].level == "note", "the toy course has no .venv"
    for name in ("docker", "kind", "kubectl", "terraform", "prometheus", "chromium"):
        finding = findings["tools", name]
        assert finding.level == "good" or finding.advice
    assert {name for topic, name in findings if topic == "ports"} == {"8000", "5000", "4200", "8888", "9090"}
    memory = memory_gb()
    assert memory is None or memory > 0.5
