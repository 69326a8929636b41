"""Asks a learner's assignment many times at once, beside it in the worker."""

from __future__ import annotations

import datetime
import importlib
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any

from mlops_probes.prepare import forget

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
    """The letters of `arms`, from a process of its own, on another day: Python hashes texts in another way there."""
    module, _, name = target.partition(":")
    source = (
        f"from {__name__} import arms, begin_on_another_day\nbegin_on_another_day({module!r})\n"
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


def begin_on_another_day(module: str) -> None:
    """Put the clock of this process forward, to another weekday, month and year, before the module is imported.

    Other packages that it imports come before that: pandas' C code wants the `datetime` that it was built for.
    """
    importlib.import_module(module)
    forget(module.partition(".")[0])
    away = 400 * 86_400
    clock, local, utc, text = time.time, time.localtime, time.gmtime, time.strftime

    class Date(datetime.date):
        @classmethod
        def today(cls) -> Date:
            return cls.fromtimestamp(clock() + away)

    class Moment(datetime.datetime):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> Moment:
            return cls.fromtimestamp(clock() + away, tz)

        @classmethod
        def today(cls) -> Moment:
            return cls.now()

        @classmethod
        def utcnow(cls) -> Moment:
            return cls.now(datetime.UTC).replace(tzinfo=None)

    later: dict[str, Any] = {
        "time": lambda: clock() + away,
        "time_ns": lambda: int((clock() + away) * 1e9),
        "localtime": lambda seconds=None: local(clock() + away if seconds is None else seconds),
        "gmtime": lambda seconds=None: utc(clock() + away if seconds is None else seconds),
        "strftime": lambda form, moment=None: text(form, local(clock() + away) if moment is None else moment),
    }
    for name, function in later.items():
        setattr(time, name, function)
    for name, kind in (("date", Date), ("datetime", Moment)):
        setattr(datetime, name, kind)
