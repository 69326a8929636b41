"""The Docker engine from the side of a check (2.8): build, run, ask, stop, and leave nothing behind."""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import shutil
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lab2_judges.checkout import LAB, Checkout
from labkit.course.marks import reference
from labkit.text import clean

BUILD_SECONDS, ANSWER_SECONDS, READY_SECONDS = 840.0, 120.0, 60.0
LABEL = "mlops-lab.check"
RIGHTS = ("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--network", "none")
_NO_REGISTRY = re.compile(
    r"failed to (resolve|do request|authorize|fetch)|no such host|dial tcp|i/o timeout|TLS handshake", re.I
)
_NO_BUILDX = re.compile(r"buildx component is missing|buildx.*not found|unknown flag: --progress", re.I)

# Runs inside of the container, where the service is on loopback: so no port has to be free, and no network is needed.
ASK = """
import json, sys, time, urllib.error, urllib.request
method, path, body, seconds = sys.argv[1:5]
end = time.monotonic() + float(seconds)
while True:
    try:
        request = urllib.request.Request("http://127.0.0.1:8000" + path, body.encode() or None, method=method)
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=10) as answer:
            found = answer.status, answer.read().decode()
            break
    except urllib.error.HTTPError as error:
        found = error.code, error.read().decode()
    except OSError as error:
        found = 0, str(error)
    if time.monotonic() > end or "could not be loaded" in found[1]:
        break
    time.sleep(0.3)
print(json.dumps({"status": found[0], "body": found[1][:100000]}))
"""
# A server that is there and not ready.
NOT_READY = """
from http.server import BaseHTTPRequestHandler, HTTPServer
class Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(503)
        self.end_headers()
HTTPServer(("", 8000), Answer).serve_forever()
"""


@dataclass(frozen=True)
class Image:
    """A built image, or in `problem` why it was not built."""

    tag: str
    base: str
    checkout: Checkout
    problem: str = ""


def docker(*arguments: str, seconds: float = ANSWER_SECONDS) -> subprocess.CompletedProcess[str]:
    """Run the Docker client; its exit status is the caller's to judge."""
    environment = {**os.environ, "DOCKER_BUILDKIT": "1", "BUILDKIT_PROGRESS": "plain", "DOCKER_CLI_HINTS": "false"}
    return subprocess.run(
        ["docker", *arguments],
        env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=seconds,
    )  # fmt: skip


def require_engine() -> None:
    """Skip where no Docker engine answers."""
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        if docker("version", "--format", "{{.Server.Version}}", seconds=20).returncode == 0:
            return
    pytest.skip("no Docker engine answers here; `lab doctor` says how to get one")


@contextlib.contextmanager
def built_image(root: Path, submitted: Mapping[str, str], checkout: Checkout, base: str) -> Iterator[Image]:
    """Build the submission's Dockerfile over a fresh checkout; the image and its containers are gone afterwards.

    The service in it is the solution's: the Dockerfile alone is under check, so that 2.8 can be done first or last.
    """
    require_engine()
    name = f"mlops-lab-check:{secrets.token_hex(6)}"
    with tempfile.TemporaryDirectory(prefix="lab-image-") as scratch:
        context, recipe = Path(scratch, "context"), Path(scratch, "recipe")
        lay_out_checkout(root, context, checkout)
        recipe.mkdir()
        (recipe / "Dockerfile").write_text(submitted["Dockerfile"], encoding="utf-8")
        (recipe / "Dockerfile.dockerignore").write_text(submitted.get(".dockerignore", ""), encoding="utf-8")
        try:
            problem = _build(name, context, recipe)
            yield Image(name, base, checkout, problem)
        finally:
            tidy_up(name)


def tidy_up(name: str) -> None:
    """Remove the containers of an image and its name."""
    listed = docker("ps", "--all", "--quiet", "--filter", f"label={LABEL}={name}")
    for container in listed.stdout.split():
        docker("rm", "--force", "--volumes", container)
    docker("rmi", "--force", name)


def lay_out_checkout(root: Path, context: Path, checkout: Checkout) -> None:
    """Write the files of a checkout: decoys with the marker in them, the solution as the learner's service."""
    for path in sorted(checkout.files):
        target = context / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if path in checkout.decoys:
            target.write_text(f"{checkout.marker}\n", encoding="utf-8")
            continue
        source = root / (path.replace("labs/", "solutions/", 1) if path.startswith(f"labs/{LAB}/") else path)
        try:
            target.write_text(reference(source.read_text(encoding="utf-8"), path), encoding="utf-8")
        except ValueError:  # not text, or no marks of ours
            shutil.copyfile(source, target)
        target.chmod(0o644)


