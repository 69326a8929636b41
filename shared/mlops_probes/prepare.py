"""What checks set up in the learner's process: a fresh worker, other data, a call whose arguments are shown.

Nothing here decides anything: a verdict is computed where the learner's code does not run. So no expected answer may
stand here either; a submission can read this file.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


def prepare_worker() -> None:
    """Make a new worker ready: seeds of its own, no further processes, a folder for the caches of matplotlib."""
    import random

    import joblib
    import numpy as np

    # Workers are forks of one parent: without this, all of them would draw the same "random" numbers.
    random.seed()
    np.random.seed()  # noqa: NPY002
    # `n_jobs=-1` is welcome, but processes would cost more than these small samples.
    joblib.parallel_config(backend="sequential")
    os.environ["MPLCONFIGDIR"] = str(Path.home() / ".matplotlib")


def forget(package: str) -> None:
    """Have a package imported anew the next time that somebody imports it."""
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        del sys.modules[name]


def forget_prometheus_client() -> None:
    """Have `prometheus_client` imported anew: its import reads from the environment whether workers share files."""
    forget("prometheus_client")


def call(target: str, *args: Any, **kwargs: Any) -> tuple[Any, tuple[Any, ...]]:
    """Call `package.module:function`; return its answer, and its arguments as they are after the call."""
    module, _, name = target.partition(":")
    return getattr(importlib.import_module(module), name)(*args, **kwargs), args


def call_method(target: object, name: str, *args: Any) -> tuple[Any, tuple[Any, ...]]:
    """Call a method; return its answer, and its arguments as they are after the call."""
    return getattr(target, name)(*args), args


def used(target: str, user: str) -> tuple[bool, Any]:
    """Whether `user`, a function of the module, names `package.module:constant`; and that constant (None if not)."""
    module, _, name = target.partition(":")
    owner = importlib.import_module(module)
    code = getattr(getattr(owner, user, None), "__code__", None)
    if code is None or name not in code.co_names or not hasattr(owner, name):
        return False, None
    return True, getattr(owner, name)


def parameters(target: str) -> list[str]:
    """The names of the parameters of `package.module:function`; none where there is no such function."""
    module, _, name = target.partition(":")
    try:
        return list(inspect.signature(getattr(importlib.import_module(module), name)).parameters)
    except (AttributeError, TypeError, ValueError):
        return []


def make_folder(path: str) -> Path:
    """Make an empty folder in the worker and return its path."""
    folder = Path(path)
    folder.mkdir(parents=True)
    return folder


class Feed:
    """Gives the lab's modules other data than the files of the course, until `stop`.

    Args:
        package: the lab's package. Its modules are forgotten, so that they are imported anew and see the new data.
        sales: what `load_house_sales` returns from now on; None for the file.
        purchases: what `load_purchases` returns from now on; None for the file.
        measures: the 150 rows of four measures (centimetres) that iris has from now on, also for those who load it
            from scikit-learn; None for the real ones.
    """

    def __init__(
        self,
        package: str,
        *,
        sales: pd.DataFrame | None = None,
        purchases: pd.DataFrame | None = None,
        measures: pd.DataFrame | None = None,
    ) -> None:
        import sklearn.datasets

        from mlops_lab import datasets

        self._package = package
        self._undo: list[tuple[Any, str, Any]] = []
        if sales is not None:
            self._replace(datasets, "load_house_sales", lambda: sales.copy())
        if purchases is not None:
            self._replace(datasets, "load_purchases", lambda: purchases.copy())
        if measures is not None:
            load_iris = _iris_with(sklearn.datasets.load_iris, measures)
            self._replace(sklearn.datasets, "load_iris", load_iris)
            self._replace(sklearn.datasets._base, "load_iris", load_iris)
        forget(self._package)

    def stop(self) -> None:
        """Give the real data back."""
        for owner, name, value in reversed(self._undo):
            setattr(owner, name, value)
        self._undo.clear()
        forget(self._package)

    def _replace(self, owner: Any, name: str, value: Any) -> None:
        self._undo.append((owner, name, getattr(owner, name)))
        setattr(owner, name, value)


class ReadCounter(Feed):
    """Counts how often the lab's modules load the house sales, until `stop`."""

    def __init__(self, package: str) -> None:
        from mlops_lab import datasets

        self.count = 0
        super().__init__(package)
        load = datasets.load_house_sales

        def counted() -> pd.DataFrame:
            self.count += 1
            return load()

        self._replace(datasets, "load_house_sales", counted)


class Calls:
    """Notes what functions of the lab are called with, and what they return, until `stop`.

    Args:
        targets: `package.module:function`. Modules that are imported from now on get the functions that note.
    """

    def __init__(self, targets: list[str]) -> None:
        self.calls: list[dict[str, Any]] = []
        self._undo: list[tuple[Any, str, Any]] = []
        for target in targets:
            module, _, name = target.partition(":")
            owner = importlib.import_module(module)
            if callable(function := getattr(owner, name, None)):
                self._undo.append((owner, name, function))
                setattr(owner, name, self._noting(name, function))

    def stop(self) -> None:
        """Put the functions back."""
        for owner, name, function in self._undo:
            setattr(owner, name, function)

    def _noting(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def noted(*args: Any, **kwargs: Any) -> Any:
            answer = function(*args, **kwargs)
            bound = inspect.signature(function).bind(*args, **kwargs)
            bound.apply_defaults()
            self.calls.append({"name": name, "given": dict(bound.arguments), "answer": answer})
            return answer

        return noted


def _iris_with(load_iris: Callable[..., Any], measures: pd.DataFrame) -> Callable[..., Any]:
    """`sklearn.datasets.load_iris` with other measures."""

    def load(*, return_X_y: bool = False, as_frame: bool = False) -> Any:
        iris = load_iris(as_frame=as_frame)
        values = measures.to_numpy(dtype=float)
        if as_frame:
            iris.data = iris.data.assign(**dict(zip(iris.data.columns, values.T, strict=True)))
            iris.frame = iris.data.assign(target=iris.target)
        else:
            iris.data = values.copy()
        return (iris.data, iris.target) if return_X_y else iris

    return load
