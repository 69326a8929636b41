"""An object of the learner's that stays in the worker, and how a check speaks to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol


class Asks(Protocol):
    """What carries a request to the worker."""

    def _ask(self, document: dict[str, Any], doing: str, /, *args: object, **kwargs: object) -> Any: ...


class RemoteObject:
    """An object that stays in the worker. Its methods are called there; see `attr` for its attributes."""

    def __init__(self, lab: Asks, number: int, base_names: tuple[str, ...]) -> None:
        self._lab = lab
        self._number = number
        self.base_names = base_names

    @property
    def type_name(self) -> str:
        """The class of the object, with its module."""
        return self.base_names[0] if self.base_names else "object"

    def attr(self, name: str) -> Any:
        """Read an attribute."""
        return self._lab._ask({"op": "attr", "target": self._number, "name": name}, f"reading `{name}`")

    def lacks(self, *names: str) -> list[str]:
        """Return those of the given attributes that the object does not have."""
        there = self._lab._ask({"op": "has", "target": self._number}, "looking at an object", *names)
        return [name for name in names if not isinstance(there, list) or name not in there]

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("_"):
            raise AttributeError(name)
        lab, number = self._lab, self._number

        def method(*args: object, **kwargs: object) -> Any:
            return lab._ask({"op": "method", "target": number, "name": name}, f"`{name}(…)`", *args, **kwargs)

        return method

    def __repr__(self) -> str:
        return f"<{self.type_name} in the learner's process>"
