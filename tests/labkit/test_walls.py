"""What a submission cannot do to the machine: sockets by path, files, other processes, the kernel."""

from __future__ import annotations

import ctypes
import json
import os
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.labkit import toy

from labkit.course.catalog import load_catalog
from labkit.course.tracks import resolve_track
from labkit.engine.client import Engine
from labkit.records import Report
from labkit.sandbox import mounts, seccomp, walls

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="these walls are Linux's")

MODES = ("fork", "spawn")  # with namespaces where there are any, and without

TRY = """\
import ctypes, json, os, socket, struct
libc = ctypes.CDLL(None, use_errno=True)
seen = {}
def attempt(name, action):
    try:
        seen[name] = repr(action())
    except OSError as error:
        seen[name] = 'refused'
def call(*arguments):
    ctypes.set_errno(0)
    result = libc.syscall(*arguments)
    if result < 0:
        raise OSError(ctypes.get_errno(), '')
    return result
"""
SHOW = "\nprint(json.dumps(seen))\nreturn 7"


@pytest.fixture(params=MODES)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    root = toy.make_light_course(tmp_path / "course")
    with Engine(root, mode=request.param) as engine:
        yield engine


def tried(engine: Engine, body: str) -> dict[str, str]:
    """Run a body in a worker; return what each of its attempts came to."""
    report = checked(engine, toy.answer(TRY + body + SHOW))
    output = next(result.output for result in report.results if result.check == "test_doubles")
    return dict(json.loads(output.strip().splitlines()[-1]))


def checked(engine: Engine, text: str) -> Report:
    folder = engine.root.parent / "submission"
    folder.mkdir(exist_ok=True)
    (folder / "answer.py").write_text(text)
    lab = load_catalog(engine.root).lab(1)
    return engine.run(lab, None, resolve_track(engine.root, str(folder), lab))


