"""Drivers: what the checks have a library do with a learner's text reaches that one service, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.labkit import toy
from tests.labkit.test_serving import SERVICE

from labkit.course.catalog import load_catalog
from labkit.course.tracks import resolve_track
from labkit.engine.client import Engine, default_mode
from labkit.records import Report

DRIVER = """
import os, socket, urllib.request
from pathlib import Path


def ask(url):
    with urllib.request.urlopen(url + "/env", timeout=5) as answer:
        return answer.status


def reach(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return "reached"
    except OSError as error:
        return type(error).__name__


def read(path):
    try:
        return Path(path).read_text()
    except OSError as error:
        return type(error).__name__


def environment():
    return sorted(os.environ)


def end():
    os._exit(3)


def stumble():
    raise ValueError("a bug of the check")
"""

CHECKS = '''
import socket
import pytest
from labkit.checks import LearnerStopped, exercise, expect


@pytest.fixture(scope="module")
def service(new_lab):
    return new_lab("1.1", listen=True).serve("answer:create_app")


@exercise("1.1")
def test_it_reaches_the_service(service):
    """A driver reaches the service under check at its own address, as often as it is called."""
    assert [service.drive("toy_driver:ask", service.url) for _ in range(2)] == [200, 200]


@exercise("1.1")
def test_it_reaches_nobody_else(service):
    """A port of this machine that is not the service's cannot be reached."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        found = service.drive("toy_driver:reach", other.getsockname()[1])
        other.settimeout(0)
        with pytest.raises(BlockingIOError):
            other.accept()
    expect.that(found == "ConnectionRefusedError", expected="no way to the host", found=found)


@exercise("1.1")
def test_it_reads_neither_submission_nor_secret(service, request, tmp_path):
    """Neither the submission nor a file of the user can be read."""
    (tmp_path / "secret").write_text("secret")
    found = service.drive("toy_driver:read", str(tmp_path / "secret"))
    expect.that(found != "secret", expected="no way to a file of the user", found=found)


@exercise("1.1")
def test_a_driver_that_ends_fails(service):
    """A driver that is made to end is a failed check."""
    service.drive("toy_driver:end")


@exercise("1.1")
def test_a_driver_that_raises_is_an_error(service):
    """A driver with a bug is the engine's fault."""
    service.drive("toy_driver:stumble")
'''
WALLED = {"test_it_reaches_nobody_else", "test_it_reads_neither_submission_nor_secret"}


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Report]:
    root = toy.make_course(tmp_path_factory.mktemp("drivers") / "course")
    toy.write(root / "solutions" / "lab1_toy" / "answer.py", SERVICE)
    toy.write(root / "tests" / "labs" / "test_lab1_toy.py", CHECKS)
    toy.write(root / "tests" / "labs" / "toy_driver.py", DRIVER)
    toml = toy.LAB_TOML.replace('["pandas"]', '["uvicorn", "httpx"]').replace("seconds = 2", "seconds = 20")
    toy.write(root / "weeks" / "week1_toy" / "lab.toml", toml)
    if default_mode() != "fork":
        pytest.skip("processes are not forked on this system, and drivers run in the checker")
    lab = load_catalog(root).lab(1)
    with Engine(root) as engine:
        yield engine.run(lab, None, resolve_track(root, "solutions", lab))


def test_a_driver_reaches_one_service_and_no_file(report: Report) -> None:
    found = {result.check: result.outcome for result in report.results}
    wanted = {
        "test_it_reaches_the_service": "passed",
        "test_it_reaches_nobody_else": "passed",
        "test_it_reads_neither_submission_nor_secret": "passed",
        "test_a_driver_that_ends_fails": "failed",
        "test_a_driver_that_raises_is_an_error": "error",
    }
    if report.notes:  # without namespaces there is a network, and where Landlock is missing, too, there are files
        wanted = {check: outcome for check, outcome in wanted.items() if check not in WALLED}
        found = {check: outcome for check, outcome in found.items() if check not in WALLED}
    assert found == wanted, [result.message for result in report.results]


def test_a_bug_of_a_driver_is_named(report: Report) -> None:
    message = next(one.message for one in report.results if one.check == "test_a_driver_that_raises_is_an_error")
    assert "ValueError: a bug of the check" in message
