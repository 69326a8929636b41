"""Asks a learner's assignment many times at once, beside it in the worker."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

# One letter for each answer; anything else is told as it is.
LETTERS = {"champion": "a", "challenger": "b"}
ODD = "?"


def arms(target: str, units: Sequence[str], *arguments: Any) -> list[str]:
    """Call `package.module:function` for each unit. Returns a letter per unit in one text, and the first odd answer."""
    module, _, name = target.partition(":")
    assign = getattr(importlib.import_module(module), name)
    letters, odd = [], ""
    for unit in units:
        answer = assign(unit, *arguments)
        letter = LETTERS.get(answer, ODD) if isinstance(answer, str) else ODD
        if letter == ODD and not odd:
            odd = f"{answer!r} ({type(answer).__name__})"[:200]
        letters.append(letter)
    return ["".join(letters), odd]


def arms_elsewhere(target: str, units: Sequence[str], *arguments: Any) -> str:
    """The letters of `arms`, from a process of its own, in which Python hashes texts in another way."""
    module, _, name = target.partition(":")
    source = (
        f"from {__name__} import arms\n"
        f"print(arms({f'{module}:{name}'!r}, {list(units)!r}, *{list(arguments)!r})[0], end='')"
    )
    environment = {
        **os.environ,
        "PYTHONHASHSEED": str(1 + int.from_bytes(os.urandom(3))),
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    done = subprocess.run([sys.executable, "-c", source], env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr.strip().splitlines()[-1] if done.stderr else f"exit status {done.returncode}")
    return done.stdout
