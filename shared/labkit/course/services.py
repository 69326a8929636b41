"""The servers that exercises talk to, as the course declares them: one module with a table `SERVICES`.

`[tool.labkit] services` in the course's pyproject.toml names it: a module (`mlops_lab.services`), or a file of the
course (`shared/services.py`).
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from labkit.course.lab import CatalogError, suggestion


class Service(Protocol):
    """What a declared service says of itself.

    In `command`, `environment`, `client` and `config`, `{state}` is the folder of its state, `{port}` its port, `{url}`
    its address and `{root}` the course; in `command` and `environment`, `{config}` is its configuration.
    """

    @property
    def title(self) -> str:
        """What a person calls it: `MLflow`."""
        ...

    @property
    def command(self) -> tuple[str, ...]:
        """The program that `lab up` runs, with its arguments."""
        ...

    @property
    def port(self) -> int:
        """The port that everybody knows it by."""
        ...

    @property
    def page(self) -> str:
        """The path of the page to open."""
        ...

    @property
    def health(self) -> str:
        """The path that answers with status 200 when it is ready to work."""
        ...

    @property
    def environment(self) -> Mapping[str, str]:
        """What is added to the server's environment."""
        ...

    @property
    def client(self) -> Mapping[str, str]:
        """What is added to the environment of those who talk to it."""
        ...

    @property
    def config(self) -> str:
        """A file that names other servers by the ports that everybody knows them by; "" where there is none."""
        ...

    @property
    def checked(self) -> Mapping[str, str]:
        """The same, for code under check only."""
        ...

    @property
    def app(self) -> str:
        """`module:function`: called in the folder of its state, it returns the server as an ASGI app. "": no check can
        talk to it."""
        ...

    @property
    def preload(self) -> tuple[str, ...]:
        """The modules that the app needs: imported once, before each server is forked."""
        ...

    @property
    def packages(self) -> tuple[str, ...]:
        """The packages whose versions decide whether a kept fresh state still fits."""
        ...


def services_module(root: Path) -> str:
    """Return what the course names as its module of services, "" where it has none."""
    try:
        settings = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError):
        return ""
    return str(settings.get("tool", {}).get("labkit", {}).get("services", ""))


def import_folders(root: Path) -> tuple[str, ...]:
    """Return the folders that a server needs to import its app from, besides those that everybody has."""
    name = services_module(root)
    return (str((root / name).parent),) if name.endswith(".py") else ()


def load_services(root: Path) -> Mapping[str, Service]:
    """Return the services of a course by their names. Raises `CatalogError`."""
    name = services_module(root)
    if not name:
        return {}
    try:
        module = _load_file(root / name) if name.endswith(".py") else importlib.import_module(name)
        found: Mapping[str, Service] = vars(module)["SERVICES"]
    except (ImportError, KeyError, OSError) as error:
        raise CatalogError(f"pyproject.toml: `[tool.labkit] services`: `{name}` cannot be used: {error}") from None
    return found


def _load_file(path: Path) -> object:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module  # dataclasses look themselves up there
    spec.loader.exec_module(module)
    return module


def service(root: Path, name: str) -> Service:
    """Return one service of a course. Raises `CatalogError`, with the nearest name."""
    known = load_services(root)
    if name not in known:
        raise CatalogError(f"there is no service `{name}`.{suggestion(name, known)}")
    return known[name]
