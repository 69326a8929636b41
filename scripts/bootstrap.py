"""Make ``.venv`` from ``requirements.lock``, with nothing but the standard library.

``make`` runs this through ``bootstrap.sh`` when ``.venv/.ready`` is missing or older than the lock. That stamp is
written last, so an install that was cut off is never taken for a whole one: the next run starts anew, and the
downloads are still in the installer's cache.

uv installs: the one on PATH, or else the one of the lock, fetched by pip. Where uv does not run, pip does all of it.
Both check the hashes of the lock.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMP = VENV / ".ready"
LOCK = ROOT / "requirements.lock"
PYTHON = VENV / "bin" / "python"
NEEDED_BYTES = 2_500_000_000  # about 1.6 GB installed, and room for the wheels on their way

# Imported once after the install, so that their bytecode is there for the first check and for users who set
# PYTHONDONTWRITEBYTECODE. Compiling all 300 packages would take 45 s; these take 4 s.
WARM_UP = "import pandas, sklearn.ensemble, sklearn.pipeline, sklearn.compose, pytest, typer, rich.console"

# Tables that hypothesis computes once and keeps. A check can keep nothing: it would take a second each time.
TABLES = (
    "from hypothesis.internal.charmap import charmap, intervals_from_codec; charmap(), intervals_from_codec('utf-8')"
)

LARGE_DOWNLOAD = re.compile(r"\s*Downloading .*\(\d{2,}(\.\d)? ?Mi?B\)")  # 10 MB and more; shows that it goes on


class BootstrapError(Exception):
    """What went wrong, and on a second line how to fix it."""


def main() -> int:
    """Make ``.venv`` ready; return the exit status."""
    try:
        with one_at_a_time():
            if is_ready():
                STAMP.touch()
            else:
                install()
    except BootstrapError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped. The same command starts again; what was downloaded is kept.", file=sys.stderr)
        return 130
    return 0


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Let a second ``make`` in another terminal wait for the first."""
    with LOCK.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def is_ready() -> bool:
    """Whether ``.venv`` was made here, from this lock, and its Python still runs."""
    try:
        return STAMP.read_text(encoding="utf-8") == stamp_text() and runs(PYTHON)
    except OSError:
        return False


def stamp_text() -> str:
    """The folder on the first line (the Makefile compares it), a hash of what was installed on the second."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    parts = [LOCK.read_text(encoding="utf-8")]
    parts += [json.dumps(project[table], sort_keys=True) for table in ("project", "build-system")]
    return f"{ROOT}\n{hashlib.sha256(chr(0).join(parts).encode()).hexdigest()}\n"


def runs(python: Path) -> bool:
    """Whether this interpreter starts; it does not after its base was removed or updated."""
    return python.exists() and subprocess.run([python, "-c", ""], capture_output=True).returncode == 0


def install() -> None:
    """Make ``.venv`` from nothing and stamp it."""
    began = time.monotonic()
    check_disk()
    if VENV.is_symlink():
        VENV.unlink()
    shutil.rmtree(VENV, ignore_errors=True)
    say(f"Making .venv with Python {sys.version.split()[0]}: some 300 packages, 1.6 GB.")
    with tempfile.TemporaryDirectory(prefix="mlops-lab-") as scratch:
        run([sys.executable, "-m", "venv", "--without-pip", VENV])
        first_that_works(
            [
                ("uv", lambda: install_with(uv_on_path(), offline="--offline")),
                ("uv from the lock", lambda: install_with(uv_of_lock(Path(scratch)), offline="--offline")),
                ("pip", lambda: install_with(pip(Path(scratch)), offline="--no-index")),
            ]
        )
    compile_what_comes_first()
    write_stamp()
    say(f"Ready after {time.monotonic() - began:.0f} s.")


def check_disk() -> None:
    """Fail before the install does, half way."""
    free = shutil.disk_usage(ROOT).free
    if free < NEEDED_BYTES:
        raise BootstrapError(f"{free / 1e9:.1f} GB of disk are free here, and {NEEDED_BYTES / 1e9:.1f} GB are needed.")


def first_that_works(ways: list[tuple[str, Callable[[], None]]]) -> None:
    """Try each way of installing until one ends well; fail with what the last one said."""
    for number, (name, way) in enumerate(ways, start=1):
        try:
            way()
            return
        except BootstrapError as error:
            if number == len(ways):
                raise
            if not isinstance(error, NotHere):
                say(f"{name} did not work, trying {ways[number][0]}: {error}")


class NotHere(BootstrapError):
    """A way of installing that this machine does not offer; not worth a word."""


Command = list[str | Path]


def install_with(installer: Command, *, offline: str) -> None:
    """Install the lock, then the project itself, editable and without the network.

    ``installer`` is the start of a command line, ``offline`` its option for staying off the network. ``--no-deps``
    because the lock is complete: pip would otherwise refuse the extras (``pandas[parquet]``) of what it has hashes for.
    """
    run([*installer, "--no-deps", "--require-hashes", "-r", LOCK], show=True)
    run([*installer, "--no-deps", "--no-build-isolation", offline, "-e", ROOT])


def uv_on_path() -> Command:
    """The user's own uv."""
    uv = shutil.which("uv")
    if not uv:
        raise NotHere("there is no uv on PATH")
    return uv_command(uv)