def _build(name: str, context: Path, recipe: Path) -> str:
    network = "default" if docker("network", "inspect", "bridge").returncode == 0 else "host"
    try:
        done = docker(
            "build", "--tag", name, "--file", str(recipe / "Dockerfile"), "--network", network,
            "--build-arg", "TRACK=labs", "--build-arg", "REVISION=0123abc", str(context),
            seconds=BUILD_SECONDS,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return f"it was not done after {BUILD_SECONDS / 60:.0f} minutes; `make image-2` shows what it does"
    if done.returncode == 0:
        return ""
    if _NO_BUILDX.search(done.stderr):
        pytest.skip("this Docker client has no buildx; your system's package for it is `docker-buildx` or so")
    if re.search(r"\[internal\] load metadata|FROM", done.stderr) and _NO_REGISTRY.search(done.stderr):
        pytest.skip("no image registry can be reached for the base image; try again with a network")
    return last_words(done.stdout + done.stderr)


def last_words(text: str, count: int = 12) -> str:
    """The end of a build's output, without the numbers in front of each line."""
    lines = [re.sub(r"^#\d+ (\d+\.\d+ )?", "", line).strip() for line in text.splitlines()]
    told = [line for line in lines if line and not re.match(r"sha256:|-+$|CANCELED|DONE|CACHED", line)]
    return clean("\n".join(told[-count:]), 1400)


@contextlib.contextmanager
def container(image: Image, *options: str, command: Sequence[str] = ()) -> Iterator[str]:
    """A running container with no rights, no network and a read-only root file system; its id."""
    label = f"{LABEL}={image.tag}"
    limits = ("--memory", "1g", "--pids-limit", "256", "--stop-timeout", "30")
    done = docker("run", "--detach", "--label", label, *RIGHTS, *limits, *options, image.tag, *command)
    if done.returncode:
        raise RuntimeError(clean(done.stderr, 600))
    identity = done.stdout.split()[-1]
    try:
        yield identity
    finally:
        docker("rm", "--force", "--volumes", identity)


def ask(identity: str, method: str, path: str, body: str = "", *, wait: float = 0.0) -> tuple[int, str]:
    """Ask the service from inside its container until it answers well, for `wait` seconds: status and body.

    The status is 0 where nobody answers, -1 where the container has ended.
    """
    for python in ("python", "python3", "/proc/1/exe"):
        done = docker("exec", identity, python, "-c", ASK, method, path, body, str(wait), seconds=wait + ANSWER_SECONDS)
        if done.returncode == 0 and done.stdout.strip():
            found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
            return int(found["status"]), str(found["body"])
        if inspect(identity, "{{.State.Running}}") != "true":
            return -1, ""
    return 0, clean(done.stderr, 300)


def python_of(image: Image) -> str:
    """The name of Python on the PATH of the image."""
    for name in ("python", "python3"):
        options = ("--rm", "--label", f"{LABEL}={image.tag}", *RIGHTS, "--entrypoint", name)
        if docker("run", *options, image.tag, "-c", "0").returncode == 0:
            return name
    return "python"


def inspect(name: str, form: str) -> str:
    """A field of what Docker knows about an image or a container."""
    return docker("inspect", "--format", form, name).stdout.strip()


def logs(identity: str) -> str:
    """What a container has said last: errors first, then other lines, without those of the requests."""
    done = docker("logs", "--tail", "200", identity)
    lines = [line for line in (done.stdout + done.stderr).splitlines() if "/readyz" not in line]
    errors = [line for line in lines if re.search(r"error|cannot|denied|read-only", line, re.I)]
    return clean("\n".join((errors or lines)[-8:]), 1000)


def layers_size(name: str) -> int:
    """The bytes of all layers of an image."""
    told = docker("history", "--human=false", "--format", "{{.Size}}", name).stdout.split()
    return sum(int(float(size)) for size in told)


def base_size(image: Image) -> int:
    """The bytes of the base image's layers. BuildKit keeps it without a name: it is given one, out of the cache."""
    name = f"{image.tag}-base"
    with tempfile.TemporaryDirectory(prefix="lab-image-") as scratch:
        Path(scratch, "Dockerfile").write_text(f"FROM {image.base}\n", encoding="utf-8")
        done = docker("build", "--tag", name, scratch)
    if done.returncode:
        raise RuntimeError(last_words(done.stderr))
    try:
        return layers_size(name)
    finally:
        docker("rmi", "--force", name)


def files_of(image: Image) -> Iterator[tuple[str, bytes]]:
    """Each file of the image with its first bytes."""
    made = docker("create", "--label", f"{LABEL}={image.tag}", image.tag, "true")
    identity = made.stdout.split()[-1]
    with subprocess.Popen(
        ["docker", "export", identity], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL
    ) as export:
        assert export.stdout is not None
        with tarfile.open(fileobj=export.stdout, mode="r|") as archive:
            for member in archive:
                stream = archive.extractfile(member) if member.isreg() and 0 < member.size < 4096 else None
                yield member.name.removeprefix("./"), stream.read() if stream else b""
    docker("rm", "--force", identity)


def stop(identity: str, seconds: int = 10) -> tuple[float, int]:
    """Stop a container as an orchestrator does; the seconds that it took, and its exit status."""
    started = time.monotonic()
    docker("stop", "--time", str(seconds), identity)
    return time.monotonic() - started, int(inspect(identity, "{{.State.ExitCode}}") or -1)
