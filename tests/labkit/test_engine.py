"""The engine on the toy course: tracks, seeds, handles, callbacks, fresh processes, plain pytest, its own faults."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.labkit import toy

from labkit.course.catalog import load_catalog
from labkit.course.tracks import Track, TrackError, resolve_track
from labkit.engine.client import Engine, EngineError
from labkit.records import Report

CHECKS = '''
import numpy as np
from labkit.checks import exercise, expect, fail


@exercise("1.1")
def test_counter_stays_in_the_worker(lab):
    """An object keeps its state between calls."""
    counter = expect.handle(lab.answer.Counter(), "a counter", methods=["add"])
    counter.add(2)
    assert counter.add(3) == 5
    assert counter.attr("total") == 5
    assert counter.type_name == "lab1_toy.answer.Counter"
    assert counter.lacks("add", "remove") == ["remove"]
    assert lab.answer.total_of(counter) == 5


@exercise("1.1")
def test_callbacks_run_in_the_check(lab):
    """A function of the check can be called by the learner's code."""
    seen = []
    assert lab.answer.apply(lambda x: seen.append(x) or x * 10, [1, 2, 3]) == [10, 20, 30]
    assert seen == [1, 2, 3]


@exercise("1.1")
def test_files_are_read_in_the_worker(lab):
    """A written file can be read."""
    path = lab.answer.write("a.txt", "hello")
    assert lab.read_bytes(path) == b"hello"
    assert lab.list_files() == ["a.txt"]


@exercise("1.1")
def test_main_is_run(lab):
    """The module runs as a program."""
    assert lab.run_main("answer", "--name", "x") == (3, "hello --name x\\n")


@exercise("1.2")
def test_random(lab, rng):
    """Drawn anew."""
    fail(expected="nothing", found=str(rng.integers(10**9)))


@exercise("1.2")
def test_own_fault(lab):
    """The check has a bug."""
    {}["x"]


@exercise("1.2", needs=("a-tool-that-nobody-has",))
def test_tool(lab):
    """Needs a tool."""
