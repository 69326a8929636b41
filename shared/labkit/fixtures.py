"""Fixtures that live as long as a file of checks. They stand in a module: pytest wants no instance behind them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import numpy as np

    from labkit.handles import LabHandle
    from labkit.plugin import CheckPlugin

PLUGIN: pytest.StashKey[CheckPlugin] = pytest.StashKey()


@pytest.fixture(scope="module")
def new_lab(request: pytest.FixtureRequest) -> Iterator[Callable[[str], LabHandle]]:
    """Opens a worker that several checks of one exercise share: `new_lab("1.2")`, in a fixture with scope "module".

    One worker per exercise: what one exercise does to its worker must not fail another one.
    """
    plugin = request.config.stash[PLUGIN]
    yield plugin.open_shared
    plugin.close_shared()


@pytest.fixture(scope="module")
def module_rng(request: pytest.FixtureRequest) -> np.random.Generator:
    """A random generator for fixtures of the whole module, seeded anew for each run."""
    return request.config.stash[PLUGIN].generator("module")
