"""Put the real output of commands into README.md: `python scripts/readme_output.py` writes, `--check` compares.

A block that begins with `$ make lab-1` or `$ make check-1.1` holds what that command prints, in a fresh copy of the
course whose `split_by_time` splits at random. Seconds differ from run to run and are compared as a form. That of
`$ make demo` takes two minutes: `--demo` writes it, and tests/live/test_demo.py compares it.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from labkit.course.catalog import load_catalog
from labkit.course.mutants import load_mutants, write_submission
from labkit.course.starters import render_starters
from labkit.files import write_atomic

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
MUTANT = "1.1_random_split"
BLOCK = re.compile(r"```text\n\$ make (?P<target>[\w.-]+)\n.*?```", re.DOTALL)
SECONDS = re.compile(r"\d+\.\d+ s|--seed \d+")


def course(folder: Path) -> Path:
    """Copy what the course is made of, with fresh starters and one wrong answer; return its root."""
    for name in ("weeks", "solutions", "notebooks", "tests/labs", "tests/mutants", "tests/alternatives"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    lab = load_catalog(folder).lab(1)
    render_starters(folder, folder / "labs")
    mutant = next(one for one in load_mutants(folder, lab) if one.name == MUTANT)
    wrong = write_submission(mutant, folder / "submission")
    shutil.copy(next(wrong.rglob(mutant.file)), folder / "wrong.py")
    shutil.rmtree(folder / "submission")
    return folder


def run(root: Path, *arguments: str) -> str:
    """Return what `lab` prints, as wide as a README."""
    environment = {**os.environ, "NO_COLOR": "1", "COLUMNS": "88", "PATH": "/usr/bin:/bin"}
    command = [sys.executable, "-m", "labkit", *arguments]
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
    if done.returncode > 1:
        raise SystemExit(done.stdout + done.stderr)
    return "\n".join(line.rstrip() for line in done.stdout.strip("\n").splitlines())


def first_failure(text: str) -> str:
    """Return a verdict up to its second failed check."""
    parts = text.split("\n     ✗  ")
    return "\n     ✗  ".join(parts[:2]) + "\n     …"


def play_demo() -> str:
    """Return what `make demo` prints."""
    environment = {**os.environ, "NO_COLOR": "1", "COLUMNS": "88"}
    command = [sys.executable, "-m", "weeks.demo"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    return done.stdout.strip("\n")


def outputs() -> dict[str, str]:
    """Return the output of each quick command in the README, by its make target."""
    with tempfile.TemporaryDirectory() as name:
        root = course(Path(name).resolve())
        found = {"lab-1": run(root, "start", "1")}
        target = root / "labs" / "lab1_models" / "house_price.py"
        shutil.move(root / "wrong.py", target)
        found["check-1.1"] = first_failure(run(root, "check", "1.1", "--seed", "7"))
    return found


def filled(text: str, found: Mapping[str, str]) -> str:
    """Return the README with fresh outputs. What is not in `found` stays as it is."""

    def fresh(match: re.Match[str]) -> str:
        target = match["target"]
        return f"```text\n$ make {target}\n{found[target]}\n```" if target in found else match.group()

    return BLOCK.sub(fresh, text)


def main() -> int:
    """Write or compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="only say whether README.md is up to date")
    parser.add_argument("--demo", action="store_true", help="play the demo, too")
    options = parser.parse_args()
    before = README.read_text(encoding="utf-8")
    after = filled(before, outputs() | ({"demo": play_demo()} if options.demo else {}))
    if options.check:
        same = SECONDS.sub("N", before) == SECONDS.sub("N", after)
        print(
            "README.md is up to date" if same else f"README.md differs; run `python scripts/readme_output.py`\n{after}"
        )
        return 0 if same else 1
    write_atomic(README, after)
    return 0


if __name__ == "__main__":
    sys.exit(main())
