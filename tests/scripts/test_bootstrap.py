"""How `.venv` is made: which Python, when it is made anew, and what an install that failed leaves behind."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import bootstrap

ROOT = Path(__file__).resolve().parents[2]
LOCK = """# made by hand
other==2.0 \\
    --hash=sha256:aaa
uv==1.0 ; python_version >= '3' \\
    --hash=sha256:bbb \\
    --hash=sha256:ccc
    # via mlops-lab
uvicorn==3.0 \\
    --hash=sha256:ddd
"""


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with nothing but a lock, in a folder whose name has a space and Korean letters."""
    root = tmp_path / "내 lab"
    root.mkdir()
    shutil.copy(ROOT / "pyproject.toml", root)
    (root / "requirements.lock").write_text(LOCK)
    for name, path in {
        "ROOT": root,
        "VENV": root / ".venv",
        "STAMP": root / ".venv/.ready",
        "LOCK": root / "requirements.lock",
        "PYTHON": root / ".venv/bin/python",
    }.items():
        monkeypatch.setattr(bootstrap, name, path)
    monkeypatch.setattr(bootstrap, "WARM_UP", "")
    return root


@pytest.fixture
def installs(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Nothing is installed; the ways that were tried are noted."""
    tried: list[str] = []
    monkeypatch.setattr(bootstrap, "first_that_works", lambda ways: tried.append(ways[0][0]))
    return tried


def test_it_is_made_once(house: Path, installs: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert bootstrap.main() == 0
    assert bootstrap.main() == 0
    assert len(installs) == 1
    assert (house / ".venv/.ready").read_text().splitlines()[0] == str(house)
    assert "Ready after" in capsys.readouterr().out


def test_another_lock_makes_it_anew_and_a_comment_in_pyproject_does_not(house: Path, installs: list[str]) -> None:
    bootstrap.main()
    with (house / "pyproject.toml").open("a") as file:
        file.write("\n# a comment\n")
    bootstrap.main()
    assert len(installs) == 1
    (house / "requirements.lock").write_text(LOCK + "more==1.0 \\\n    --hash=sha256:eee\n")
    bootstrap.main()
    assert len(installs) == 2


def test_a_moved_checkout_or_a_removed_python_makes_it_anew(house: Path, installs: list[str]) -> None:
    bootstrap.main()
    stamp = house / ".venv/.ready"
    stamp.write_text(stamp.read_text().replace(str(house), "/elsewhere"))
    bootstrap.main()
    assert len(installs) == 2
    (house / ".venv/bin/python").unlink()
    bootstrap.main()
    assert len(installs) == 3


@pytest.mark.parametrize(
    ("reason", "status"),
    [(bootstrap.BootstrapError("no network"), 1), (KeyboardInterrupt(), 130)],
    ids=["error", "stop"],
)
def test_an_install_that_fails_leaves_nothing_that_looks_ready(
    house: Path, installs: list[str], monkeypatch: pytest.MonkeyPatch, reason: BaseException, status: int
) -> None:
    bootstrap.main()
    (house / "requirements.lock").write_text(LOCK + "more==1.0 \\\n    --hash=sha256:eee\n")

    def fail(ways: object) -> None:
        raise reason

    monkeypatch.setattr(bootstrap, "first_that_works", fail)
    assert bootstrap.main() == status
    assert not (house / ".venv/.ready").exists()


def test_the_next_way_is_tried(capsys: pytest.CaptureFixture[str]) -> None:
    def broken() -> None:
        raise bootstrap.BootstrapError("it broke")

    def absent() -> None:
        raise bootstrap.NotHere("it is not here")

    done: list[str] = []
    bootstrap.first_that_works([("a", absent), ("b", broken), ("c", lambda: done.append("c"))])
    assert done == ["c"]
    assert capsys.readouterr().out == "b did not work, trying c: it broke\n"
    with pytest.raises(bootstrap.BootstrapError, match="it broke"):
        bootstrap.first_that_works([("a", absent), ("b", broken)])


def test_one_entry_of_the_lock(house: Path) -> None:
    assert bootstrap.entry_of_lock("uv").splitlines() == [
        "uv==1.0 ; python_version >= '3' \\",
        "    --hash=sha256:bbb \\",
        "    --hash=sha256:ccc",
    ]
    assert "--hash=sha256:" in bootstrap.entry_of_lock("other")


def test_a_failed_command_shows_its_last_lines() -> None:
    script = "import sys; print('first'); print('last', file=sys.stderr); sys.exit(3)"
    with pytest.raises(bootstrap.BootstrapError, match=r"(?s)ended with status 3:.*last"):
        bootstrap.run([sys.executable, "-c", script], cwd=ROOT)


def test_a_full_disk_is_said_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "NEEDED_BYTES", 10**18)
    with pytest.raises(bootstrap.BootstrapError, match="GB are needed"):
        bootstrap.check_disk()


def test_where_there_is_no_pip_the_fix_is_said(house: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(bootstrap, "find_spec", lambda name: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(bootstrap.BootstrapError, match="apt install python3-venv"):
        bootstrap.pip(tmp_path)


def stub(folder: Path, name: str, text: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / name).chmod(0o755)


def find_python(tmp_path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `bootstrap.sh` with a PATH of stubs only."""
    folder = tmp_path / "bin"
    for tool in ("sh", "dirname", "uname", "cat"):
        (folder / tool).symlink_to(shutil.which(tool) or "")
    command = ["sh", str(ROOT / "scripts/bootstrap.sh")]
    return subprocess.run(command, env={"PATH": str(folder), **environment}, capture_output=True, text=True)


OLD = 'case "$1" in --version) echo Python 3.10.9 ;; *) exit 1 ;; esac'
NEW = 'case "$1" in -c) exit 0 ;; *) echo "{0} runs $1" ;; esac'


def test_the_first_python_that_fits_is_taken(tmp_path: Path) -> None:
    stub(tmp_path / "bin", "python3", OLD)
    stub(tmp_path / "bin", "python3.12", NEW.format("3.12"))
    stub(tmp_path / "bin", "python3.11", NEW.format("3.11"))
    assert find_python(tmp_path).stdout == "3.12 runs scripts/bootstrap.py\n"


def test_uv_brings_a_python_where_there_is_none(tmp_path: Path) -> None:
    stub(tmp_path / "bin", "uv", 'echo "uv $*"')
    assert find_python(tmp_path).stdout == "uv run --no-project --python >=3.11,<3.14 scripts/bootstrap.py\n"


def test_without_a_python_that_fits_the_fix_is_said(tmp_path: Path) -> None:
    stub(tmp_path / "bin", "python3", OLD)
    done = find_python(tmp_path)
    assert done.returncode == 1
    assert "found only: Python 3.10.9" in done.stderr
    assert "fix:" in done.stderr


def test_a_python_can_be_chosen(tmp_path: Path) -> None:
    stub(tmp_path / "bin", "mine", NEW.format("mine"))
    stub(tmp_path / "bin", "python3", OLD)
    assert find_python(tmp_path, PYTHON="mine").stdout == "mine runs scripts/bootstrap.py\n"
    shutil.rmtree(tmp_path / "bin")
    stub(tmp_path / "bin", "python3", OLD)
    assert "PYTHON=python3" in find_python(tmp_path, PYTHON="python3").stderr


def test_this_environment_is_the_one_of_the_lock() -> None:
    """What the tests run in is what the lock says, to the version."""
    uv = str(Path(sys.executable).with_name("uv"))
    dry = [uv, "pip", "install", "--python", sys.executable, "--dry-run", "--offline", "--no-deps"]
    done = subprocess.run([*dry, "-r", str(ROOT / "requirements.lock")], capture_output=True, text=True)
    assert "Would make no changes" in done.stderr, done.stderr
