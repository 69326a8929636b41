"""kubectl on one cluster: the program on PATH, else the one that a wheel has put beside this Python."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from k8s.waiting import GaveUpError
from labkit.course.labtoml import patience
from labkit.tools import find


def _longer(seconds: re.Match[str]) -> str:
    return str(int(int(seconds.group()) * patience()))


class KubectlError(RuntimeError):
    """kubectl failed; the message has its command and what it said."""


@dataclass(frozen=True)
class Kubectl:
    """Runs kubectl with a kubeconfig, and in a namespace where one is given."""

    kubeconfig: Path
    namespace: str | None = None

    def command(self, *arguments: str) -> list[str]:
        program = find("kubectl")
        if program is None:
            raise KubectlError("kubectl is not there; `lab doctor` says how to get it")
        place = ["--namespace", self.namespace] if self.namespace else []
        return [str(program), "--kubeconfig", str(self.kubeconfig), *place, *arguments]

    def run(self, *arguments: str, stdin: str | None = None, seconds: float = 600) -> str:
        """What kubectl prints. Raises KubectlError, and GaveUpError where it waited in vain.

        A `--timeout` in whole seconds is as long as the patience of the user allows.
        """
        longer = [re.sub(r"(?<=^--timeout=)\d+(?=s$)", _longer, argument) for argument in arguments]
        done = subprocess.run(
            self.command(*longer),
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=seconds * patience(),
        )
        if "timed out waiting for the condition" in done.stderr:
            raise GaveUpError(f"kubectl {' '.join(arguments)}: {done.stderr.strip()}")
        if done.returncode:
            raise KubectlError(f"kubectl {' '.join(arguments)}\n{done.stderr.strip()}\n{done.stdout.strip()}".strip())
        return done.stdout

    def succeeds(self, *arguments: str) -> bool:
        try:
            self.run(*arguments, seconds=10)
        except (KubectlError, GaveUpError, subprocess.TimeoutExpired):
            return False
        return True

    def get(self, *arguments: str) -> dict[str, Any]:
        """An object, or a list of them, as data."""
        found: dict[str, Any] = json.loads(self.run("get", *arguments, "--output=json"))
        return found
