"""Which operating system this is, where programs are, and the command that installs each optional tool."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import sysconfig
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

WITHOUT = "LABKIT_WITHOUT"
"""Names tools, with commas, that no check may use though they are there: a Dockerfile runs its author's commands."""

Family = Literal["debian", "ubuntu", "fedora", "macos", "other"]


@dataclass(frozen=True)
class System:
    """`family` decides which package manager; `title` is what a person calls it."""

    family: Family
    title: str
    wsl: bool = False


@dataclass(frozen=True)
class Tool:
    """`names` are its programs, the first that is there counts.

    `probe` are the arguments that make it answer; `silent` is the advice where it does not.
    """

    name: str
    use: str
    names: tuple[str, ...]
    probe: tuple[str, ...]
    install: dict[Family, str]
    silent: str = "install it again"


def own_path() -> str:
    """Return the PATH on which the programs of this environment come first, also where it is not activated."""
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])


@cache
def operating_system() -> System:
    """This machine's operating system, from `/etc/os-release` and the kernel's name."""
    if sys.platform == "darwin":
        return System("macos", f"macOS {platform.mac_ver()[0]} ({platform.machine()})")
    release = read_os_release(Path("/etc/os-release"))
    return system_of(release, platform.release(), platform.machine(), bool(os.environ.get("WSL_DISTRO_NAME")))


