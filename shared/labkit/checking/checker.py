"""Runs the checks of a lab: pytest, started as the engine wants it."""

from __future__ import annotations

import os

from labkit.checking.run import CheckRun

LEFT_OUT = ("cacheprovider", "terminal", "junitxml", "faulthandler", "unraisableexception", "threadexception")
"""Plugins of pytest that write, print or warn: the verdicts go another way."""


def pytest_arguments(run: CheckRun) -> list[str]:
    """Return the arguments for a pytest that takes nothing from a submission or from the surroundings."""
    return [
        "-c", os.fspath(run.root / "tests" / "labs" / "pytest.ini"),
        "--rootdir", os.fspath(run.root),
        "--noconftest", "--capture=no",
        *(part for name in LEFT_OUT for part in ("-p", f"no:{name}")),
        os.fspath(run.root / run.lab.checks_file),
    ]  # fmt: skip


def run_checks(run: CheckRun) -> int:
    """Run the checks in this process and report each; return pytest's exit status."""
    import pytest

    from labkit.checking.plugin import CheckPlugin

    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    os.environ.pop("PYTEST_ADDOPTS", None)
    os.environ.pop("PYTEST_PLUGINS", None)
    return int(pytest.main(pytest_arguments(run), plugins=[CheckPlugin(run)]))
