"""The catalog: what `weeks/week*/lab.toml` says, as typed and frozen objects.

Imports nothing heavy, so that `lab` can answer at once.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

# The eight weeks of the course in their order. A week without a lab.toml is "not there yet".
WEEK_NAMES = ("models", "service", "kubernetes", "tracking", "pipeline", "monitoring", "delivery", "loop")


class CatalogError(Exception):
    """A `lab.toml` that cannot be used, or a lab or an exercise that is not there."""


@dataclass(frozen=True)
class Exercise:
    """One exercise.

    `file` is where it is written, `also` names further files of it. `after` are the exercises that it builds on.
    `minutes` is reading and writing time, `seconds` the wall-clock limit of one check, `preload` what it needs
    besides the libraries that the whole lab needs.
    """

    id: str
    title: str
    file: str
    minutes: int
    needs: tuple[str, ...] = ()
    seconds: float = 10.0
    hints: tuple[str, ...] = ()
    preload: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    after: tuple[str, ...] = ()

    @property
    def files(self) -> tuple[str, ...]:
        """All files that the exercise is written in, the main one first."""
        return (self.file, *self.also)

    @property
    def sort_key(self) -> tuple[int, int]:
        """`1.10` comes after `1.9`."""
        lab, _, place = self.id.partition(".")
        return int(lab), int(place)


@dataclass(frozen=True)
class Lab:
    """One lab. All paths are relative to the root of the repository."""

    number: int
    name: str
    title: str
    minutes: int
    needs: tuple[str, ...]
    exercises: tuple[Exercise, ...]
    preload: tuple[str, ...] = ()
    prepare: str | None = None
    extra_files: tuple[str, ...] = ()

    @property
    def package(self) -> str:
        """`lab1_models`: the Python package, and the folder name under labs/, solutions/ and tests/mutants/."""
        return f"lab{self.number}_{self.name}"

    @property
    def week(self) -> str:
        """`week1_models`: the folder name under weeks/."""
        return f"week{self.number}_{self.name}"

    @property
    def files(self) -> tuple[str, ...]:
        """The files taken from a submission, relative to its folder: those of the exercises, then the extra ones."""
        written = [file for exercise in self.exercises for file in exercise.files]
        return tuple(dict.fromkeys([*written, *self.extra_files]))

    @property
    def guide(self) -> Path:
        """`weeks/week1_models/README.md`."""
        return Path("weeks", self.week, "README.md")

    @property
    def solutions_dir(self) -> Path:
        """`solutions/lab1_models`."""
        return Path("solutions", self.package)

    @property
    def labs_dir(self) -> Path:
        """`labs/lab1_models`."""
        return Path("labs", self.package)

    @property
    def checks_file(self) -> Path:
        """`tests/labs/test_lab1_models.py`."""
        return Path("tests", "labs", f"test_{self.package}.py")

    @property
    def mutants_dir(self) -> Path:
        """`tests/mutants/lab1_models`: wrong answers."""
        return Path("tests", "mutants", self.package)

    @property
    def alternatives_dir(self) -> Path:
        """`tests/alternatives/lab1_models`: right answers, written another way."""
        return Path("tests", "alternatives", self.package)

    @property
    def notebook(self) -> Path:
        """`notebooks/lab1_models.ipynb`."""
        return Path("notebooks", f"{self.package}.ipynb")

    def exercise(self, id: str) -> Exercise:
        """The exercise of this id; `CatalogError` with the nearest one where there is none."""
        for exercise in self.exercises:
            if exercise.id == id:
                return exercise
        known = [exercise.id for exercise in self.exercises]
        raise CatalogError(f"lab {self.number} has no exercise `{id}`.{suggestion(id, known)}")

    def exercises_of(self, file: str) -> tuple[Exercise, ...]:
        """The exercises that are written in `file`, a path inside the lab's folder."""
        return tuple(exercise for exercise in self.exercises if file in exercise.files)


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
        known = [*(str(lab.number) for lab in self.labs), *(lab.name for lab in self.labs), *self._exercise_ids()]
        return f"there is no lab `{_shown(wanted)}`.{suggestion(wanted, known)}"


def find_root(start: Path | None = None) -> Path:
    """The root of the repository.

    The nearest folder from `start` (the working directory) upwards that holds pyproject.toml and weeks/;
    else the environment's `LAB_ROOT`; else the checkout that this package was installed from.
    """
    here = (start or Path.cwd()).resolve()
    named = [Path(os.environ["LAB_ROOT"]).resolve()] if os.environ.get("LAB_ROOT") else []
    for folder in (here, *here.parents, *named, Path(__file__).resolve().parents[2]):
        if (folder / "pyproject.toml").is_file() and (folder / "weeks").is_dir():
            return folder
    raise CatalogError(
        "no lab repository here: no folder above holds pyproject.toml and weeks/.\n"
        "Go to the folder you cloned, or set LAB_ROOT to it."
    )


def load_catalog(root: Path | None = None) -> Catalog:
    """Read and validate every `weeks/*/lab.toml`; `CatalogError` names the file and the key that is wrong."""
    from labkit.labtoml import read_lab

    root = root or find_root()
    labs = sorted((read_lab(path, root) for path in root.glob("weeks/*/lab.toml")), key=lambda lab: lab.number)
    for one, other in pairwise(labs):
        if one.number == other.number:
            raise CatalogError(f"weeks/{other.week}/lab.toml: `number` {other.number} is taken by weeks/{one.week}.")
    return Catalog(root, tuple(labs))


def suggestion(wanted: str, known: Iterable[str]) -> str:
    """` Did you mean `1.2`?`, or the names that there are where none is near; begins with a space."""
    from difflib import get_close_matches

    names = list(known)
    near = get_close_matches(wanted, names, n=1, cutoff=0.5)
    if near:
        return f" Did you mean `{near[0]}`?"
    if not names:
        return ""
    shown = ", ".join(f"`{name}`" for name in names[:12])
    return f" There is {shown}{', …' if len(names) > 12 else ''}."


def _shown(wanted: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in wanted)[:60]