'''

ANSWER = """
import os, sys


class Counter:
    def __init__(self):
        self.total = 0

    def add(self, x):
        self.total += x
        return self.total


def total_of(counter):
    return counter.total


def apply(function, values):
    return [function(value) for value in values]


def write(name, text):
    with open(name, "w") as f:
        f.write(text)
    return os.path.abspath(name)


if __name__ == "__main__":
    print("hello", *sys.argv[1:])
    sys.exit(3)
"""


@pytest.fixture
def course(tmp_path: Path) -> Path:
    return toy.make_light_course(tmp_path / "course")


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """For a test that looks at no limit of time: an engine that starts after this has five times as much of it."""
    monkeypatch.setenv("LABKIT_PATIENCE", "5")


@pytest.fixture(params=["fork", "spawn"])
def engine(course: Path, request: pytest.FixtureRequest) -> Iterator[Engine]:
    if request.param == "fork" and not sys.platform.startswith("linux"):
        pytest.skip("processes are forked on Linux only")
    with Engine(course, mode=request.param) as engine:
        yield engine


def track(course: Path, text: str) -> Track:
    folder = course / "submissions" / str(len(text))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "answer.py").write_text(text)
    return resolve_track(course, str(folder), load_catalog(course).lab(1))


def outcomes(report: Report) -> dict[str, str]:
    return {result.check: result.outcome for result in report.results}


def test_both_ways_of_starting_give_the_same_verdicts(course: Path, engine: Engine) -> None:
    lab = load_catalog(course).lab(1)
    seen: list[str] = []
    report = engine.run(
        lab, None, track(course, toy.answer("return 3 * x")), on_result=lambda result: seen.append(result.check)
    )
    assert outcomes(report) == {"test_doubles": "failed", "test_counts": "passed"}
    assert seen == ["test_doubles", "test_counts"]
    assert report.exit_code == 1
    assert engine.run(lab, ["1.2"], resolve_track(course, "solutions", lab)).exit_code == 0
    ends = engine.run(lab, ["1.1"], track(course, toy.answer("import os; os._exit(0)")))
    assert "exit code 0" in ends.results[0].message
    loops = engine.run(lab, ["1.1"], track(course, toy.answer("while True: pass")))
    assert "time:" in loops.results[0].message


def test_handles_callbacks_files(patient: None, course: Path, engine: Engine) -> None:
    toy.write(course / "tests" / "labs" / "test_lab1_toy.py", CHECKS)
    lab = load_catalog(course).lab(1)
    report = engine.run(lab, None, track(course, ANSWER), seed=5)
    assert outcomes(report) == {
        "test_counter_stays_in_the_worker": "passed",
        "test_callbacks_run_in_the_check": "passed",
        "test_files_are_read_in_the_worker": "passed",
        "test_main_is_run": "passed",
        "test_random": "failed",
        "test_own_fault": "error",
        "test_tool": "skipped",
    }, report
    assert report.exit_code == 3
    messages = {result.check: result.message for result in report.results}
    assert "not your fault" in messages["test_own_fault"]
    assert "a-tool-that-nobody-has" in messages["test_tool"]
    again = engine.run(lab, ["1.2"], track(course, ANSWER), seed=5)
    assert again.results[0].message == messages["test_random"]
    other = engine.run(lab, ["1.2"], track(course, ANSWER))
    assert other.results[0].message != messages["test_random"]


def test_exercises_are_dealt_to_the_jobs_and_told_in_their_order(patient: None, course: Path) -> None:
    toy.write(course / "tests" / "labs" / "test_lab1_toy.py", CHECKS)
    lab = load_catalog(course).lab(1)
    seen: list[str] = []
    with Engine(course) as alone, Engine(course, jobs=2) as dealt:
        wanted = alone.run(lab, None, track(course, ANSWER), seed=5)
        found = dealt.run(lab, None, track(course, ANSWER), seed=5, on_result=lambda one: seen.append(one.check))
        toy.write(course / "tests" / "labs" / "test_lab1_toy.py", CHECKS + "\nnobody_has_written_this\n")
        broken = dealt.run(lab, None, track(course, ANSWER))
    assert [replace(one, seconds=0.0) for one in found.results] == [replace(one, seconds=0.0) for one in wanted.results]
    assert sorted(seen) == sorted(one.check for one in wanted.results)
    assert (found.lab, found.track, found.notes) == (wanted.lab, wanted.track, wanted.notes)
    assert [one.check for one in broken.results] == ["engine"]
    assert broken.exit_code == 3


def test_a_check_of_what_a_fixture_has_asked_says_where(patient: None, course: Path) -> None:
    checks = """
import pytest
from labkit.checks import exercise, expect


@pytest.fixture(scope="module")
def shared(new_lab):
    return new_lab("1.1")


@pytest.fixture(scope="module")
def found(shared):
    return shared.answer.double(4)


@exercise("1.1")
def test_large(found):
    expect.that(found > 100, expected="more than 100", found=found)


@exercise("1.1")
def test_small(found):
    expect.that(found < 1, expected="less than 1", found=found)


@exercise("1.1")
def test_other(shared, found):
    expect.that(shared.answer.count_rows([]) == found, expected=str(found), found="none")


@exercise("1.1")
def test_none():
    expect.that(False, expected="another", found="one")
"""
    toy.write(course / "tests" / "labs" / "test_lab1_toy.py", checks)
    with Engine(course) as engine:
        report = engine.run(load_catalog(course).lab(1), None, track(course, toy.answer()))
    places = {one.check: one.message.raw.partition("where: ")[2].rpartition("/")[2] for one in report.results}
    assert places == {
        "test_large": "answer.py:3",
        "test_small": "answer.py:3",
        "test_other": "answer.py:7",
        "test_none": "",
    }


def test_an_open_todo_is_no_failure(course: Path) -> None:
    lab = load_catalog(course).lab(1)
    text = toy.answer().replace("return 2 * x", "# TODO 1.1: Double\n    raise NotImplementedError")
    with Engine(course) as engine:
        report = engine.run(lab, None, track(course, text))
    assert outcomes(report) == {"test_doubles": "todo", "test_counts": "passed"}
    assert "answer.py:4" in report.results[0].message
    assert report.exit_code == 1


@pytest.mark.parametrize(
    "text",
    [
        "import nothing_of_this_name\n",
        "def test(: pass\n",
        "def test_no_mark():\n    pass\n",
        "",
        "raise SystemExit(0)\n",
    ],
)
def test_broken_checks_are_the_engines_fault(course: Path, text: str) -> None:
    (course / "tests" / "labs" / "test_lab1_toy.py").write_text(text)
    lab = load_catalog(course).lab(1)
    with Engine(course) as engine:
        report = engine.run(lab, None, resolve_track(course, "solutions", lab))
    assert report.exit_code == 3, report


def test_a_worker_that_cannot_start_is_the_engines_fault(course: Path, engine: Engine) -> None:
    catalog = course / "weeks" / "week1_toy" / "lab.toml"
    catalog.write_text(catalog.read_text().replace("preload =", 'prepare = "nothing_of_this_name:f"\npreload ='))
    lab = load_catalog(course).lab(1)
    report = engine.run(lab, None, resolve_track(course, "solutions", lab))
    assert report.exit_code == 3
    assert any("nothing_of_this_name" in result.message for result in report.results)
    assert all(result.outcome in ("error", "failed") for result in report.results)


def test_a_check_that_ends_its_process_has_no_verdict(course: Path) -> None:
    checks = toy.CHECKS.replace("rows = int(", "import os; os._exit(0)\n    rows = int(")
    toy.write(course / "tests" / "labs" / "test_lab1_toy.py", checks)
    lab = load_catalog(course).lab(1)
    with Engine(course) as engine:
        report = engine.run(lab, None, resolve_track(course, "solutions", lab))
    assert outcomes(report) == {"test_doubles": "passed", "test_counts": "failed"}
    assert "no verdict" in report.results[1].message


def test_many_submissions_at_once(course: Path) -> None:
    lab = load_catalog(course).lab(1)
    tracks = []
    for number in range(6):
        folder = course / "many" / str(number)
        folder.mkdir(parents=True)
        (folder / "answer.py").write_text(toy.answer("return 2 * x" if number % 2 else "return 7"))
        tracks.append(resolve_track(course, str(folder), lab))
    done: list[str] = []
    with Engine(course, jobs=2) as engine:
        reports = engine.run_many(lab, tracks, on_report=lambda report: done.append(report.track))
    assert [report.track for report in reports] == [track.name for track in tracks]
    assert sorted(done) == sorted(track.name for track in tracks)
    assert [report.exit_code for report in reports] == [1, 0, 1, 0, 1, 0]


def test_nothing_is_left_when_the_engine_ends(course: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    lab = load_catalog(course).lab(1)
    engine = Engine(course)
    with engine:
        engine.run(lab, None, resolve_track(course, "solutions", lab))
        assert engine._process is not None
        pid = engine._process.pid
    assert list((tmp_path / "tmp").iterdir()) == []
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    with pytest.raises(EngineError):
        engine.run(lab, None, resolve_track(course, "solutions", lab))


def test_a_track_that_is_not_there(course: Path) -> None:
    with pytest.raises(TrackError, match="no track"):
        resolve_track(course, "nowhere", load_catalog(course).lab(1))


@pytest.mark.parametrize(("body", "code"), [("return 2 * x", 0), ("return 7", 1)])
def test_plain_pytest_runs_the_same_checks(course: Path, body: str, code: int) -> None:
    folder = track(course, toy.answer(body)).folder
    arguments = [
        "-p",
        "labkit.checking.plugin",
        "--noconftest",
        "-c",
        "tests/labs/pytest.ini",
        "-p",
        "no:cacheprovider",
        "tests/labs/test_lab1_toy.py",
    ]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *arguments, "--track", str(folder)],
        cwd=course,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stdout


def test_a_tool_that_must_not_be_used_skips_its_checks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = toy.make_course(tmp_path / "course")
    checks = root / "tests" / "labs" / "test_lab1_toy.py"
    checks.write_text(checks.read_text().replace('@exercise("1.2")', '@exercise("1.2", needs=("sh",))'))
    lab = load_catalog(root).lab(1)
    outcomes = []
    for without in ("other", "other,sh"):
        monkeypatch.setenv("LABKIT_WITHOUT", without)
        with Engine(root) as engine:
            report = engine.run(lab, ["1.2"], resolve_track(root, "solutions", lab))
        outcomes += [(result.outcome, "is not used here" in result.message) for result in report.results]
    assert outcomes == [("passed", False), ("skipped", True)]


def test_an_exercise_waits_for_those_that_it_builds_on(tmp_path: Path) -> None:
    root = toy.make_course(tmp_path / "course")
    toml = root / "weeks" / "week1_toy" / "lab.toml"
    toml.write_text(toml.read_text().replace('id = "1.2"', 'id = "1.2"\nafter = ["1.1"]'))
    folder = toy.write(tmp_path / "mine" / "answer.py", "# TODO 1.1: Double\n" + toy.answer()).parent
    lab = load_catalog(root).lab(1)
    with Engine(root) as engine:
        [result] = engine.run(lab, ["1.2"], resolve_track(root, str(folder), lab)).results
    assert result.outcome == "todo"
    assert result.message.startswith("1.2 builds on 1.1, and `TODO 1.1` still stands in ")
