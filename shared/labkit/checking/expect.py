"""Expectations: each returns the value where it is what was expected, else fails with a message for the learner.

A check must pass what the learner's code answered through one of these before it uses it. Any other exception
in a check counts as the engine's own fault.
"""

from __future__ import annotations

import contextlib
import math
import numbers
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from labkit.checking.faults import LearnerError
from labkit.checking.remote import RemoteObject
from labkit.text import clean

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


class Placed(ABC):
    """What knows where it stands in a file under check: `labs/lab3_kubernetes/base/deployment.yaml:12`."""

    @property
    @abstractmethod
    def place(self) -> str:
        """File and line as the learner reads them."""


class CheckFailed(AssertionError):
    """A wrong answer: what was expected, what was found, what to look at, and where that can be told."""

    def __init__(self, expected: str, found: str, help: str = "", where: str = "") -> None:
        self.expected = expected
        self.found = found
        self.help = help
        self.where = where
        more = "".join(f"\n{name}: {text}" for name, text in (("help", help), ("where", where)) if text)
        super().__init__(f"expected: {expected}\nfound: {found}{more}")


def fail(*, expected: str, found: str, help: str = "", where: Placed | None = None) -> NoReturn:
    """Fail the check. `where` is the value in a file that is wrong, or the one around what is missing."""
    raise CheckFailed(expected, found, help, where.place if where is not None else "")


def that(condition: object, *, expected: str, found: object, help: str = "", where: Placed | None = None) -> None:
    """Fail unless `condition` is true. `found` is shown as it is, `where` as in `fail`."""
    if not bool(condition):
        fail(expected=expected, found=found if isinstance(found, str) else shown(found), help=help, where=where)


def shown(value: object) -> str:
    """Describe a value in a few words: a table by its shape and columns, anything else by its text."""
    if isinstance(value, Placed):
        return str(value)
    if isinstance(value, (str, int, float)):  # a check of files alone need not import what follows
        return f"{clean(repr(value), 200)} ({type(value).__name__})"
    import numpy as np
    import pandas as pd

    large = (pd.DataFrame, pd.Series, pd.Index, np.ndarray)
    if isinstance(value, pd.DataFrame):
        names = ", ".join(str(name) for name in value.columns[:12])
        return f"a DataFrame of {len(value):,} rows with the columns {names}"
    if isinstance(value, (pd.Series, pd.Index)):
        return f"a {type(value).__name__} of {len(value):,} values ({value.dtype})"
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape} ({value.dtype})"
    if isinstance(value, RemoteObject):
        return f"an object of type `{value.type_name}`"
    if value is None:
        return "None (is the `return` missing?)"
    if isinstance(value, dict) and any(isinstance(item, large) for item in value.values()):
        return f"a dict with the keys {clean(', '.join(str(key) for key in list(value)[:12]), 200)}"
    if isinstance(value, (tuple, list)) and any(isinstance(item, large) for item in value):
        return f"a {type(value).__name__} of {len(value)}: {', '.join(type(item).__name__ for item in value[:6])}"
    return f"{clean(repr(value), 200)} ({type(value).__name__})"


def figure(value: float) -> str:
    """Write a number as a person would: 1,178,530 and 0.25, not 1.17853e+06."""
    if 1_000 <= abs(value) < 1e12:
        return f"{value:,.0f}" if abs(value) >= 100_000 or float(value).is_integer() else f"{value:,.2f}"
    return f"{value:,.6g}"


def frame(
    value: object, what: str, *, columns: Sequence[str] = (), rows: int | None = None, help: str = ""
) -> pd.DataFrame:
    """Expect a DataFrame with at least these columns, each of them once."""
    import pandas as pd

    if not isinstance(value, pd.DataFrame):
        fail(expected=f"{what} is a pandas DataFrame", found=shown(value), help=help)
    missing = [name for name in columns if list(value.columns).count(name) != 1]
    if missing:
        names = ", ".join(f"`{name}`" for name in missing)
        fail(
            expected=f"{what} has each of the columns {', '.join(columns)} once",
            found=f"{shown(value)}; not so for {names}",
            help=help,
        )
    if rows is not None and len(value) != rows:
        fail(expected=f"{what} has {rows:,} rows", found=f"{len(value):,} rows", help=help)
    return value


