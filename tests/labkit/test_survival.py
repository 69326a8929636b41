"""Whatever a submission does: no hang, no undeserved pass, nothing touched outside, nothing left, the rest judged."""

from __future__ import annotations

import hashlib
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.labkit import hostile, toy

from labkit.course.catalog import load_catalog
from labkit.course.lab import Lab
from labkit.course.tracks import links_on_the_way, resolve_track
from labkit.engine.client import LAYERS, Engine
from labkit.records import Report, Result
from labkit.sandbox import landlock

pytestmark = pytest.mark.skipif(os.uname().sysname != "Linux", reason="processes are forked on Linux only")


class Bench:
    """The toy course and a warm engine."""

    def __init__(self, root: Path, engine: Engine) -> None:
        self.root = root
        self.engine = engine
        self.lab: Lab = load_catalog(root).lab(1)
        self.count = 0

    def folder(self) -> Path:
        self.count += 1
        folder = self.root.parent / "제출 파일" / str(self.count)
        folder.mkdir(parents=True)
        return folder

    def check(self, text: str | bytes) -> Report:
        folder = self.folder()
        (folder / "answer.py").write_bytes(text if isinstance(text, bytes) else text.encode())
        return self.check_folder(folder)

    def check_folder(self, folder: Path) -> Report:
        before = tree(self.root.parent)
        started = time.monotonic()
        report = self.engine.run(self.lab, None, resolve_track(self.root, str(folder), self.lab))
        assert time.monotonic() - started < 30
        assert tree(self.root.parent) == before, "a file outside the worker's folder was touched"
        assert self.engine._process is not None
        zygotes = children(self.engine._process.pid)
        assert len(zygotes) == 1, "the conductor has one child, the zygote"
        assert settled(zygotes[0]) == [], "a process was left"
        return report


def tree(folder: Path) -> dict[str, str]:
    """Return the hash of every file below a folder, but those of caches."""
    files = (path for path in folder.rglob("*") if path.is_file() and not {"__pycache__", ".lab"} & set(path.parts))
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def children(pid: int) -> list[int]:
    """Return the processes whose parent is `pid`."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()
            except OSError:
                continue
            if int(stat[1]) == pid:
                found.append(int(entry.name))
    return found


def settled(pid: int) -> list[int]:
    """Return the children of `pid` once there are none, or after five seconds."""
    deadline = time.monotonic() + 5
    while (left := children(pid)) and time.monotonic() < deadline:
        os.sched_yield()
    return left


def result(report: Report, check: str) -> Result:
    """Return the one result of a check."""
    found = [item for item in report.results if item.check == check]
    assert len(found) == 1, report
    return found[0]


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    root = toy.make_course(tmp_path_factory.mktemp("course") / "course")
    with Engine(root) as engine:
        yield Bench(root, engine)


@pytest.mark.parametrize("name", hostile.ENDS)
def test_bad_ends_fail_and_have_a_name(bench: Bench, name: str) -> None:
    body, said = hostile.ENDS[name]
    report = bench.check(toy.answer(body))
    assert result(report, "test_doubles").outcome == "failed"
    assert said in result(report, "test_doubles").message
    assert result(report, "test_counts").outcome == "passed"


@pytest.mark.parametrize("name", hostile.FORGERIES)
def test_forged_answers_fail(bench: Bench, name: str) -> None:
    report = bench.check(toy.answer(hostile.FORGERIES[name]))
    assert result(report, "test_doubles").outcome == "failed"
    assert result(report, "test_counts").outcome == "passed"


@pytest.mark.parametrize("name", hostile.HARMLESS)
def test_what_is_harmless_costs_nothing(bench: Bench, name: str) -> None:
    report = bench.check(toy.answer(hostile.HARMLESS[name]))
    assert [(item.check, item.outcome, item.message) for item in report.results] == [
        ("test_doubles", "passed", ""),
        ("test_counts", "passed", ""),
    ]


@pytest.mark.parametrize("code", hostile.AT_IMPORT)
def test_bad_ends_at_import_cost_one_check(bench: Bench, code: str) -> None:
    started = time.monotonic()
    report = bench.check(toy.answer(before=code))
    assert time.monotonic() - started < 8, "a loop at import costs one time limit, not one for each check"
    assert result(report, "imports").outcome == "failed"
    assert {item.outcome for item in report.results} == {"failed"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "keeps the name"),
        (b"def double(x):\n    return 2 x\n", "return 2 x\n             ^"),
        ("# 두 배\ndef double(x): return 2*x\n".encode("cp949"), "not UTF-8"),
        (b"\xff\xfe\x00", "not UTF-8"),
        (b"def double(x): return 2*x\n\x00", "NUL byte in line 2"),
        (b"def double(x):\n\treturn 2*x\n        return 3\n", "TabError"),
        (b"import nothing_of_this_name\n", "ModuleNotFoundError"),
        (b"x = " + b"(" * 5000 + b")" * 5000, ""),
    ],
)
def test_files_that_are_no_module(bench: Bench, text: bytes, said: str) -> None:
    report = bench.check(text)
    assert {item.outcome for item in report.results} == {"failed"}
    assert any(said in item.message for item in report.results), report


def test_a_missing_file(bench: Bench) -> None:
    report = bench.check_folder(bench.folder())
    assert "is missing" in result(report, "imports").message
    assert {item.outcome for item in report.results} == {"failed"}


def test_links_are_not_followed(bench: Bench) -> None:
    solution = bench.root / "solutions" / "lab1_toy"
    file_link = bench.folder()
    (file_link / "answer.py").symlink_to(solution / "answer.py")
    package_link = bench.folder()
    (package_link / "labs").mkdir()
    (package_link / "labs" / "lab1_toy").symlink_to(solution)
    labs_link = bench.folder()
    (labs_link / "labs").symlink_to(bench.root / "solutions")
    for folder in (file_link, package_link, labs_link):
        report = bench.check_folder(folder)
        assert "symbolic link" in result(report, "imports").message
        assert {item.outcome for item in report.results} == {"failed"}


def test_a_file_with_a_second_name_is_not_taken(bench: Bench) -> None:
    folder = bench.folder()
    os.link(bench.root / "solutions" / "lab1_toy" / "answer.py", folder / "answer.py")
    report = bench.check_folder(folder)
    assert "a hard link" in result(report, "imports").message
    assert {item.outcome for item in report.results} == {"failed"}


def test_links_among_submissions(tmp_path: Path) -> None:
    """A link below what all have in common may lead to a neighbour; what was typed before it is the caller's own."""
    (tmp_path / "real" / "anna" / "labs" / "lab1_toy").mkdir(parents=True)
    (tmp_path / "real" / "ben").symlink_to("anna")
    (tmp_path / "people").symlink_to("real")
    people = tmp_path / "people"
    assert links_on_the_way([people / "anna"]) == {}
    assert set(links_on_the_way([people / "anna", people / "ben"])) == {people / "ben"}
    assert set(links_on_the_way([people / "ben"])) == {people / "ben"}
    deep = [people / name / "labs" / "lab1_toy" for name in ("anna", "ben")]
    assert set(links_on_the_way(deep)) == {deep[1]}


