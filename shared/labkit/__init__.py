"""The exercise engine: starters, checks in a sandboxed worker, reports, and the `lab` command."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from labkit.notebook import check as check

__all__ = ["check"]


def __getattr__(name: str) -> Any:
    """Import `check` when it is asked for, so that `import labkit` costs nothing."""
    if name == "check":
        from labkit.notebook import check

        return check
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
