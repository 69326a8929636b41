"""What a lab and an exercise are: frozen data, with the paths that belong to them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


class CatalogError(Exception):
    """A `lab.toml` that cannot be used, or a lab or an exercise that is not there."""


@dataclass(frozen=True)
class Exercise:
    """One exercise.

    `file` is where it is written, `also` names further files of it. `after` are the exercises that it builds on.
    `minutes` is reading and writing time, `seconds` the wall-clock limit of one check, `preload` what it needs
    besides the libraries that the whole lab needs, `services` the servers that it talks to, such as "mlflow".
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
    services: tuple[str, ...] = ()

    @property
    def files(self) -> tuple[str, ...]:
        """All files that the exercise is written in, the main one first."""
        return (self.file, *self.also)

    @property
    def sort_key(self) -> tuple[int, int]:
        """`1.10` comes after `1.9`."""
        lab, _, place = self.id.partition(".")
        return int(lab), int(place)

    def builds_on(self, earlier: str) -> str:
        """The words that the verdict begins with where the TODO of an exercise of `after` still stands."""
        return f"{self.id} builds on {earlier},"


@dataclass(frozen=True)
class Lab:
    """One lab. All paths are relative to the root of the repository.

    `up` are servers that `lab up` starts for the learner, and that no check talks to. `live` is the module that judges
    the lab on what is really there, such as a cluster.
    """

    number: int
    name: str
    title: str
    minutes: int
    needs: tuple[str, ...]
    exercises: tuple[Exercise, ...]
    preload: tuple[str, ...] = ()
    prepare: str | None = None
    extra_files: tuple[str, ...] = ()
    up: tuple[str, ...] = ()
    live: str | None = None

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
    def services(self) -> tuple[str, ...]:
        """The servers that its exercises talk to, each once."""
        return tuple(dict.fromkeys(name for exercise in self.exercises for name in exercise.services))

    @property
    def servers(self) -> tuple[str, ...]:
        """All that `lab up` starts, each once."""
        return tuple(dict.fromkeys([*self.services, *self.up]))

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
