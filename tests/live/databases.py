"""A PostgreSQL of a test's own, where Debian's package is there."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from mlops_lab.processes import free_port


def program(name: str) -> str:
    """A program of PostgreSQL's: Debian keeps them where no PATH leads."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    found = shutil.which(name) or next((str(one / name) for one in folders if (one / name).exists()), None)
    if found is None:
        pytest.skip(f"PostgreSQL (`{name}`) is not there: `sudo apt-get install postgresql`")
    return found


@dataclass(frozen=True)
class Database:
    """One that listens on loopback. `run` runs its programs in its folder, as a user who is not root."""

    folder: Path
    port: int
    user: str
    password: str | None
    person: dict[str, Any] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """What its programs find it by."""
        place = {"PGHOST": "127.0.0.1", "PGPORT": str(self.port), "PGUSER": self.user}
        return place | ({"PGPASSWORD": self.password} if self.password else {})

    def run(self, name: str, *arguments: str, **more: str) -> str:
        """Run a program, of PostgreSQL or with PostgreSQL's on its path, and return what it printed."""
        path = f"{Path(program('initdb')).parent}:{os.environ['PATH']}"
        done = subprocess.run(
            [name if "/" in name else program(name), *arguments],
            cwd=self.folder, env={**os.environ, "PATH": path, **self.environment, **more},
            capture_output=True, text=True, check=False, **self.person,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        printed: str = done.stdout
        return printed


@contextlib.contextmanager
def running(*names: str, user: str = "lab", password: str | None = None) -> Iterator[Database]:
    """Run one with these databases; without a password it trusts everybody on loopback."""
    with tempfile.TemporaryDirectory(prefix="mlops-lab-pg-") as folder:
        # It refuses to run as root.
        person: dict[str, Any] = (
            {"user": "postgres", "group": "postgres", "extra_groups": []} if not os.getuid() else {}
        )
        if person:
            program("initdb")
            shutil.chown(folder, "postgres", "postgres")
        database = Database(Path(folder), free_port(), user, password, person)
        data, secret = f"{folder}/data", Path(folder, "password")
        secret.write_text(password or "", encoding="utf-8")
        how = ["--auth", "scram-sha-256", "--pwfile", str(secret)] if password else ["--auth", "trust"]
        database.run("initdb", "--pgdata", data, *how, "--username", user, "--no-sync", "--encoding", "UTF8")
        options = "-c listen_addresses=127.0.0.1 -c fsync=off"
        options += f" -c port={database.port} -c unix_socket_directories={folder}"
        # The log goes to a file: who holds our pipe would be waited for.
        database.run("pg_ctl", "start", "--pgdata", data, "--wait", "--log", f"{folder}/log", "--options", options)
        try:
            for name in names:
                database.run("createdb", name)
            yield database
        finally:
            database.run("pg_ctl", "stop", "--pgdata", data, "--mode", "immediate", "--wait")
