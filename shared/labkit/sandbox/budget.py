"""What one answer may cost: known from its text and from the sizes of its blobs, before anything of it is decoded.

A small frame can ask for much: a table of a hundred million empty cells, an array of texts of which one is long, a
set whose members all have one hash. What is beyond these bounds is an answer that cannot be read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

MAX_COST = 2_000_000
"""Values in one answer. A table counts for 200 and each of its columns for 100, as they take as long."""

MAX_DEPTH = 100
"""Lists within lists."""

MAX_SIDE = 5_000_000
"""Rows of a table, or the length of an array in one direction."""

MAX_COLUMNS = 2_000
MAX_CELLS = 10_000_000
"""Cells of all tables: twenty times the house sales."""

MAX_TEXTS = 64 * 2**20
"""Bytes of an array of texts, where each text takes the room of the longest."""

MAX_WORD = 4_096
"""Characters of a path, of a time, of the name of a type."""

MAX_SAME_HASH = 50
"""Members of a set, or keys of a dict, that share one hash: finding one of them means to look at all."""

MAX_BITS = 1_000
"""Longest whole number: what is longer is no float any more, and a comparison with one would break."""

MAX_LONG = 1_000
"""Whole numbers beyond 64 bits: of these, any number can share one hash."""


class WireError(Exception):
    """A frame or a node that cannot be read."""


class Closed(WireError):
    """The other side has closed the connection."""


class Budget:
    """What is left for one answer, and the blobs that it has not used yet."""

    def __init__(self, blobs: Sequence[bytes]) -> None:
        self._blobs: list[bytes | None] = list(blobs)
        self._cost = self._cells = self._long = 0
        self.depth = 0

    def spend(self, cost: int) -> None:
        """Count what is about to be made."""
        self._cost += cost
        if self._cost > MAX_COST:
            raise WireError(f"more than {MAX_COST:,} values in one answer")

    def enter(self) -> None:
        """Go one level down."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise WireError(f"lists within lists, more than {MAX_DEPTH} deep")

    def number(self, value: int) -> int:
        """Return a whole number that may be had."""
        if value.bit_length() > MAX_BITS:
            raise WireError(f"a whole number of {value.bit_length():,} bits; at most {MAX_BITS:,}")
        if value.bit_length() > 64:
            self._long += 1
            if self._long > MAX_LONG:
                raise WireError(f"more than {MAX_LONG:,} whole numbers beyond 64 bits")
        return value

    def table(self, rows: object, columns: int) -> int:
        """Count a table, but not its cells; return its rows."""
        if columns > MAX_COLUMNS:
            raise WireError(f"a table of {columns:,} columns; at most {MAX_COLUMNS:,}")
        self.spend(200 + 100 * columns)
        return whole(rows, "the rows of a table", MAX_SIDE)

    def column(self, rows: object) -> int:
        """Count the cells of a column; return its rows."""
        height = whole(rows, "the rows of a column", MAX_SIDE)
        self._cells += height
        if self._cells > MAX_CELLS:
            raise WireError(f"tables of more than {MAX_CELLS:,} cells")
        return height

    def blob(self, place: object) -> bytes:
        """Return a blob. Each is used once: else a small answer could become a large one."""
        number = whole(place, "the place of a blob", len(self._blobs) - 1)
        found, self._blobs[number] = self._blobs[number], None
        if found is None:
            raise WireError("one blob for two values")
        return found


def whole(value: object, what: str, most: int) -> int:
    """Return a whole number from 0 to `most`."""
    if type(value) is not int or value < 0:
        raise WireError(f"{what} is no whole number")
    if value > most:
        raise WireError(f"{what}: {min(value, 10**18):,}; at most {most:,}")
    return value


def items(value: object) -> list[object]:
    """Return a list."""
    if not isinstance(value, list):
        raise WireError("no list where one must be")
    return value


def text(value: object) -> str:
    """Return a text that can be written."""
    if not isinstance(value, str):
        raise WireError("no text where one must be")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise WireError("a text with half a character (a lone surrogate)") from None
    return value


def word(value: object) -> str:
    """Return a short text."""
    if len(found := text(value)) > MAX_WORD:
        raise WireError(f"a name, a time or a path of {len(found):,} characters; at most {MAX_WORD:,}")
    return found


def require_spread(members: Iterable[object]) -> None:
    """Refuse members of a set, or keys, of which too many share one hash."""
    same = Counter(map(hash, members)).most_common(1)
    if same and same[0][1] > MAX_SAME_HASH:
        raise WireError(f"a set or dict of which {same[0][1]:,} members share one hash; at most {MAX_SAME_HASH}")
