"""Which rows of a sample a table holds, even where columns were dropped, reordered, or scaled on the way."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

Rows = np.ndarray[Any, np.dtype[np.int64]]
Matrix = np.ndarray[Any, np.dtype[np.float64]]


class RowBook:
    """Knows the rows of a sample again.

    Args:
        keys: the sample's columns in which each value occurs once; one row per row of the sample.
    """

    def __init__(self, keys: pd.DataFrame) -> None:
        self._size = len(keys)
        self._columns = {str(name): _Lookup(keys[name].to_numpy(dtype=float)) for name in keys.columns}
        self._known: dict[bytes, int] = {}

    def find(self, table: object) -> Rows | None:
        """Return the row numbers in the sample (0 is its first row), or None where the table is something else."""
        if isinstance(table, pd.DataFrame):
            for name, lookup in self._columns.items():
                values = as_numbers(table[name]) if name in table.columns else None
                if values is not None and values.ndim == 1 and (found := lookup.find(values)) is not None:
                    return found
        matrix = as_matrix(table)
        if matrix is None or not len(matrix):
            return None
        if (found := self._find_known(matrix)) is not None:
            return found
        pairs = ((lookup, column) for lookup in self._columns.values() for column in matrix.T)
        return next((found for lookup, column in pairs if (found := lookup.find(column)) is not None), None)

    def remember(self, rows: Rows, table: object) -> None:
        """Know these rows again also in the form that a transformer gave them."""
        matrix = as_matrix(table)
        if matrix is not None and len(matrix) == len(rows):
            self._known.update(zip((line.tobytes() for line in matrix), (int(row) for row in rows), strict=True))

    def _find_known(self, matrix: Matrix) -> Rows | None:
        found = [self._known.get(line.tobytes(), -1) for line in matrix]
        return None if -1 in found else np.array(found, dtype=np.int64)

    def find_scaled(self, matrix: Matrix) -> Rows | None:
        """Find all rows of the sample in a matrix of the same columns, each of which was stretched or shifted."""
        lookups = list(self._columns.values())
        if matrix.shape != (self._size, len(lookups)):
            return None
        found = [lookup.by_rank(column) for lookup, column in zip(lookups, matrix.T, strict=True)]
        same = all(np.array_equal(found[0], other) for other in found[1:])
        return found[0] if same else None


class _Lookup:
    """One key column."""

    def __init__(self, values: Matrix) -> None:
        self.order = np.argsort(values, kind="stable")
        self.sorted = values[self.order]
        gaps = np.diff(self.sorted)
        if not (gaps > 0).all():
            raise ValueError("a key column needs a different value in each row")
        # A detour over 32-bit numbers leaves a value nearer to itself than to its neighbours.
        self.tolerance = float(gaps.min()) / 4 if len(gaps) else 0.0

    def find(self, values: Matrix) -> Rows | None:
        above = np.clip(np.searchsorted(self.sorted, values), 0, len(self.sorted) - 1)
        below = np.maximum(above - 1, 0)
        nearest = np.where(np.abs(self.sorted[above] - values) <= np.abs(self.sorted[below] - values), above, below)
        near = np.abs(self.sorted[nearest] - values) <= self.tolerance
        return self.order[nearest] if near.all() else None

    def by_rank(self, values: Matrix) -> Rows:
        rows = np.empty(len(values), dtype=np.int64)
        rows[np.argsort(values, kind="stable")] = self.order
        return rows


def as_numbers(table: Any) -> Matrix | None:
    """Return what a table, a column or an array holds as numbers; None where it holds something else."""
    table = table.toarray() if hasattr(table, "toarray") else table
    try:
        return np.asarray(table, dtype=float)
    except (TypeError, ValueError):
        return None


def as_matrix(table: object) -> Matrix | None:
    """Return a table of numbers as a matrix; None where it is not one."""
    numbers = as_numbers(table)
    return np.ascontiguousarray(numbers) if numbers is not None and numbers.ndim == 2 else None


def leak(table: object, rows: Rows, classes: Rows) -> str:
    """Say what a column of a table gives away: "the class" of each row, or "the row number"; empty where none does.

    Args:
        rows: which row of the sample each line of the table is.
        classes: the class of each row of the sample, as a number.
    """
    matrix = as_matrix(table)
    if matrix is None or len(matrix) != len(rows) or len(rows) < 2:
        return ""
    if (matrix - matrix[0] == (rows - rows[0])[:, None]).all(axis=0).any():
        return "the row number"
    order = np.argsort(classes[rows], kind="stable")
    starts = np.flatnonzero(np.diff(classes[rows][order], prepend=-1))
    lowest, highest = (how.reduceat(matrix[order], starts, axis=0) for how in (np.minimum, np.maximum))
    is_fixed = (lowest == highest).all(axis=0)
    differs = np.array([len(np.unique(values)) == len(starts) > 1 for values in lowest.T], dtype=bool)
    return "the class" if (is_fixed & differs).any() else ""
