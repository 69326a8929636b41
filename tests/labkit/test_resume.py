"""The end of the process that judges one check costs that check alone: the others are judged by a new one."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.labkit import toy

from labkit.course.catalog import load_catalog
from labkit.course.lab import Lab
from labkit.course.tracks import Collected, Track, resolve_track
from labkit.engine import conductor, runs
from labkit.engine.client import Engine, default_mode
from labkit.engine.runs import Run
from labkit.records import MOST, Report, Result

CHECKS = '''
import ctypes, os, signal, threading
import pytest
from labkit.checks import exercise, expect


@exercise("1.1")
def test_before(lab):
    """`double` doubles 2."""
    expect.close(lab.answer.double(2), 4, "`double(2)`")


@exercise("1.1")
@pytest.mark.parametrize("how", ["segv", "kill", "exit"])
def test_ends(lab, how):
    """`double` answers in a way that ends whoever reads it."""
    lab.answer.double(3)
    if how == "exit":
        os._exit(0)
    os.kill(os.getpid(), {"segv": signal.SIGSEGV, "kill": signal.SIGKILL}[how])


@exercise("1.1")
def test_between(lab, rng):
    """`double` doubles 5."""
    expect.close(lab.answer.double(5), 10, "`double(5)`")


@exercise("1.2")
def test_other_file(lab):
    """Never run: its file cannot be imported."""
    lab.other.nothing()


@exercise("1.1")
def test_wrong(lab):
    """`double` doubles 7 to 15."""
    expect.close(lab.answer.double(7), 15, "`double(7)`")
'''


@pytest.fixture
def course(tmp_path: Path) -> Path:
    root = toy.make_light_course(tmp_path / "course")
    toml = toy.LAB_TOML.replace('preload = ["pandas"]', "preload = []")
    second = toml.index('[[exercise]]\nid = "1.2"')
    toml = toml[:second] + toml[second:].replace('"answer.py"', '"other.py"')
    toy.write(root / "weeks" / "week1_toy" / "lab.toml", toml)
    toy.write(root / "solutions" / "lab1_toy" / "answer.py", toy.answer())
    toy.write(root / "solutions" / "lab1_toy" / "other.py", "raise RuntimeError('not today')\n")
    toy.write(root / "tests" / "labs" / "test_lab1_toy.py", CHECKS)
    return root


@pytest.mark.parametrize("mode", ["fork", "spawn"])
def test_a_checker_that_ends_costs_one_check(course: Path, mode: Any) -> None:
    if mode == "fork" and default_mode() != "fork":
        pytest.skip("processes are not forked on this system")
    lab = load_catalog(course).lab(1)
    seen: list[Result] = []
    with Engine(course, mode=mode) as engine:
        report = engine.run(lab, None, resolve_track(course, "solutions", lab), on_result=seen.append)
    assert sorted((result.check, result.outcome) for result in seen) == [
        ("imports", "failed"),
        ("test_before", "passed"),
        ("test_between", "passed"),
        ("test_ends[exit]", "failed"),
        ("test_ends[kill]", "failed"),
        ("test_ends[segv]", "failed"),
        ("test_other_file", "failed"),
        ("test_wrong", "failed"),
    ]
    said = {result.check: result for result in report.results}
    for name in ("segv", "kill"):
        assert "ended the process that judges it (signal " in said[f"test_ends[{name}]"].message
    assert "status 0" in said["test_ends[exit]"].message
    assert said["test_ends[segv]"].title.startswith("`double` answers in a way")
    assert "not run" in said["test_other_file"].message
    assert report.exit_code == 1


class InThread(Engine):
    """An engine whose conductor is a thread of this process, so that a test may change its bounds."""

    def __enter__(self) -> InThread:
        (self.root / ".lab" / "cache").mkdir(parents=True, exist_ok=True)
        self._channel, theirs = socket.socketpair()
        self.conductor = conductor.Conductor(theirs, self.root, jobs=1, fork=default_mode() == "fork")
        self.thread = threading.Thread(target=self.conductor.serve)
        self.thread.start()
        return self

    def __exit__(self, *unused: object) -> None:
        assert self._channel is not None
        self._channel.close()
        self.thread.join(20)
        self.conductor.client.close()


@pytest.fixture
def in_thread(course: Path) -> Iterator[InThread]:
    with InThread(course) as engine:
        yield engine


def check(engine: Engine, course: Path, checks: str) -> Report:
    toy.write(course / "solutions" / "lab1_toy" / "other.py", "")
    toy.write(course / "tests" / "labs" / "test_lab1_toy.py", checks)
    lab = load_catalog(course).lab(1)
    return engine.run(lab, None, resolve_track(course, "solutions", lab))


def test_what_is_said_meanwhile_does_not_put_off_the_end(
    course: Path, in_thread: InThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conductor, "SILENCE", 1.0)
    checks = CHECKS.partition("@exercise")[0] + (
        '@exercise("1.1")\ndef test_trickles(lab, request):\n    """It asks without an end."""\n'
        "    from labkit.checking.fixtures import PLUGIN\n"
        "    doors = request.config.stash[PLUGIN].run.doors\n"
        "    while True:\n        doors._ask({'alive': 7})\n\n"
        '@exercise("1.1")\ndef test_doubles(lab):\n    """It doubles."""\n    assert lab.answer.double(2) == 4\n'
    )
    report = check(in_thread, course, checks)
    said = {result.check: result for result in report.results}
    assert said["test_doubles"].outcome == "passed"
    assert said["test_trickles"].outcome == "failed"
    assert "time: there was no verdict after" in said["test_trickles"].message
    assert said["test_trickles"].seconds < 15


def test_not_without_an_end(course: Path, in_thread: InThread, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "MOST_LOST", 1)
    checks = CHECKS.partition("@exercise")[0] + (
        '@exercise("1.1")\n@pytest.mark.parametrize("number", range(4))\ndef test_ends(number):\n    """It ends."""\n'
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    report = check(in_thread, course, checks)
    assert [result.outcome for result in report.results] == ["failed"] * 4
    assert [("the process that judges it" in result.message) for result in report.results] == [True, True, False, False]


def test_a_workspace_that_cannot_be_made_costs_its_run_alone(
    course: Path, in_thread: InThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = conductor.make_job
    left = [OSError(28, "No space left on device")]

    def once_full(*arguments: Any) -> Any:
        if left:
            raise left.pop()
        return made(*arguments)

    monkeypatch.setattr(conductor, "make_job", once_full)
    checks = CHECKS.replace('["segv", "kill", "exit"]', "[]")
    first, second = (check(in_thread, course, checks) for _ in range(2))
    assert first.exit_code == 3
    assert "No space left" in first.results[0].message
    assert {result.outcome for result in second.results if result.exercise == "1.1"} >= {"passed"}


def a_run(**more: Any) -> Run:
    lab = Lab.__new__(Lab)
    return Run(1, lab, ("1.1",), {}, Track("x", Path("x"), "x"), Collected({}, {}), **more)


@pytest.mark.parametrize("status", [0, 1, -11])
def test_nobody_is_to_blame_between_checks(status: int) -> None:
    run = a_run(expected=[("1.1", "a"), ("1.1", "b")], current=("1.1", "a", "A."), reported={("1.1", "a")})
    assert run.culprit(status) is None


@pytest.mark.parametrize("more", [{"broken": True}, {"expected": None}, {"current": None}])
def test_the_engines_own_fault_is_no_verdict(more: dict[str, Any]) -> None:
    told: dict[str, Any] = {"expected": [("1.1", "a")], "current": ("1.1", "a", "A.")}
    assert a_run(**told).culprit(-11) is not None
    assert a_run(**{**told, **more}).culprit(-11) is None
    assert a_run(**told).culprit(3) is None


def test_each_text_of_a_result_is_bounded() -> None:
    long = "x" * 10_000_000
    result = Result("1.1" * 9_000, long, "failed", f"where: {long}", 0.1, long, "half \ud800").bounded()
    for name, most in MOST.items():
        assert len(getattr(result, name)) <= most + 50
    assert result.message.startswith("where: xxx")
    assert "more characters" in result.message
    result.output.encode()
    assert Result("1.1", "a", "passed", "", 0.1).bounded() == Result("1.1", "a", "passed", "", 0.1)
