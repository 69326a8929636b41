"""Judges a built image and its containers (2.8). Needs a Docker engine."""

from __future__ import annotations

import json
import re

import pytest

from lab2_judges import image as engine
from lab2_judges.image import Image, ask, container, docker, inspect, logs
from labkit.checks import expect, fail
from labkit.text import clean

MOST_MEGABYTES = 450
SECONDS_TO_STOP = 8.0
HOUSE = {
    "bedrooms": 3, "bathrooms": 2.25, "sqft_living": 2000, "sqft_lot": 5000, "floors": 2.0, "waterfront": False,
    "view": 0, "condition": 3, "grade": 8, "sqft_above": 1500, "sqft_basement": 500, "yr_built": 1985,
    "yr_renovated": 0, "zipcode": 98052, "lat": 47.67, "long": -122.12, "sqft_living15": 1900, "sqft_lot15": 5200,
}  # fmt: skip
_TOOLS = re.compile(r"(^|/)s?bin/(pip[\d.]*|uvx?|gcc[\d.-]*|g\+\+[\d.-]*|cc|ld|make|cmake|git|curl|wget|conda|poetry)$")
_PIP = re.compile(r"(site|dist)-packages/pip/__init__\.py$")
_TESTS = re.compile(r"(^|/)(test_lab\d\w*\.py|lab\d_helpers/)")
_HINTS = {
    "Read-only file system": "The root file system is read-only: make folders and files while the image is built, and "
    "log to standard output.",
    "Permission denied": "The user of the image may not read or run it: look at `chmod`, `COPY --chmod` and at folders "
    "below /root.",
    "No module named": "Is the package installed in the Python that runs, and is PYTHONPATH set in the last stage?",
    "no such file or directory": "The program is not where PATH looks, or the first line of it names a Python that is "
    "elsewhere.",
    "executable file not found": "The program is not on the PATH of the last stage.",
    "unable to find user": "The user is not made in the last stage.",
}


def _hint(text: str) -> str:
    return next((hint for sign, hint in _HINTS.items() if sign.lower() in text.lower()), "")


def judge_built(image: Image) -> None:
    """The image can be built."""
    if image.problem:
        fail(expected="`docker build` makes the image", found=image.problem, help=_hint(image.problem))


def judge_size(image: Image) -> None:
    """The image is not much larger than its base."""
    megabytes = (engine.layers_size(image.tag) - engine.base_size(image)) / 1e6
    expect.that(
        megabytes <= MOST_MEGABYTES,
        expected=f"at most {MOST_MEGABYTES} MB on top of the base image",
        found=f"{megabytes:.0f} MB",
        help="`docker history` shows the size of each layer. `chown -R` and `chmod -R` copy each file into a new layer "
        "(`COPY --chown` does not), and what a later step removes is still shipped.",
    )


def judge_files(image: Image) -> None:
    """No secret, no other work, no build tool is in the file system."""
    marker = image.checkout.marker.encode()
    for path, content in engine.files_of(image):
        if marker in content:
            fail(
                expected="none of the secrets and private files of the checkout is in the image",
                found=f"`/{path}` has the content of one",
                help="Look at each COPY, and at what RUN copies.",
            )
        if found := _TOOLS.search(path) or _PIP.search(path):
            fail(
                expected="no pip, no compiler and no download tool in the image",
                found=f"`/{path}`",
                help=f"`{found[0].strip('/')}` comes from the base image or from a stage whose folder is copied whole.",
            )
        if _TESTS.search(path):
            fail(expected="no tests of the course in the image", found=f"`/{path}`")


def judge_service(image: Image) -> None:
    """It becomes ready and predicts: read-only, without rights, without network, as its own user."""
    python = engine.python_of(image)
    try:
        with container(image) as identity:
            _judge_ready(identity)
            _judge_user(identity, python)
            _judge_address(identity, python)
            _judge_answers(identity)
    except RuntimeError as error:
        fail(expected="`docker run --read-only --cap-drop ALL` starts", found=str(error), help=_hint(str(error)))