def read_os_release(path: Path) -> dict[str, str]:
    """The keys and values of an os-release file, empty where there is none."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return {}
    pairs = (line.partition("=") for line in lines if "=" in line)
    return {key.strip(): value.strip().strip("\"'") for key, _, value in pairs}


def system_of(release: dict[str, str], kernel: str, machine: str, wsl: bool = False) -> System:
    """The system that an os-release table and a kernel name stand for."""
    wsl = wsl or "microsoft" in kernel.lower()
    names = [release.get("ID", ""), *release.get("ID_LIKE", "").split()]
    family: Family = "other"
    if "ubuntu" in names:
        family = "ubuntu"
    elif "debian" in names:
        family = "debian"
    elif {"fedora", "rhel", "centos"} & set(names):
        family = "fedora"
    title = release.get("PRETTY_NAME") or platform.system()
    return System(family, f"{title}{' in WSL2' if wsl else ''} ({machine})", wsl)


def install_command(tool: Tool, system: System | None = None) -> str:
    """The command that installs `tool` on this system (or on `system`)."""
    system = system or operating_system()
    if system.wsl and tool.name == "docker":
        return "winget install Docker.DockerDesktop   (in Windows; then switch on WSL integration in its settings)"
    return tool.install.get(system.family, tool.install["other"])


def tools() -> tuple[Tool, ...]:
    """The optional tools, in the order in which the labs meet them."""
    monitoring = (_prometheus(), _promtool(), _alertmanager(), _amtool())
    return (_docker(), _kubectl(), _kind(), *monitoring, _chromium(), _terraform())


def is_there(name: str) -> bool:
    """Whether a tool is on this machine, under any of its names."""
    return find(name) is not None


def find(name: str) -> Path | None:
    """The program of a tool: on PATH, else in this environment's own folder, where a wheel may have put it.

    That folder is on PATH only where the environment is active, and `.venv/bin/lab` runs without.
    """
    names = next((tool.names for tool in tools() if tool.name == name), (name,))
    own = os.pathsep.join(dict.fromkeys([str(Path(sys.executable).parent), sysconfig.get_path("scripts")]))
    for path in (None, own):
        for known in names:
            if found := shutil.which(known, path=path):
                return Path(found)
    return None


def find_program(name: str) -> Path | None:
    """A program of this environment, else a tool wherever it is."""
    found = shutil.which(name, path=own_path())
    return Path(found) if found else find(name)


def _docker() -> Tool:
    apt = "sudo apt-get install docker.io && sudo usermod -aG docker $USER"
    return Tool(
        name="docker",
        use="labs 2, 3 and 7 build and run images with it",
        names=("docker",),
        probe=("info", "--format", "Docker Engine {{.ServerVersion}}"),
        install={
            "debian": apt,
            "ubuntu": apt,
            "fedora": "sudo dnf install moby-engine && sudo systemctl enable --now docker",
            "macos": "brew install --cask docker",
            "other": "https://docs.docker.com/engine/install/",
        },
        silent="it is not running, or you may not use it: `sudo systemctl start docker`, or start Docker Desktop",
    )


def _binary(url: str, name: str) -> str:
    return f"curl -fLo ~/.local/bin/{name} --create-dirs {url} && chmod +x ~/.local/bin/{name}"


def _architecture() -> str:
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())


def _kubectl() -> Tool:
    newest = "$(curl -fLs https://dl.k8s.io/release/stable.txt)"
    linux = _binary(f'"https://dl.k8s.io/release/{newest}/bin/linux/{_architecture()}/kubectl"', "kubectl")
    return Tool(
        name="kubectl",
        use="lab 3 renders and applies manifests with it",
        names=("kubectl",),
        probe=("version", "--client"),
        install={"ubuntu": "sudo snap install kubectl --classic", "macos": "brew install kubectl", "other": linux},
    )


def _kind() -> Tool:
    linux = _binary(f"https://kind.sigs.k8s.io/dl/latest/kind-linux-{_architecture()}", "kind")
    return Tool(
        name="kind",
        use="lab 3 makes a cluster on this machine with it",
        names=("kind",),
        probe=("version",),
        install={"macos": "brew install kind", "other": linux},
    )


def _prometheus() -> Tool:
    return _of_prometheus("prometheus", "prometheus", "lab 6 collects metrics with it")


def _promtool() -> Tool:
    return _of_prometheus("promtool", "prometheus", "lab 6 plays series to rules with it")


def _alertmanager() -> Tool:
    return _of_prometheus("alertmanager", "alertmanager", "lab 6 sends alerts with it")


def _amtool() -> Tool:
    return _of_prometheus("amtool", "alertmanager", "lab 6 reads the configuration of Alertmanager with it")


def _of_prometheus(name: str, package: str, use: str) -> Tool:
    apt = "sudo apt-get install --no-install-recommends prometheus prometheus-alertmanager"
    return Tool(
        name=name,
        use=use,
        names=(name, f"prometheus-{name}"),  # Debian has a longer name for some
        probe=("--version",),
        install={
            "debian": apt,
            "ubuntu": apt,
            "fedora": f"sudo dnf install /usr/bin/{name}",
            "macos": f"brew install {package}",
            "other": "https://prometheus.io/download/",
        },
    )


def _chromium() -> Tool:
    return Tool(
        name="chromium",
        use="browser tests of the pages use it",
        names=(
            "chromium",
            "chromium-browser",
            "google-chrome",
            "google-chrome-stable",
            "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
            "/Applications/Chromium.app/Contents/MacOS/Chromium",
        ),
        probe=("--version",),
        install={
            "debian": "sudo apt-get install chromium",
            "ubuntu": "sudo snap install chromium",
            "fedora": "sudo dnf install chromium",
            "macos": "brew install --cask chromium",
            "other": "playwright install chromium",
        },
    )


def _terraform() -> Tool:
    version = "1.11.4"
    archive = f"terraform_{version}_linux_{_architecture()}.zip"
    linux = (
        f"curl -fLo /tmp/terraform.zip https://releases.hashicorp.com/terraform/{version}/{archive}"
        " && unzip -d ~/.local/bin /tmp/terraform.zip terraform"
    )
    return Tool(
        name="terraform",
        use="lab 7 plans the cloud tier with it",
        names=("terraform",),
        probe=("version",),
        install={
            "ubuntu": "sudo snap install terraform --classic",
            "macos": "brew install hashicorp/tap/terraform",
            "other": linux,
        },
    )