def test_a_pipe_is_not_read(bench: Bench) -> None:
    folder = bench.folder()
    os.mkfifo(folder / "answer.py")
    report = bench.engine.run(bench.lab, None, resolve_track(bench.root, str(folder), bench.lab))
    assert "not a regular file" in result(report, "imports").message
    (folder / "answer.py").unlink()


def test_planted_files_are_left_behind(bench: Bench) -> None:
    folder = bench.folder()
    (folder / "answer.py").write_text(toy.answer("return 7"))
    passing = "def pytest_runtest_call(item): item.obj = lambda **k: None\n"
    for name in (
        "conftest.py",
        "sitecustomize.py",
        "usercustomize.py",
        "pandas.py",
        "labkit.py",
        "pytest.py",
        "answer.pth",
    ):
        (folder / name).write_text(passing)
    (folder / "pytest.ini").write_text("[pytest]\naddopts = --collect-only\n")
    (folder / "lab1_toy").mkdir()
    (folder / "lab1_toy" / "conftest.py").write_text(passing)
    (folder / "lab1_toy" / "answer.py").write_text(toy.answer("return 7"))
    report = bench.check_folder(folder)
    assert result(report, "test_doubles").outcome == "failed"
    assert result(report, "test_counts").outcome == "passed"


@pytest.mark.parametrize("name", hostile.READERS)
@pytest.mark.parametrize("target", ["tests/labs/test_lab1_toy.py", "solutions/lab1_toy/answer.py", "제출 파일/secret"])
def test_references_are_out_of_reach(bench: Bench, name: str, target: str) -> None:
    if (
        not landlock.abi()
        and not bench.engine.run(bench.lab, ["1.2"], resolve_track(bench.root, "solutions", bench.lab)).notes
    ):
        pytest.skip("neither Landlock nor namespaces here")
    secret = bench.root.parent / "제출 파일" / "secret"
    secret.parent.mkdir(exist_ok=True)
    secret.write_text("another submission")
    path = str(secret if target.endswith("secret") else bench.root / target)
    report = bench.check(toy.answer(f"TARGET = {path!r}\n" + hostile.READERS[name]))
    double = result(report, "test_doubles")
    assert double.outcome == "failed"
    for text in ("the-text-of-the-checks", "def double", "another submission"):
        assert text not in double.message.raw + double.output.raw