def _judge_ready(identity: str) -> None:
    status, body = ask(identity, "GET", "/readyz", wait=engine.READY_SECONDS)
    if status != 200:
        told = logs(identity)
        ended = f"it ended with status {inspect(identity, '{{.State.ExitCode}}')}" if status == -1 else ""
        answer = "nobody listens on port 8000" if status == 0 else f"/readyz answers {status}: {clean(body, 200)}"
        fail(
            expected=f"with a read-only root file system and no rights, /readyz answers 200 within "
            f"{engine.READY_SECONDS:.0f} seconds",
            found=f"{ended or answer}. It said last:\n{told}",
            help=_hint(told + body),
        )


def _judge_user(identity: str, python: str) -> None:
    done = docker("exec", identity, python, "-c", "import os; print(os.stat('/proc/1').st_uid)")
    expect.that(done.stdout.strip() != "0", expected="the server does not run as root", found="user id 0")


def _judge_address(identity: str, python: str) -> None:
    """Listening sockets as the kernel lists them: state 0A, the address in hexadecimal."""
    code = "print(open('/proc/net/tcp').read(), open('/proc/net/tcp6').read())"
    table = docker("exec", identity, python, "-c", code).stdout
    addresses = re.findall(r"\d+: ([0-9A-F]+):1F40 [0-9A-F]+:[0-9A-F]+ 0A", table)
    expect.that(
        not addresses or any(set(address) == {"0"} for address in addresses),
        expected="the server listens on 0.0.0.0",
        found="it listens on the container's own loopback address only",
        help="From outside of the container nobody can call it.",
    )


def _judge_answers(identity: str) -> None:
    status, body = ask(identity, "POST", "/v1/house-price", json.dumps(HOUSE))
    price = json.loads(body).get("price") if status == 200 else None
    expect.that(
        isinstance(price, (int, float)) and 50_000 < price < 8_000_000,
        expected="POST /v1/house-price answers with a price",
        found=f"{status}: {clean(body, 300)}",
    )
    status, body = ask(identity, "GET", "/")
    expect.that(status == 200, expected="GET / answers with the page", found=f"{status}: {clean(body, 200)}")


def judge_health(image: Image) -> None:
    """The health check passes where the service is ready, and fails where it answers 503."""
    test = json.loads(inspect(image.tag, "{{json .Config.Healthcheck}}") or "null") or {}
    kind, *words = test.get("Test") or ["NONE"]
    expect.that(kind in ("CMD", "CMD-SHELL") and words, expected="a HEALTHCHECK", found="there is none")
    command = words if kind == "CMD" else ["/bin/sh", "-c", words[0]]
    with container(image) as identity:
        if ask(identity, "GET", "/readyz", wait=engine.READY_SECONDS)[0] != 200:
            pytest.skip("the service does not become ready: see the check before")
        done = docker("exec", identity, *command)
        expect.that(
            done.returncode == 0,
            expected="the health check ends with 0 where the service is ready",
            found=f"{done.returncode}: {clean(done.stdout + done.stderr, 500)}",
        )
    with container(image, "--entrypoint", engine.python_of(image), command=["-c", engine.NOT_READY]) as identity:
        ask(identity, "GET", "/readyz", wait=3.0)
        done = docker("exec", identity, *command)
        expect.that(
            done.returncode != 0,
            expected="the health check ends with 1 where the service answers 503",
            found="it ends with 0",
            help="Docker looks at the exit status only, and not at what is printed.",
        )


def judge_stop(image: Image) -> None:
    """SIGTERM ends the server in seconds."""
    with container(image) as identity:
        status, _ = ask(identity, "GET", "/livez", wait=engine.READY_SECONDS)
        if status != 200:
            fail(expected="/livez answers 200", found=f"{status or 'nobody listens'}. It said last:\n{logs(identity)}")
        seconds, code = engine.stop(identity)
        expect.that(
            seconds < SECONDS_TO_STOP and code in (0, 143),
            expected=f"SIGTERM ends the server within {SECONDS_TO_STOP:.0f} seconds, with status 0 or 143",
            found=f"it took {seconds:.0f} seconds and ended with {code}" + (" (SIGKILL)" if code == 137 else ""),
            help="Process 1 gets the signal. If that is a shell or a program of yours that starts the server, the "
            "server never hears SIGTERM. Let the server be process 1.",
        )
