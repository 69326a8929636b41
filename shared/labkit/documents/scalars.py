"""What an unquoted word of YAML stands for, as `kubectl` and Prometheus read it (Go's yaml, version 2).

That is neither what YAML 1.2 says nor what PyYAML does: `22:22` and `2024-01-01` are text, `08` and `1e3` are numbers,
and `y` is true.
"""

from __future__ import annotations

import math
import re

from labkit.documents.nodes import Scalar

_INTEGER = re.compile(r"(?P<sign>[-+]?)(?:0[xX](?P<x>[0-9a-fA-F]+)|0[bB](?P<b>[01]+)|0[oO]?(?P<o>[0-7]+)|(?P<d>\d+))")
_DECIMAL = re.compile(r"[-+]?(?:\.\d+|\d+(?:\.\d*)?)(?:[eE][-+]?\d+)?")
_BASES = {"x": 16, "b": 2, "o": 8, "d": 10}
_LONGEST = 100  # characters; what is longer is text, whatever it looks like
_MOST = 2**63


def _spellings(value: Scalar, *words: str) -> dict[str, Scalar]:
    return {form: value for word in words for form in (word, word.capitalize(), word.upper())}


_WORDS: dict[str, Scalar] = {
    **_spellings(True, "y", "yes", "on", "true"),
    **_spellings(False, "n", "no", "off", "false"),
    **_spellings(None, "", "~", "null"),
    **{f"{sign}{form}": float(f"{sign}inf") for sign in ("", "+", "-") for form in (".inf", ".Inf", ".INF")},
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
}


def plain_scalar(text: str) -> Scalar:
    """The value of an unquoted word."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "0123456789+-." or len(text) > _LONGEST:
        return text
    # Underscores between the digits are for the eye, but not where the point comes first.
    digits = text if text[0] == "." else text.replace("_", "")
    number = _integer(digits)
    if number is not None:
        return number
    if _DECIMAL.fullmatch(digits) and math.isfinite(value := float(digits)):
        return value
    return text


def _integer(digits: str) -> int | None:
    found = _INTEGER.fullmatch(digits) if digits.isascii() else None
    if found is None:
        return None
    base = next(name for name in _BASES if found[name])
    if base == "d" and len(found["d"]) > 1 and found["d"][0] == "0":
        return None  # `08` is no octal number: a decimal one
    value = int(found["sign"] + found[base], _BASES[base])
    return value if -_MOST <= value < _MOST else None  # beyond 64 bits it is read as a decimal