def test_no_socket_with_a_path_is_reached(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "sock"
    with socket.socket(socket.AF_UNIX) as stream, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as datagrams:
        stream.bind(str(path))
        stream.listen()
        datagrams.bind(f"{path}-d")
        for here in (path, tmp_path / "sock-d"):
            here.chmod(0o777)
        stream.setblocking(False)
        datagrams.setblocking(False)
        seen = tried(
            engine,
            f"""
def connect(family, kind, address):
    with socket.socket(family, kind) as one:
        one.connect(address)
attempt('stream', lambda: connect(socket.AF_UNIX, socket.SOCK_STREAM, {str(path)!r}))
attempt('datagrams', lambda: connect(socket.AF_UNIX, socket.SOCK_DGRAM, {f"{path}-d"!r}))
attempt('a pair', lambda: socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)[0].sendto(b'x', {f"{path}-d"!r}))
attempt('a pair of streams', lambda: socket.socketpair()[0].connect({str(path)!r}))
attempt('vsock', lambda: socket.socket(40))
attempt('packets', lambda: socket.socket(17, socket.SOCK_RAW))
attempt('audit', lambda: socket.socket(16, socket.SOCK_RAW, 9))
attempt('internet', lambda: socket.socket().close())
""",
        )
        assert seen.pop("internet") == "None"
        assert set(seen.values()) == {"refused"}, seen
        for one in (stream.accept, lambda: datagrams.recv(1)):
            with pytest.raises(BlockingIOError):
                one()


CALLS = {
    "ptrace": "16, os.getppid(), 0, 0", "process_vm_readv": "os.getppid(), 0, 0, 0, 0, 0",
    "process_vm_writev": "os.getppid(), 0, 0, 0, 0, 0", "unshare": "0x10000000", "setns": "0, 0",
    "add_key": "b'user', b'a', b'b', 1, -3", "keyctl": "0, -3, 0, 0, 0", "request_key": "b'user', b'a', 0, -3",
    "bpf": "0, 0, 0", "perf_event_open": "0, 0, 0, 0, 0", "userfaultfd": "1",
    "shmget": "0, 4096, 0o1600", "semget": "0, 1, 0o1600",
    "msgget": "0, 0o1600",
    "io_uring_setup": "1, ctypes.create_string_buffer(200)",
}  # fmt: skip


@pytest.mark.skipif(not seccomp.is_known(), reason="no filter for this architecture")
def test_no_call_that_leads_out_is_made(engine: Engine) -> None:
    place = 0 if os.uname().machine == "x86_64" else 1
    lines = [
        f"attempt({name!r}, lambda: call({seccomp._REFUSED[name][place]}, {arguments}))"
        for name, arguments in CALLS.items()
    ]
    clone, prlimit = seccomp._CLONE[place], seccomp._PRLIMIT[place]
    lines += [
        f"attempt('a namespace by clone', lambda: call({clone}, 0x10000011, 0, 0, 0, 0) or os._exit(0))",
        f"attempt('clone3', lambda: call({seccomp._CLONE3[place]}, ctypes.create_string_buffer(88), 88))",
        f"attempt('limits of others', lambda: call({prlimit}, os.getppid(), 0, 0, ctypes.create_string_buffer(16)))",
        "import resource",
        "attempt('own limits', lambda: resource.prlimit(0, resource.RLIMIT_CPU) and None)",
    ]
    seen = tried(engine, "\n".join(lines))
    assert seen.pop("own limits") == "None"
    assert set(seen.values()) == {"refused"}, seen


def test_files_outside_keep_mode_times_and_attributes(engine: Engine, tmp_path: Path) -> None:
    file = tmp_path / "diary.txt"
    file.write_text("mine")
    file.chmod(0o666)
    before = file.stat()
    seen = tried(
        engine,
        f"""
path = {str(file)!r}
attempt('mode', lambda: os.chmod(path, 0o777))
attempt('times', lambda: os.utime(path, (1, 1)))
attempt('attributes', lambda: os.setxattr(path, 'user.a', b'b'))
attempt('a link', lambda: os.link(path, 'own'))
attempt('reading', lambda: open(path).read())
attempt('the list', lambda: os.listdir({str(tmp_path)!r}))
attempt('the own folder', lambda: (open('a', 'w').close(), os.chmod('a', 0o600), os.utime('a', (1, 1)), None)[-1])
""",
    )
    after = file.stat()
    assert seen.pop("the own folder") == "None"
    if engine.mode == "fork" and walls.available()[walls.NAMESPACES]:
        assert set(seen.values()) <= {"refused", "['course', 'submission']", "['course']"}, seen
    assert {seen[name] for name in ("a link", "reading", "attributes")} == {"refused"}, seen
    if os.getuid() == 0 or engine.mode == "fork":
        assert (after.st_mode, after.st_mtime) == (before.st_mode, before.st_mtime)


def test_a_part_that_holds_a_secret_is_shown_without_it(tmp_path: Path) -> None:
    for name in ("usr/lib/a", "usr/src/course/tests", "usr/src/course/shared", "usr/src/other"):
        (tmp_path / name).mkdir(parents=True)
    shown = mounts.without([tmp_path / "usr"], [tmp_path / "usr/src/course/tests"])
    assert {str(path.relative_to(tmp_path)) for path in shown} == {"usr/lib", "usr/src/course/shared", "usr/src/other"}
    assert mounts.without([tmp_path / "usr/src/course/tests/x"], [tmp_path / "usr/src/course/tests"]) == []


def test_a_submission_sees_only_what_it_may_read(tmp_path: Path) -> None:
    if not walls.available()[walls.NAMESPACES]:
        pytest.skip("this system gives no mount namespace")
    with Engine(toy.make_light_course(tmp_path / "course"), mode="fork") as engine:
        seen = tried(
            engine,
            """
there = ['home', 'var', 'boot', 'srv', 'mnt', 'opt', 'root/.bashrc', 'etc/shadow', 'usr', 'proc', 'dev/null']
seen['root'] = [name for name in there if os.path.exists('/' + name)]
seen['mounts'] = open('/proc/self/mountinfo').read().count('old-root')
seen['written'] = []
for folder in ('/', '/usr', '/etc', '/tmp', '/proc/sys/kernel'):
    try:
        open(folder + '/x', 'w').close()
        seen['written'].append(folder)
    except OSError:
        pass
""",
        )
    assert seen == {"root": ["usr", "proc", "dev/null"], "mounts": 0, "written": []}


def test_the_filter_is_for_this_very_machine() -> None:
    """A call of another table of numbers ends the process: it would pass a filter that reads numbers alone."""
    if os.uname().machine != "x86_64":
        pytest.skip("only x86-64 has a second table")
    code = (
        "from labkit.sandbox import seccomp; import ctypes; seccomp.restrict(); ctypes.CDLL(None).syscall(0x40000027)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False)
    assert done.returncode == -31  # SIGSYS


def test_as_an_ordinary_user(tmp_path: Path) -> None:
    """The same for a checker that is not root: nothing of that user is reached."""
    if os.getuid() != 0:
        pytest.skip("the tests above ran as an ordinary user")
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.setgroups([])
            os.setresgid(65534, 65534, 65534)
            os.setresuid(65534, 65534, 65534)
            os.environ["HOME"] = str(tmp_path)
            status = _probe_as_user(tmp_path)
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def _probe_as_user(folder: Path) -> int:
    """Stand in the walls as a user who owns a file and a socket; return 0 where neither was reached."""
    import tempfile

    own = Path(tempfile.mkdtemp())
    (own / "work").mkdir()
    (own / "diary").write_text("mine")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(own / "sock"))
    listener.listen()
    if not walls.unshare():
        return 0
    middle = os.fork()
    if middle:
        status = os.waitstatus_to_exitcode(os.waitpid(middle, 0)[1])
        kept = stat.S_IMODE((own / "diary").stat().st_mode) != 0o777
        for path in (own / "sock", own / "diary"):
            path.unlink()
        (own / "work").rmdir()
        own.rmdir()
        return 0 if status == 0 and kept else 1
    try:
        seen = walls.settled(walls.Walls([Path(sys.prefix), Path(sys.base_prefix)], own / "work", []))
        if missing := walls.furnish(seen):
            print("missing", missing)
            os._exit(2)
        os._exit(0 if _refused(own, seen) else 3)
    except BaseException as error:
        print(repr(error))
        os._exit(4)


def _refused(own: Path, seen: walls.Walls) -> bool:
    folder = own / "work"
    before = [_attempt(lambda: (own / "diary").chmod(0o777)), _attempt(lambda: (own / "diary").read_text())]
    walls.confine(seen, folder, namespaced=True, user=None, close_except=[])
    libc = ctypes.CDLL(None, use_errno=True)
    after = [
        _attempt(lambda: socket.socket(socket.AF_UNIX).connect(str(own / "sock"))),
        _attempt(lambda: (own / "diary").chmod(0o777)),
        libc.unshare(0x10000000) != 0,
    ]
    (folder / "a").write_text("b")
    return all([*before, *after])


def _attempt(action: object) -> bool:
    """Return whether something was refused."""
    try:
        action()  # type: ignore[operator]
    except OSError:
        return True
    return False


@pytest.mark.parametrize(
    ("fork", "there", "held"),
    [
        (True, {walls.NAMESPACES}, True),
        (False, {walls.NAMESPACES}, False),
        (False, {walls.LANDLOCK, walls.SECCOMP}, True),
        (True, {walls.LANDLOCK}, False),
        (True, {walls.SECCOMP}, False),
    ],
)
def test_what_holds_strangers(monkeypatch: pytest.MonkeyPatch, fork: bool, there: set[str], held: bool) -> None:
    layers = (walls.NAMESPACES, walls.LANDLOCK, walls.SECCOMP)
    monkeypatch.setattr(walls, "available", lambda: {name: name in there for name in layers})
    assert walls.hold_strangers(fork=fork) is held


def test_strangers_are_not_graded_without_walls(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from labkit.commands.common import UsageFault
    from labkit.commands.grade import grade

    monkeypatch.chdir(toy.make_light_course(tmp_path / "course"))
    monkeypatch.setattr(walls, "hold_strangers", lambda *, fork: False)
    with pytest.raises(UsageFault, match="--no-walls"):
        grade("1", [str(tmp_path)], jobs=1, no_walls=False, json_to=None, junit_to=None)
