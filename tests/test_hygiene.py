"""What `conftest.py` does for every test run, seen from outside: its own home folder, and no process left behind."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

LEAVES_ONE_BEHIND = """
import subprocess, sys

def test_leaves_one_behind():
    code = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])"
    subprocess.run([sys.executable, "-c", code], check=True, start_new_session=True)
"""

WRITES_HOME = """
from pathlib import Path

def test_writes_home():
    (Path.home() / "trace").write_text("x")
"""


def run_tests(folder: Path, code: str) -> subprocess.CompletedProcess[str]:
    """Run a test file beside a copy of our conftest.py."""
    shutil.copy(Path(__file__).with_name("conftest.py"), folder)
    (folder / "test_it.py").write_text(code)
    command = [sys.executable, "-m", "pytest", "-q", "-c", "/dev/null", "--rootdir", str(folder), str(folder)]
    return subprocess.run(
        [*command, "-p", "no:cacheprovider", "--disable-plugin-autoload"], capture_output=True, text=True
    )


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_process_that_is_left_behind_fails_the_run_and_ends(tmp_path: Path) -> None:
    done = run_tests(tmp_path, LEAVES_ONE_BEHIND)
    assert "1 passed" in done.stdout
    assert done.returncode == 1
    pid = done.stderr.partition("error: process ")[2].partition(" was left behind")[0]
    assert pid.isdigit()
    assert not Path("/proc", pid).exists()


def test_the_home_folder_of_a_run_is_its_own_and_goes_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    (tmp_path / "tests").mkdir()
    assert run_tests(tmp_path / "tests", WRITES_HOME).returncode == 0
    assert not list(home.iterdir())