def test_checks_are_not_in_the_workers_memory(bench: Bench) -> None:
    body = """
    import ctypes, re
    ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)  # its memory is its own again, as a hostile author would have it
    needle = re.compile(b"the-text-of-the-check[s]")
    found = 0
    for line in open("/proc/self/maps"):
        span, rights = line.split()[:2]
        if rights.startswith("rw"):
            first, last = (int(part, 16) for part in span.split("-"))
            with open("/proc/self/mem", "rb", 0) as memory:
                try:
                    memory.seek(first)
                    found += bool(needle.search(memory.read(last - first)))
                except (OSError, ValueError, OverflowError):
                    pass
    print("seen", found)
    return 7
    """
    double = result(bench.check(toy.answer(body)), "test_doubles")
    # A worker that is not root's is not let into its own memory in this way.
    assert double.output.raw.strip() == "seen 0" or "PermissionError" in double.message, double


def test_secrets_are_not_in_the_environment(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2")
    with Engine(bench.root) as engine:
        fresh = Bench(bench.root, engine)
        fresh.count = 10_000
        files = "open('/proc/self/environ').read(), open('/proc/1/environ').read()"
        body = f"import os\nprint(dict(os.environ), {files})\nreturn 7"
        double = result(fresh.check(toy.answer(body)), "test_doubles")
    assert "hunter2" not in double.output.raw + double.message.raw


def test_nothing_of_another_submission_is_in_memory(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    # Each canary is put together at run time, so that the text of the one who looks for it does not hold it.
    canaries = {"a submission": "canary-of-a-neighbour", "an environment": "canary-in-the-environment"}
    monkeypatch.setenv("KUBECONFIG", canaries["an environment"])
    bench.check(f"# {canaries['a submission']}\n" + toy.answer())
    hunt = """
    import ctypes, gc, re, sys
    ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)
    parts = [("canary-of", "-a-neighbour"), ("canary-in", "-the-environment")]
    needles = ["".join(part) for part in parts]
    found = []
    frame = sys._getframe()
    while frame:
        held = repr(frame.f_locals) + repr(list(frame.f_globals)) if frame.f_code.co_name != "double" else ""
        found += [f"frame {frame.f_code.co_name}: {needle}" for needle in needles if needle in held]
        frame = frame.f_back
    own = {id(needles), *map(id, needles)}
    for o in gc.get_objects():
        if isinstance(o, (list, tuple, dict)) and id(o) not in own and o is not locals():
            values = o.values() if isinstance(o, dict) else o
            for v in list(values):
                if isinstance(v, (str, bytes)) and id(v) not in own:
                    text = v if isinstance(v, str) else v.decode("latin-1")
                    found += [f"object: {needle}" for needle in needles if needle in text and len(text) > len(needle)]
    hits = 0
    with open("/proc/self/mem", "rb", 0) as memory:
        for line in open("/proc/self/maps"):
            start, end = (int(part, 16) for part in line.split()[0].split("-"))
            if "r" in line.split()[1] and "[v" not in line and end - start < 2**28:
                try:
                    memory.seek(start)
                    piece = memory.read(end - start)
                except OSError:
                    continue
                for needle in needles:
                    hits += piece.count(b"# " + needle.encode()) + piece.count(b"KUBECONFIG=" + needle.encode())
    raise RuntimeError(f"found {found} {hits}")
    """
    double = result(bench.check(toy.answer(hunt)), "test_doubles")
    assert "RuntimeError: found [] 0" in double.message


def test_output_is_clipped_and_without_escape_codes(bench: Bench) -> None:
    body = "print('\\x1b[31mred\\x1b[0m \\x1b]0;title\\x07 ok'); print('y' * 100_000)\nreturn 7"
    double = result(bench.check(toy.answer(body)), "test_doubles")
    assert "red" in double.output
    assert "\x1b" not in double.output
    assert len(double.output) < 3000


def test_the_network_is_out_of_reach(bench: Bench) -> None:
    with socket.create_server(("127.0.0.1", 0)) as host:
        host.settimeout(0)
        body = f"import socket\nsocket.create_connection(('127.0.0.1', {host.getsockname()[1]}), 1)\nreturn 2 * x"
        report = bench.check(toy.answer(body))
        if LAYERS["namespaces"] in report.notes:
            pytest.skip("this system gives no network namespace, and the report says so")
        double = result(report, "test_doubles")
        assert double.outcome == "failed"
        assert "ConnectionRefusedError" in double.message
        with pytest.raises(BlockingIOError):
            host.accept()


def test_random_numbers_differ_from_run_to_run(bench: Bench) -> None:
    body = "import random, os\nprint(random.random())\nreturn 7"
    seen = {result(bench.check(toy.answer(body)), "test_doubles").output for _ in range(3)}
    assert len(seen) == 3


def test_submissions_do_not_share_a_user(bench: Bench) -> None:
    # The kernel counts processes by user: where two shared one, the fork bomb of the first would stop the second.
    if os.getuid() != 0:
        pytest.skip("only root can give each worker a user of its own")
    body = "import os\nprint(os.getuid())\nreturn 7"
    seen = [result(bench.check(toy.answer(body)), "test_doubles").output for _ in range(2)]
    assert len({int(output) for output in seen} - {0}) == 2
