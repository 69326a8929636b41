"""Reads one `lab.toml` and says, by file and key, what is wrong with it."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path, PurePosixPath
from typing import Any

from labkit.course.lab import CatalogError, Exercise, Lab, suggestion

_LAB_KEYS = (
    "number",
    "name",
    "title",
    "minutes",
    "needs",
    "extra_files",
    "preload",
    "prepare",
    "up",
    "live",
    "exercise",
)
_EXERCISE_KEYS = ("id", "title", "file", "minutes", "needs", "seconds", "hints", "preload", "also", "after", "services")

PATIENCE = "LABKIT_PATIENCE"
"""The environment's name for how many times its limit a check may take, on a machine that is slow or busy."""
MOST_PATIENCE = 100.0


def patience() -> float:
    """Return the factor on the time limit of each check: `LABKIT_PATIENCE`, 1 where it is not set.

    Raises:
        CatalogError: if it is not a number from 1 to 100.
    """
    text = os.environ.get(PATIENCE, "1")
    try:
        factor = float(text)
    except ValueError:
        factor = 0.0
    if not 1 <= factor <= MOST_PATIENCE:
        raise CatalogError(f"{PATIENCE}: a number from 1 to {MOST_PATIENCE:g} is needed, it is {text!r}")
    return factor


def read_lab(path: Path, root: Path) -> Lab:
    """The lab that `path` describes; its folder must be `week<number>_<name>`."""
    shown = path.relative_to(root).as_posix()
    table = _Table(_parse(path, shown), shown)
    table.known(_LAB_KEYS)
    number = table.whole("number")
    lab = Lab(
        number=number,
        name=table.matching("name", r"[a-z][a-z0-9_]*", "a lower-case name such as `models`"),
        title=table.text("title"),
        minutes=table.whole("minutes"),
        needs=table.texts("needs"),
        exercises=_read_exercises(table, number),
        preload=table.texts("preload"),
        up=table.texts("up"),
        live=table.optional_matching("live", r"[\w.]+", "the name of a module"),
        prepare=table.optional_matching("prepare", r"[\w.]+:\w+", "`module:function`"),
        extra_files=tuple(table.inside("extra_files", name) for name in table.texts("extra_files")),
    )
    if path.parent.name != lab.week:
        raise table.wrong("name", f"the folder must be `{lab.week}`, it is `{path.parent.name}`")
    return lab


def _parse(path: Path, shown: str) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CatalogError(f"{shown}: not valid TOML: {error}") from None


def _read_exercises(lab: _Table, number: int) -> tuple[Exercise, ...]:
    entries = lab.table.get("exercise", [])
    if not isinstance(entries, list) or not entries or not all(isinstance(entry, dict) for entry in entries):
        raise lab.wrong("exercise", "at least one `[[exercise]]` table is needed")
    exercises = [_read_exercise(_Table(entry, lab.shown, place), number) for place, entry in enumerate(entries, 1)]
    keys = [exercise.sort_key for exercise in exercises]
    if keys != sorted(set(keys)):
        ids = ", ".join(exercise.id for exercise in exercises)
        raise lab.wrong("exercise", f"the ids must rise and none may come twice; they are {ids}")
    for place, exercise in enumerate(exercises):
        if unknown := set(exercise.after) - {earlier.id for earlier in exercises[:place]}:
            raise lab.wrong("after", f"{exercise.id} names {sorted(unknown)[0]!r}, which is no exercise before it")
    return tuple(exercises)


def _read_exercise(table: _Table, lab_number: int) -> Exercise:
    table.known(_EXERCISE_KEYS)
    return Exercise(
        id=table.matching("id", rf"{lab_number}\.[1-9]\d*", f"an id of this lab such as `{lab_number}.1`"),
        title=table.text("title"),
        file=table.inside("file", table.text("file")),
        minutes=table.whole("minutes"),
        needs=table.texts("needs"),
        seconds=table.positive("seconds", default=10.0) * patience(),
        hints=table.texts("hints"),
        preload=table.texts("preload"),
        also=tuple(table.inside("also", name) for name in table.texts("also")),
        after=table.texts("after"),
        services=table.texts("services"),
    )


class _Table:
    """One TOML table that answers with checked values."""

    def __init__(self, table: dict[str, Any], shown: str, place: int | None = None) -> None:
        self.table = table
        self.shown = shown
        self.place = place

    def wrong(self, key: str, why: str) -> CatalogError:
        where = "" if self.place is None else f"[[exercise]] {self.table.get('id', f'number {self.place}')}: "
        return CatalogError(f"{self.shown}: {where}`{key}`: {why}" + ("" if why.endswith("?") else "."))

    def known(self, keys: tuple[str, ...]) -> None:
        for key in self.table:
            if key not in keys:
                raise self.wrong(key, f"unknown key.{suggestion(key, keys)}".rstrip("."))

    def text(self, key: str) -> str:
        value = self._required(key)
        if not isinstance(value, str) or not value.strip():
            raise self.wrong(key, f"a text is needed, it is {value!r}")
        return value.strip()

    def matching(self, key: str, pattern: str, wanted: str) -> str:
        value = self._required(key)
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            raise self.wrong(key, f"{wanted} is needed, it is {value!r}")
        return value

    def optional_matching(self, key: str, pattern: str, wanted: str) -> str | None:
        return self.matching(key, pattern, wanted) if key in self.table else None

    def whole(self, key: str) -> int:
        value = self._required(key)
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise self.wrong(key, f"a whole number from 1 on is needed, it is {value!r}")
        return value

    def positive(self, key: str, default: float) -> float:
        value = self.table.get(key, default)
        if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value < float("inf"):
            raise self.wrong(key, f"a number above 0 is needed, it is {value!r}")
        return float(value)

    def texts(self, key: str) -> tuple[str, ...]:
        value = self.table.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) and item.strip() for item in value):
            raise self.wrong(key, f"a list of texts is needed, it is {value!r}")
        return tuple(item.strip() for item in value)

    def inside(self, key: str, name: str) -> str:
        """A path that stays inside the lab's folder, written with `/`."""
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or "\\" in name or str(path) != name:
            raise self.wrong(key, f"a plain path inside the lab's folder is needed, it is {name!r}")
        return name

    def _required(self, key: str) -> Any:
        if key not in self.table:
            raise self.wrong(key, "is missing")
        return self.table[key]
