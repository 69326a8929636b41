"""Quantities as Kubernetes writes them: `250m`, `320Mi`, `1.5`, `1e3`."""

from __future__ import annotations

import re
from decimal import Decimal

from labkit.checks import Located, fail

_QUANTITY = re.compile(r"([+-]?(?:\d{1,20}(?:\.\d{0,20})?|\.\d{1,20}))(?:([KMGTPE]i|[numkMGTPE])|[eE]([+-]?\d{1,2}))?")
_DECIMAL = {suffix: Decimal(1000) ** power for power, suffix in enumerate("num", -3)}
_DECIMAL |= {suffix: Decimal(1000) ** power for power, suffix in enumerate("kMGTPE", 1)}
_BINARY = {f"{suffix}i": Decimal(1024) ** power for power, suffix in enumerate("KMGTPE", 1)}
_FACTORS = {"": Decimal(1), **_DECIMAL, **_BINARY}


def parse(text: str) -> float | None:
    """The number that a quantity stands for; None where it is none."""
    match = _QUANTITY.fullmatch(text)
    if match is None:
        return None
    return float(Decimal(match[1]) * (Decimal(10) ** int(match[3]) if match[3] else _FACTORS[match[2] or ""]))


def quantity(value: Located) -> float:
    """The number that a value stands for; the check fails where it is no quantity."""
    plain = value.value
    number = isinstance(plain, int | float) and not isinstance(plain, bool)
    found = parse(str(plain)) if number or isinstance(plain, str) else None
    if found is None:
        fail(
            expected=f"{value.name} is a quantity such as `250m`, `1`, `320Mi` or `2Gi`",
            found=str(value),
            help="`m` is a thousandth, `Mi` are 1024 x 1024. `mb`, `GB` and `cores` are no units here.",
            where=value,
        )
    return found
