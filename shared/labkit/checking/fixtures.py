"""Fixtures that live as long as a file of checks. They stand in a module: pytest wants no instance behind them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest

from labkit.checking.documents import Documents
from labkit.checking.handles import LabHandle
from labkit.checking.run import CheckRun

if TYPE_CHECKING:
    import numpy as np


class Plugin(Protocol):
    """What these fixtures need of the plugin of a run."""

    run: CheckRun

    def open_shared(self, exercise: str, *, listen: bool = False) -> LabHandle: ...
    def close_shared(self) -> None: ...
    def generator(self, name: str) -> np.random.Generator: ...


PLUGIN: pytest.StashKey[Plugin] = pytest.StashKey()


@pytest.fixture(scope="module")
def new_lab(request: pytest.FixtureRequest) -> Iterator[Callable[..., LabHandle]]:
    """Opens a worker that several checks of one exercise share: `new_lab("1.2")`, in a fixture with scope "module".

    One worker per exercise: what one exercise does to its worker must not fail another one. With `listen=True` it can
    run a web service: `new_lab("2.2", listen=True).serve("app:create_app")`.
    """
    plugin = request.config.stash[PLUGIN]
    yield plugin.open_shared
    plugin.close_shared()


@pytest.fixture(scope="module")
def template(request: pytest.FixtureRequest) -> Callable[[str], Path]:
    """Where a fresh state of a service lies: `template("mlflow") / "mlflow.db"`, with its tables made."""
    doors = request.config.stash[PLUGIN].run.doors
    assert doors is not None
    return doors.template


@pytest.fixture(scope="module")
def submitted(request: pytest.FixtureRequest) -> Mapping[str, str]:
    """The text of each file under check, by its name. Whatever stands in it is the learner's."""
    texts = request.config.stash[PLUGIN].run.collected.texts
    return {name: data.decode() for name, data in texts.items()}


@pytest.fixture(scope="module")
def documents(request: pytest.FixtureRequest) -> Documents:
    """The files under check that are YAML, HCL or TOML, as values that know their lines."""
    return request.config.stash[PLUGIN].run.documents


@pytest.fixture(scope="module")
def module_rng(request: pytest.FixtureRequest) -> np.random.Generator:
    """A random generator for fixtures of the whole module, seeded anew for each run."""
    return request.config.stash[PLUGIN].generator("module")
