"""kubectl on one cluster: the program on PATH, else the one that a wheel has put beside this Python."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labkit.tools import find


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
        """What kubectl prints. Raises KubectlError."""
        done = subprocess.run(
            self.command(*arguments), input=stdin, capture_output=True, text=True, check=False, timeout=seconds
        )
        if done.returncode:
            raise KubectlError(f"kubectl {' '.join(arguments)}\n{done.stderr.strip()}\n{done.stdout.strip()}".strip())
        return done.stdout

    def succeeds(self, *arguments: str) -> bool:
        try:
            self.run(*arguments, seconds=10)
        except (KubectlError, subprocess.TimeoutExpired):
            return False
        return True

    def get(self, *arguments: str) -> dict[str, Any]:
        """An object, or a list of them, as data."""
        found: dict[str, Any] = json.loads(self.run("get", *arguments, "--output=json"))
        return found
