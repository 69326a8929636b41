"""Which tests give a first answer in a minute: those of what changed, and a sample of each lab.

`make test ARGS=--quick` takes these, the nearest to the change first, and stops beginning new ones when the time is up.
"""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from labkit.course.catalog import load_catalog

SECONDS = 45.0
"""When no further test is begun. What runs then, and the start, fit into the rest of a minute."""

SAMPLED = ("tests/test_mutants.py", "tests/test_mutants_with_servers.py")
"""The files whose tests are one for each exercise: of each lab that did not change, one exercise is drawn."""


SLOWEST = "tests/labkit/test_door_servers.py"
"""One test of most of a minute: it comes last."""


def leave_out(root: Path, items: list[pytest.Item]) -> list[pytest.Item]:
    """Take out of `items` what is not near to the change, put the nearest first, and return what was taken out."""
    changed = changed_files(root)
    texts = {path.relative_to(root).as_posix(): path.read_text(encoding="utf-8") for path in {i.path for i in items}}
    near = ranks(changed, texts)
    drawn = sample_of_labs(root, changed, items)
    kept: list[tuple[int, pytest.Item]] = []
    left_out: list[pytest.Item] = []
    for item in items:
        path = item.path.relative_to(root).as_posix()
        rank = 1 if item in drawn else near.get(path)
        if rank is None or (path in SAMPLED and item not in drawn):
            left_out.append(item)
        else:
            kept.append((rank, item))
    items[:] = [item for _, item in sorted(kept, key=lambda pair: (pair[1].path == root / SLOWEST, pair[0]))]
    return left_out


def sample_of_labs(root: Path, changed: Iterable[str], items: Iterable[pytest.Item]) -> set[pytest.Item]:
    """The tests of wrong and right answers: of a lab that changed all, of any other lab one exercise."""
    labs = {lab.number: lab.package for lab in load_catalog(root)}
    touched = touched_labs(changed, labs.values())
    head = git(root, "rev-parse", "HEAD")
    found: set[pytest.Item] = set()
    sampled = [item for item in items if item.path.relative_to(root).as_posix() in SAMPLED]
    for number, package in labs.items():
        own = [item for item in sampled if f"[{number}." in item.name]
        if own and package not in touched:
            exercise = draw({item.name.partition("[")[2] for item in own}, head)
            own = [item for item in own if item.name.endswith(f"[{exercise}")]
        found.update(own)
    return found


def changed_files(root: Path) -> list[str]:
    """Paths that differ from the merge base with the main branch, what is not committed included.

    On the main branch itself, from the commit before.
    """
    head = git(root, "rev-parse", "HEAD")
    bases = [git(root, "merge-base", "HEAD", branch) for branch in ("origin/main", "main")]
    base = next((commit for commit in bases if commit and commit != head), git(root, "rev-parse", "HEAD~1"))
    listed = git(root, "diff", "--name-only", base or "HEAD"), git(root, "ls-files", "--others", "--exclude-standard")
    return sorted({line for lines in listed for line in lines.splitlines()})


def git(root: Path, *arguments: str) -> str:
    """What a git command prints; empty where it fails, as in a shallow clone or without git."""
    try:
        done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def ranks(changed: Iterable[str], texts: Mapping[str, str]) -> dict[str, int]:
    """Which test files to run, and how near each is to the change: 0 the file itself changed, 1 it imports what did.

    Args:
        changed: paths that changed.
        texts: the text of each test file by its path.
    """
    found: dict[str, int] = {}
    for path in changed:
        for test, text in texts.items():
            if test == path:
                found[test] = 0
            elif any(name in text for name in names_of(path)):
                found.setdefault(test, 1)
    return found


def names_of(path: str) -> list[str]:
    """What a test says that tests this file: the dotted name of a module, the path of anything else."""
    top, _, below = path.partition("/")
    if path.endswith(".py") and top in ("shared", "solutions"):
        return [below.removesuffix(".py").removesuffix("/__init__").replace("/", ".")]
    if path.endswith(".py") and top in ("bench", "weeks", "tests"):
        return [path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")]
    return [path, Path(path).name] if top in ("scripts", ".github", ".ci") or not below else []


def touched_labs(changed: Iterable[str], packages: Iterable[str]) -> set[str]:
    """The labs of which a file changed: its solution, its checks and what they judge with, its answers."""
    changed = list(changed)
    return {
        package
        for package in packages
        if any(package in path or f"{package.partition('_')[0]}_judges" in path for path in changed)
    }


def draw(names: Iterable[str], key: str) -> str:
    """One of several names: the same for the same key, another one for the next commit."""
    return min(names, key=lambda name: hashlib.sha256(f"{key} {name}".encode()).hexdigest())
