"""Every test run keeps to itself: a home folder of its own, no telemetry, and no process left behind."""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PR_SET_CHILD_SUBREAPER = 36
SECONDS_TO_END = 3.0
# Set by scripts/test_live.sh: the tests in tests/live need a Docker engine or a browser, and take minutes.
LIVE = bool(os.environ.get("MLOPS_LAB_LIVE"))
# The slowest files, so that no worker begins one when the other is done. A file that is not named comes after them.
SLOW_FIRST = (
    "test_mutants_with_servers",
    "test_mutants",
    "test_checks",
    "test_checks_of_services",
    "test_doors",
    "test_survival",
    "test_engine",
    "test_door_servers",
    "test_up",
    "test_notebooks",
    "test_pipeline_tools",
    "test_file_checks",
    "test_submission",
    "test_tracking_tools",
    # In tests/live, images are built with all that they install, and take as long as all others together.
    "test_lab2_image",
    "test_demo",
    "test_lab3_terraform",
)


def pytest_configure(config: pytest.Config) -> None:
    """Set the environment before a test imports anything; the workers of xdist inherit it."""
    # A shell that starts a run in the background has Ctrl-C ignored, `nohup` the end of the terminal, and every process
    # below would ignore it too.
    for number, usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, usual)
    if is_worker(config):
        return
    home = tempfile.mkdtemp(prefix="mlops-lab-home-")
    config.add_cleanup(lambda: shutil.rmtree(home, ignore_errors=True))
    os.environ.update(
        {
            "HOME": home,
            "MLOPS_LAB_TESTS_BEGAN": str(time.time()),
            "MPLCONFIGDIR": f"{ROOT}/.pytest_cache/matplotlib",  # the list of fonts takes seconds to make
            "MPLBACKEND": "agg",
            "DO_NOT_TRACK": "true",  # mlflow, prefect, evidently
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "PREFECT_LOGGING_LEVEL": "WARNING",
            "ANONYMIZED_TELEMETRY": "false",
            # Two tests side by side, each with a thread for every core, wait for each other: 24 times as long.
            "OMP_NUM_THREADS": "1",
        }
    )
    if not LIVE:
        # No test of `make test` uses an engine that happens to run here: `make test-live` does.
        os.environ["DOCKER_HOST"] = "unix:///nowhere/docker.sock"
        os.environ.pop("DOCKER_CONTEXT", None)
    for name in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "PYTHONDONTWRITEBYTECODE"):
        os.environ.pop(name, None)
    sys.dont_write_bytecode = False
    if sys.platform == "linux":
        # What a test leaves behind becomes our child, wherever it was started.
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


@pytest.fixture(scope="module")
def patience() -> Iterator[None]:
    """Give each check of an engine that starts under it three times as long: other tests run beside it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LABKIT_PATIENCE", os.environ.get("LABKIT_PATIENCE", "3"))
        yield


def pytest_addoption(parser: pytest.Parser) -> None:
    """`make test ARGS=--quick`: a first answer in a minute."""
    parser.addoption("--quick", action="store_true", help="what changed since the merge base, and a sample of each lab")


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leave out the tests that need an engine where they were not asked for."""
    return True if collection_path == ROOT / "tests" / "live" and not LIVE else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put the slow files first; within a file the order stays. With `--quick`, keep what is nearest to the change."""
    if config.getoption("--quick", False):
        from tests import quick

        left_out = quick.leave_out(ROOT, items)
        config.hook.pytest_deselected(items=left_out)
        return
    ranks = {name: rank for rank, name in enumerate(SLOW_FIRST)}
    items.sort(key=lambda item: ranks.get(item.path.stem, len(ranks)))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """With `--quick`, begin no test when the time is up."""
    if item.config.getoption("--quick", False):
        from tests import quick

        if time.time() - float(os.environ["MLOPS_LAB_TESTS_BEGAN"]) > quick.SECONDS:
            pytest.skip("the time of --quick is up; `make test` runs it")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail the run where a process is left behind, and end that process."""
    if is_worker(session.config):
        return
    end = time.monotonic() + SECONDS_TO_END
    while (left := children_of(os.getpid())) and time.monotonic() < end:
        time.sleep(0.1)
    for pid, command in left.items():
        print(f"\nerror: process {pid} was left behind: {command}", file=sys.stderr)
        with contextlib.suppress(ProcessLookupError, ChildProcessError):
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
    if left:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def is_worker(config: pytest.Config) -> bool:
    """Whether this process is one of xdist's workers."""
    return hasattr(config, "workerinput")


def children_of(parent: int) -> dict[int, str]:
    """The running children of a process, with their command lines; none where there is no /proc."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state, ppid = (folder / "stat").read_text().rpartition(")")[2].split()[:2]
            if int(ppid) == parent and state not in "ZX":
                found[int(folder.name)] = (folder / "cmdline").read_text().replace("\0", " ").strip()
        except OSError:
            continue  # it ended while we looked
    return {pid: command for pid, command in found.items() if "multiprocessing.resource_tracker" not in command}