def series(value: object, what: str, *, length: int | None = None, help: str = "") -> pd.Series[Any]:
    """Expect a Series."""
    import pandas as pd

    if not isinstance(value, pd.Series):
        fail(expected=f"{what} is a pandas Series", found=shown(value), help=help)
    if length is not None and len(value) != length:
        fail(expected=f"{what} has {length:,} values", found=f"{len(value):,} values", help=help)
    return value


def array(value: object, what: str, *, length: int | None = None, finite: bool = True, help: str = "") -> np.ndarray:
    """Expect one-dimensional numbers: an array, a Series or a list. Returns floats."""
    import numpy as np
    import pandas as pd

    if isinstance(value, (list, tuple, pd.Series, pd.Index, np.ndarray)):
        with contextlib.suppress(TypeError, ValueError):
            _only_numbers(np.asarray(value))
            numbers_found = np.asarray(value, dtype=float)
            if numbers_found.ndim == 2 and 1 in numbers_found.shape:
                numbers_found = numbers_found.ravel()
            return _checked_array(numbers_found, what, length=length, finite=finite, help=help)
    fail(expected=f"{what} is an array of numbers", found=shown(value), help=help)


def _only_numbers(values: np.ndarray) -> None:
    """Refuse what numpy would turn into numbers without being asked: text, truth values, times, complex numbers."""
    if values.dtype.kind == "O":
        real = [item for item in values.flat if item is not None]
        good = all(isinstance(item, numbers.Real) and not isinstance(item, bool) for item in real)
    else:
        good = values.dtype.kind in "iuf"
    if not good:
        raise TypeError("not numbers")


def _checked_array(values: np.ndarray, what: str, *, length: int | None, finite: bool, help: str) -> np.ndarray:
    import numpy as np

    if values.ndim != 1:
        fail(expected=f"{what} has one dimension", found=f"shape {values.shape}", help=help)
    if length is not None and len(values) != length:
        fail(expected=f"{what} has {length:,} values", found=f"{len(values):,} values", help=help)
    if finite and not np.isfinite(values).all():
        bad = int((~np.isfinite(values)).sum())
        fail(
            expected=f"{what} has only finite numbers",
            found=f"{bad:,} of {len(values):,} are NaN or infinite",
            help=help,
        )
    return values


def number(value: object, what: str, *, help: str = "") -> float:
    """Expect one finite number."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real) or not math.isfinite(float(value)):
        fail(expected=f"{what} is a finite number", found=shown(value), help=help)
    return float(value)


def text(value: object, what: str, *, help: str = "") -> str:
    """Expect a string."""
    if not isinstance(value, str):
        fail(expected=f"{what} is text", found=shown(value), help=help)
    return value


def pair(value: object, what: str, *, names: tuple[str, str] = ("first", "second"), help: str = "") -> tuple[Any, Any]:
    """Expect a tuple or a list of two."""
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        fail(expected=f"{what} is a pair ({names[0]}, {names[1]})", found=shown(value), help=help)
    return value[0], value[1]


def handle(value: object, what: str, *, methods: Sequence[str] = (), help: str = "") -> RemoteObject:
    """Expect an object of the learner's that has these methods."""
    if not isinstance(value, RemoteObject):
        fail(
            expected=f"{what} is an object" + (f" with {', '.join(methods)}" if methods else ""),
            found=shown(value),
            help=help,
        )
    missing = value.lacks(*methods) if methods else []
    if missing:
        fail(
            expected=f"{what} has {', '.join(methods)}", found=f"{shown(value)} without {', '.join(missing)}", help=help
        )
    return value


def close(found: object, wanted: float, what: str, *, rel: float = 1e-6, abs: float = 0.0, help: str = "") -> float:
    """Expect a number within a relative or absolute distance of another."""
    value = number(found, what, help=help)
    if not math.isclose(value, wanted, rel_tol=rel, abs_tol=abs):
        fail(expected=f"{what} is {figure(wanted)}", found=figure(value), help=help)
    return value


@contextlib.contextmanager
def raises(type_name: str, *, what: str = "", help: str = "") -> Iterator[None]:
    """Expect the learner's code to raise this exception or one derived from it."""
    subject = what or "the call"
    try:
        yield
    except LearnerError as error:
        if error.is_a(type_name):
            return
        fail(
            expected=f"{subject} raises {type_name}", found=f"{error.type_name}: {clean(error.message, 200)}", help=help
        )
    fail(expected=f"{subject} raises {type_name}", found="no exception", help=help)
