"""Whose code the demo runs: the solutions', or the learner's own where it is done."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from labkit.course.catalog import Catalog
from labkit.course.lab import Lab
from labkit.learner.progress import load_progress, standings

# Number of the lab → its files with exercises that the year goes through.
USED = {
    "1": ("house_price.py",),
    "2": ("schemas.py", "app.py", "predictor.py"),
    "4": ("tracking.py", "registry.py", "serve.py", "ab_test.py"),
    "5": ("contract.py", "features.py", "flow.py"),
    "6": ("metrics.py", "rules.yml", "alertmanager.yml", "drift.py", "logs.py"),
}


@dataclass(frozen=True)
class Source:
    """One lab: those of its used files that are the learner's, and those that are the solution's."""

    lab: Lab
    mine: tuple[str, ...]
    given: tuple[str, ...]


def sources(catalog: Catalog, *, mine: bool) -> list[Source]:
    """Return where each lab comes from. A file is the learner's where each exercise in it has passed, as it is now."""
    found = []
    for number, files in USED.items():
        lab = catalog.lab(number)
        done = done_files(catalog, lab) if mine else frozenset()
        own = tuple(file for file in files if file in done)
        found.append(Source(lab, own, tuple(file for file in files if file not in own)))
    return found


def done_files(catalog: Catalog, lab: Lab) -> frozenset[str]:
    """Return the files of a lab in which every exercise is done: the last verdict is green, and on this very file."""
    states = standings(catalog.root, lab, load_progress(catalog.root))
    open_files = {file for one in states if one.state != "passed" for file in one.exercise.files}
    return frozenset(file for one in states for file in one.exercise.files) - open_files


def lay_out(chosen: Sequence[Source], root: Path, folder: Path) -> Path:
    """Return a folder to import the labs from. Where nothing is the learner's, it is `solutions/` itself.

    Else it is below `folder`: the solution of each lab, with the learner's files in their places. What was given with a
    lab goes along with the learner's files, since these were checked with it.
    """
    if not any(source.mine for source in chosen):
        return root / "solutions"
    target = folder / "labs"
    target.mkdir(parents=True)
    mixed = {source.lab.package: source for source in chosen if source.mine}
    for solution in sorted((root / "solutions").glob("lab*_*")):
        if solution.name not in mixed:
            (target / solution.name).symlink_to(solution)
            continue
        source = mixed[solution.name]
        shutil.copytree(solution, target / solution.name, ignore=shutil.ignore_patterns("__pycache__"))
        for file in (*source.mine, *source.lab.extra_files):
            if (own := root / source.lab.labs_dir / file).is_file():
                shutil.copyfile(own, target / solution.name / file)
    return target


def whose(chosen: Sequence[Source], *, mine: bool) -> list[tuple[str, str, str]]:
    """Return a row for each lab: `lab 1`, the files that are yours, the files that are the solution's."""
    if not mine:
        return []
    return [(f"lab {one.lab.number}", ", ".join(one.mine) or "-", ", ".join(one.given) or "-") for one in chosen]