def uv_of_lock(scratch: Path) -> Command:
    """The uv that the lock names, installed into ``.venv`` by pip: six times as fast as pip for the rest."""
    alone = scratch / "uv.txt"
    alone.write_text(entry_of_lock("uv"), encoding="utf-8")
    run([*pip(scratch), "--no-deps", "--require-hashes", "-r", alone])
    return uv_command(VENV / "bin" / "uv")


def uv_command(uv: str | Path) -> Command:
    return [uv, "pip", "install", "--python", PYTHON]


def entry_of_lock(name: str) -> str:
    """The lines of one package in the lock, with its hashes."""
    lines = LOCK.read_text(encoding="utf-8").splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(f"{name}=="))
    end = next(number for number, line in enumerate(lines) if number > start and not line.startswith("    --hash"))
    return "\n".join(lines[start:end]) + "\n"


def pip(scratch: Path) -> Command:
    """A pip that installs into ``.venv``: its own, this Python's, or the one that Debian packages as a wheel."""
    options: Command = ["install", "--no-compile", "--disable-pip-version-check", "--no-warn-script-location"]
    if find_spec("ensurepip"):  # Debian and Ubuntu have it in python3-venv only
        if not (VENV / "bin" / "pip").exists():
            run([PYTHON, "-m", "ensurepip", "--default-pip"])
        return [PYTHON, "-m", "pip", *options]
    if find_spec("pip"):
        return [sys.executable, "-m", "pip", "--python", PYTHON, *options]
    if shutil.which("apt-get") and shutil.which("dpkg-deb"):
        return [PYTHON, pip_of_debian(scratch) / "pip", *options]
    raise BootstrapError(NO_PIP)


NO_PIP = """this Python has no pip, and no way to get one was found.
fix:   sudo apt install python3-venv   (Debian, Ubuntu; elsewhere: your system's package of pip, or uv)"""


def pip_of_debian(scratch: Path) -> Path:
    """Take pip's wheel out of the package ``python3-pip-whl``, without root and without installing it.

    apt checks its signature. The package lists are fetched to a folder of our own where the system has none.
    """
    wheels = sorted(scratch.glob("deb/usr/share/python-wheels/pip-*.whl"))
    if wheels:
        return wheels[-1]
    say("This Python has no pip: taking it out of the package python3-pip-whl.")
    try:
        download_package("python3-pip-whl", scratch)
        run(["dpkg-deb", "-x", next(scratch.glob("python3-pip-whl*.deb")), scratch / "deb"])
        return sorted(scratch.glob("deb/usr/share/python-wheels/pip-*.whl"))[-1]
    except (BootstrapError, StopIteration, IndexError) as error:
        raise BootstrapError(NO_PIP) from error


def download_package(name: str, folder: Path) -> None:
    """``apt-get download`` into a folder, after an update of lists of our own if the system's do not do."""
    try:
        run(["apt-get", "download", name], cwd=folder)
    except BootstrapError:
        for part in ("lists/partial", "cache/archives/partial"):
            (folder / part).mkdir(parents=True, exist_ok=True)
        own = ["-o", f"Dir::State::lists={folder / 'lists'}", "-o", f"Dir::Cache={folder / 'cache'}"]
        own += ["-o", "APT::Sandbox::User="]
        run(["apt-get", *own, "update"], cwd=folder)
        run(["apt-get", *own, "download", name], cwd=folder)


def compile_what_comes_first() -> None:
    """Write the bytecode of our own code and of what the first check imports; a failure costs only time."""
    subprocess.run([PYTHON, "-m", "compileall", "-q", ROOT / "shared"], env=environment(), capture_output=True)
    subprocess.run([PYTHON, "-c", WARM_UP], env=environment(), capture_output=True)
    tables = environment() | {"HYPOTHESIS_STORAGE_DIRECTORY": str(VENV / "share" / "hypothesis")}
    subprocess.run([PYTHON, "-c", TABLES], env=tables, capture_output=True)


def write_stamp() -> None:
    """The last step, under a temporary name and renamed."""
    fresh = STAMP.with_suffix(".new")
    fresh.write_text(stamp_text(), encoding="utf-8")
    fresh.replace(STAMP)


def environment() -> dict[str, str]:
    """The user's environment, less what would lead an installer away from ``.venv``."""
    away = {"PYTHONDONTWRITEBYTECODE", "PYTHONHOME", "PYTHONPATH", "PIP_TARGET", "PIP_PREFIX", "PIP_REQUIRE_VIRTUALENV"}
    return {key: value for key, value in os.environ.items() if key not in away} | {"PIP_USER": "0"}


def run(command: Command, *, show: bool = False, cwd: Path = ROOT) -> None:
    """Run a command; ``show`` lets through what it says about large downloads. Fail with the last lines it said."""
    process = subprocess.Popen(
        [str(part) for part in command],
        cwd=cwd,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    tail: list[str] = []
    with process:
        for line in process.stdout or ():
            tail = [*tail[-11:], line.rstrip()]
            if show and LARGE_DOWNLOAD.match(line):
                say(f"  {line.strip()}")
    if process.returncode:
        raise BootstrapError(f"`{shown(command)}` ended with status {process.returncode}:\n" + "\n".join(tail))


def shown(command: Command) -> str:
    """A command as it is shown in an error: its name and what it was told first."""
    return " ".join([Path(command[0]).name, *[str(part) for part in command[1:4]]]) + " …"


def say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
