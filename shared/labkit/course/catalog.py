"""The catalog: what `weeks/week*/lab.toml` says, as typed and frozen objects.

Imports nothing heavy, so that `lab` can answer at once.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from labkit.course.lab import CatalogError, Exercise, Lab, suggestion
from labkit.course.labtoml import read_lab

# The eight weeks of the course in their order. A week without a lab.toml is "not there yet".
WEEK_NAMES = ("models", "service", "kubernetes", "tracking", "pipeline", "monitoring", "delivery", "loop")


@dataclass(frozen=True)
class Catalog:
    """All labs that are there, by number."""

    root: Path
    labs: tuple[Lab, ...]

    def __iter__(self) -> Iterator[Lab]:
        return iter(self.labs)

    def __len__(self) -> int:
        return len(self.labs)

    def lab(self, which: int | str) -> Lab:
        """The lab of a number (`1`, `"1"`), a name (`models`), or a folder name (`lab1_models`, `week1_models`)."""
        wanted = str(which).strip()
        for lab in self.labs:
            if wanted in {str(lab.number), lab.name, lab.package, lab.week}:
                return lab
        if wanted in self._exercise_ids():
            raise CatalogError(f"`{wanted}` is an exercise, and a lab is wanted here: `{wanted.partition('.')[0]}`.")
        raise CatalogError(self._no_lab(wanted))

    def exercise(self, id: str) -> tuple[Lab, Exercise]:
        """The lab and the exercise of an id such as `1.2`."""
        if lab := next((lab for lab in self.labs if id in {str(lab.number), lab.name, lab.package}), None):
            first = lab.exercises[0].id
            raise CatalogError(f"`{id}` is a lab, and an exercise is wanted here, such as `{first}`.")
        if not re.fullmatch(r"\d+\.\d+", id):
            raise CatalogError(f"`{_shown(id)}` is not an exercise.{suggestion(id, self._exercise_ids())}")
        lab = self.lab(id.partition(".")[0])
        return lab, lab.exercise(id)

    def find(self, target: str) -> tuple[Lab, Exercise | None]:
        """`1` and `models` are a lab, `1.2` is an exercise of one; anything else is a `CatalogError`."""
        if re.fullmatch(r"\d+\.\d+", target):
            return self.exercise(target)
        return self.lab(target), None

    def _exercise_ids(self) -> list[str]:
        return [exercise.id for lab in self.labs for exercise in lab.exercises]

    def _no_lab(self, wanted: str) -> str:
        weeks = {str(number): name for number, name in enumerate(WEEK_NAMES, start=1)}
        for number, name in weeks.items():
            if wanted in {number, name, f"lab{number}_{name}", f"week{number}_{name}"}:
                there = ", ".join(f"`{lab.number}`" for lab in self.labs) or "none"
                return f"lab {number} ({name}) is not there yet. Labs that are there: {there}."
        if wanted.isdigit():  # never an exercise
            return f"there is no lab `{_shown(wanted)}`.{suggestion('', [str(lab.number) for lab in self.labs])}"
        known = [*(str(lab.number) for lab in self.labs), *(lab.name for lab in self.labs), *self._exercise_ids()]
        return f"there is no lab `{_shown(wanted)}`.{suggestion(wanted, known)}"


def find_root(start: Path | None = None) -> Path:
    """The root of the repository.

    The nearest folder from `start` (the working directory) upwards that holds pyproject.toml and weeks/;
    else the environment's `LAB_ROOT`; else the checkout that this package was installed from.
    """
    here = (start or Path.cwd()).resolve()
    named = [Path(os.environ["LAB_ROOT"]).resolve()] if os.environ.get("LAB_ROOT") else []
    for folder in (here, *here.parents, *named, Path(__file__).resolve().parents[3]):
        if (folder / "pyproject.toml").is_file() and (folder / "weeks").is_dir():
            return folder
    raise CatalogError(
        "no lab repository here: no folder above holds pyproject.toml and weeks/.\n"
        "Go to the folder you cloned, or set LAB_ROOT to it."
    )


def load_catalog(root: Path | None = None) -> Catalog:
    """Read and validate every `weeks/*/lab.toml`; `CatalogError` names the file and the key that is wrong."""
    root = root or find_root()
    labs = sorted((read_lab(path, root) for path in root.glob("weeks/*/lab.toml")), key=lambda lab: lab.number)
    for one, other in pairwise(labs):
        if one.number == other.number:
            raise CatalogError(f"weeks/{other.week}/lab.toml: `number` {other.number} is taken by weeks/{one.week}.")
    return Catalog(root, tuple(labs))


def _shown(wanted: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in wanted)[:60]
