"""A checkout as it lies on a laptop (2.8): the files of the repository, and what must never reach an image."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

LEFT_OUT = {".git", ".venv", ".lab", "artifacts", "reports", "node_modules"}
LAB = "lab2_service"
MADE = {"__pycache__", ".ipynb_checkpoints"}
FEW_OF = {"tests", "weeks", "notebooks", "scripts", "bench", ".github"}  # some files stand for all
_WORDS = ("amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "haven", "indigo", "juniper", "koala", "lumen")


@dataclass(frozen=True)
class Decoy:
    """A file that lies in many checkouts. `kind` is "secret", "history" or "work"; `why` follows the file's name."""

    path: str
    kind: str
    why: str


@dataclass(frozen=True)
class Checkout:
    """The paths of a checkout, the decoys among them, and the text that marks each decoy's content."""

    files: frozenset[str]
    decoys: dict[str, Decoy]
    marker: str

    @property
    def commit(self) -> str:
        """What `--build-arg REVISION=…` says."""
        return self.marker.rpartition("-")[2]

    def service(self, track: str) -> list[str]:
        """The modules of the service of a track and the files of its page, without the decoys among them."""
        top = f"{track}/{LAB}/"
        names = [path.removeprefix(top) for path in self.files - set(self.decoys) if path.startswith(top)]
        names.sort(key=lambda name: (name.startswith("page/"), name != "page/index.html", name))
        return [name for name in names if name.startswith("page/") or ("/" not in name and name.endswith(".py"))]

    def unwanted(self, path: str, track: str) -> tuple[str, str] | None:
        """Why a file has no place in an image of `track`: its kind and the reason; None where it may be there."""
        if path in self.decoys:
            return self.decoys[path].kind, self.decoys[path].why
        top, _, below = path.partition("/")
        if top in ("labs", "solutions") and top != track and below.startswith(LAB):
            return "work", f"is the service of `{top}/`, and `TRACK={track}` was asked for"
        if top == "labs" and not below.startswith(LAB):
            return "work", "is the work on another lab"
        if top == "solutions" and not below.startswith((LAB, "lab1_models")):
            return "work", "is another lab, which the service does not use"
        if path.startswith("solutions/lab1_models/"):
            return "work", "is needed to train the models, not to serve them"
        if path.startswith("shared/mlops_lab/data/"):
            return "work", "is data to train from; the last stage has the modules of `mlops_lab` only"
        if top in ("tests", "notebooks", "weeks", ".github", ".ci"):
            return "work", "is needed to learn and to test, not to serve"
        return None


def draw_checkout(root: Path, rng: np.random.Generator) -> Checkout:
    """The files of the repository at `root` and decoys whose names are drawn, so that no list of names is enough."""

    def word() -> str:
        return str(rng.choice(_WORDS))

    number = int(rng.integers(1_000, 9_999))
    marker = f"decoy-{number}-{int(rng.integers(2**40)):x}"
    decoys = {decoy.path: decoy for decoy in _decoys(word, number)}
    files = frozenset(decoys) | frozenset(_files_below(root))
    return Checkout(files, decoys, marker)


def _decoys(word: Callable[[], str], number: int) -> Iterator[Decoy]:
    for folder in ("", "labs/lab2_service/", "solutions/lab2_service/"):
        yield Decoy(f"{folder}.env", "secret", "often holds passwords")
        yield Decoy(f"{folder}.env.{word()}", "secret", "often holds passwords")
    yield Decoy(f"credentials-{number}.json", "secret", "opens a cloud account")
    yield Decoy(f"id_{word()}", "secret", "is a private key")
    yield Decoy(f"{word()}.pem", "secret", "is a private key")
    yield Decoy(f"k8s/secret-{word()}.yaml", "secret", "holds a secret of the cluster")
    yield Decoy(f"labs/lab2_service/{word()}-{number}.key", "secret", "is a private key")
    yield Decoy(f"solutions/lab2_service/{word()}-{number}.key", "secret", "is a private key")
    for name in ("config", "HEAD", "index", f"objects/{number:04x}/{word()}"):
        yield Decoy(f".git/{name}", "history", "holds all that was ever committed")
    yield Decoy(".lab/progress.json", "history", "is the record of your progress")
    yield Decoy(f".venv/lib/{word()}.py", "work", "belongs to this machine's Python")
    yield Decoy(f"artifacts/house_price/model-{number}.joblib", "work", "is a model that nobody knows the age of")
    yield Decoy(f"artifacts/house_price/metadata-{number}.json", "work", "is a model that nobody knows the age of")
    yield Decoy(f"notebooks/{word()}-{number}.ipynb", "work", "is a notebook of somebody's own")
    yield Decoy(f"labs/lab1_models/{word()}_{number}.py", "work", "is the work on another lab")


def _files_below(root: Path) -> Iterator[str]:
    """The files of the repository, less what is made there; of lab 2 in `labs/` those of the solution."""
    for folder, folders, names in os.walk(root):
        top = Path(folder) == root
        folders[:] = [
            name for name in folders
            if not (top and (name in LEFT_OUT or name.startswith("."))) and name not in MADE
        ]  # fmt: skip
        place = Path(folder).relative_to(root).as_posix()
        if place.startswith(f"labs/{LAB}"):
            continue
        for name in sorted(names)[: 5 if place.partition("/")[0] in FEW_OF else None]:
            if not name.endswith((".pyc", ".log")):
                path = name if place == "." else f"{place}/{name}"
                yield path
                if path.startswith(f"solutions/{LAB}/"):
                    yield path.replace("solutions/", "labs/", 1)
