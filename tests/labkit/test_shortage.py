"""Where something is short: the disk of a submission, the processes of a user, the ids of a namespace."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.labkit import toy

from labkit.course.catalog import load_catalog
from labkit.course.lab import Lab
from labkit.course.tracks import Track, resolve_track
from labkit.engine.client import LAYERS, Engine
from labkit.files import remove_tree
from labkit.records import Report
from labkit.sandbox import walls

pytestmark = pytest.mark.skipif(os.uname().sysname != "Linux", reason="the walls are Linux's")

Check = Callable[..., Report]

FILL = {
    "by large files": """
        number = 0
        while True:
            number += 1
            with open(f"large{number}", "wb", 0) as file:
                for _ in range(250): file.write(bytes(2**20))
        """,
    "by small files": """
        import os
        try:
            with open("large", "wb", 0) as file, open("more", "wb", 0) as more:
                for _ in range(250): file.write(bytes(2**20)); more.write(bytes(2**20))
        finally:
            for number in range(3_000):
                os.makedirs(f"a/{number}"); open(f"a/{number}/b", "wb").write(bytes(9_000))
        """,
}

SHARED = '''
import pytest
from labkit.checks import exercise, expect


@pytest.fixture(scope="module")
def shared(new_lab):
    return new_lab("1.1")


@exercise("1.1")
def test_fills(shared):
    """The worker of a whole exercise fills the disk."""
    shared.answer.double(2)


@exercise("1.1")
def test_beside(shared, lab):
    """Another worker beside it."""
    expect.close(lab.answer.count_rows([0]), 1, "`count_rows`")


@exercise("1.2")
def test_counts(lab):
    """A worker when all of that is over."""
    expect.close(lab.answer.count_rows([0, 0]), 2, "`count_rows`")
'''


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = toy.make_light_course(tmp_path / "course")
    toml = root / "weeks" / "week1_toy" / "lab.toml"
    toml.write_text(toml.read_text().replace("seconds = 2", "seconds = 20"))
    return root


@pytest.fixture
def check(root: Path) -> Iterator[Check]:
    with Engine(root) as engine:
        yield lambda text: engine.run(lab := load_catalog(root).lab(1), None, track(root, text, lab))


def track(root: Path, text: str, lab: Lab) -> Track:
    toy.write(root / "labs" / "lab1_toy" / "answer.py", text)
    return resolve_track(root, "labs", lab)


@pytest.mark.parametrize("how", FILL)
def test_a_disk_that_is_full_costs_one_check(check: Check, how: str) -> None:
    report = check(toy.answer(FILL[how]))
    said = {result.check: result for result in report.results}
    if LAYERS["disk"] in report.notes or LAYERS["namespaces"] in report.notes:
        pytest.skip("this system gives no disk quota, and the report says so")
    assert "No space left on device" in said["test_doubles"].message
    assert [said["test_doubles"].outcome, said["test_counts"].outcome] == ["failed", "passed"]


def test_a_disk_that_is_full_is_no_fault_of_the_engine(root: Path) -> None:
    toy.write(root / "tests" / "labs" / "test_lab1_toy.py", SHARED)
    with Engine(root) as engine:
        lab = load_catalog(root).lab(1)
        report = engine.run(lab, None, track(root, toy.answer(FILL["by large files"]), lab))
    assert {result.outcome for result in report.results} <= {"failed", "passed"}, report
    assert report.results[-1].outcome == "passed"


def test_a_tree_is_removed_where_nothing_can_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "work"
    deep = folder
    for number in range(40):
        deep = deep / str(number)
    deep.mkdir(parents=True)
    (deep / "file").write_text("x")
    (folder / "0").chmod(0)

    def full(*unused: object, **named: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "mkdir", full)
    remove_tree(folder)
    assert not folder.exists()


COUNT = """
import os, signal, sys, time
from labkit.sandbox import kernel, walls
if os.getuid() == 0:
    os.setresuid(64_321, 64_321, 64_321)
    kernel.prctl(walls._PR_SET_DUMPABLE, 1)  # else its own files in /proc are still root's
if not walls.count_apart() or not walls._counted_apart:
    sys.exit(9)
walls.set_limits(walls.Limits(processes=12), own_user=True)
started = []
try:
    while len(started) < 40:
        child = os.fork()
        if child == 0:
            os.close(0), os.close(1)
            time.sleep(20)
            os._exit(0)
        started.append(child)
except BlockingIOError:
    pass
print(len(started), flush=True)
sys.stdin.read()
for child in started:
    os.kill(child, signal.SIGKILL)
"""


def test_submissions_of_one_user_do_not_share_a_count() -> None:
    """Each may have its own processes, however many another one of this user has."""
    command = [sys.executable, "-c", COUNT]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdin and first.stdout
        told = first.stdout.readline()
        second = subprocess.run(command, input="", capture_output=True, text=True, timeout=30, check=False)
        first.stdin.close()
    if first.returncode == 9:
        pytest.skip("this system gives no user namespaces, or counts over all of them")
    assert (int(told), int(second.stdout)) == (11, 11)


def test_a_root_that_may_be_nobody_else_still_checks(root: Path) -> None:
    """In a container without root, its user is the only one that is mapped."""
    command = shutil.which("unshare")
    if not command or subprocess.run([command, "-U", "-r", "true"], capture_output=True, check=False).returncode:
        pytest.skip("`unshare -U -r` does not work here")
    lab = Path(sys.executable).with_name("lab")
    for text, outcome in ((toy.answer(), 0), (toy.answer("return 7"), 1)):
        toy.write(root / "labs" / "lab1_toy" / "answer.py", text)
        done = subprocess.run(
            [command, "-U", "-r", lab, "check", "1"], cwd=root, capture_output=True, text=True, check=False, timeout=60
        )
        assert done.returncode == outcome, done.stdout + done.stderr
        assert "runs with this user's rights" in " ".join(done.stdout.split())


def test_which_ids_are_mapped() -> None:
    assert walls._is_mapped(os.getuid(), "uid")
    assert not walls._is_mapped(2**32 - 1, "uid")
