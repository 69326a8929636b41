"""What a check run gives back: plain, frozen data. Rendering is in `labkit.render`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, Generic, Literal, TypeVar, get_args

from labkit.text import Foreign, for_json

Outcome = Literal["passed", "failed", "todo", "skipped", "error"]
MOST = {"exercise": 100, "check": 300, "message": 8_000, "title": 1_000, "output": 8_000}
"""Characters of each text of a result. Whoever makes one has cut it before, and better; this is for what was missed."""

OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
_WORST_FIRST: tuple[Outcome, ...] = ("error", "failed", "todo", "passed", "skipped")


Given = TypeVar("Given")
Kept = TypeVar("Kept")


class Held(Generic[Given, Kept]):
    """A field that is given plain text and holds it as `Foreign`, so that nobody who makes a record can forget it."""

    def __init__(self, hold: Callable[[Given], Kept], default: Given) -> None:
        self._hold = hold
        self._default = default

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, record: object | None, owner: type | None = None) -> Kept:
        # Without a record it is `dataclass` that asks for the default.
        kept: Kept = self._hold(self._default) if record is None else vars(record)[self._name]
        return kept

    def __set__(self, record: object, given: Given) -> None:
        vars(record)[self._name] = self._hold(given)


def _all_foreign(texts: tuple[str | Foreign, ...]) -> tuple[Foreign, ...]:
    return tuple(map(Foreign, texts))


@dataclass(frozen=True)
class Result:
    """One check of one exercise.

    `seconds` is wall-clock time. `message` is empty where the check passed; of a failure it has the
    lines `expected:`, `found:`, `help:` and `where:`. `title` is the docstring of the check, `output`
    is what the learner's code printed, clipped and without escape codes. These three are held as `Foreign`.
    """

    exercise: str
    check: str
    outcome: Outcome
    message: Held[str | Foreign, Foreign] = Held(Foreign, "")
    seconds: float = 0.0
    title: Held[str | Foreign, Foreign] = Held(Foreign, "")
    output: Held[str | Foreign, Foreign] = Held(Foreign, "")

    def to_json(self) -> dict[str, Any]:
        """The five public fields, ready for `json.dumps`."""
        return {
            "exercise": self.exercise,
            "check": self.check,
            "outcome": self.outcome,
            "message": for_json(self.message),
            "seconds": round(self.seconds, 4),
        }

    def bounded(self) -> Result:
        """Return the result with texts that are no longer than `MOST` and that can be written."""
        texts: dict[str, Any] = {name: _bounded(getattr(self, name), most) for name, most in MOST.items()}
        return replace(self, **texts)


def _bounded(text: str, most: int) -> str:
    cut = text if len(text) <= most else f"{text[:most]}\n… ({len(text) - most:,} more characters)"
    return cut.encode("utf-8", "replace").decode()


@dataclass(frozen=True)
class Report:
    """All results of one lab on one track, in the order in which they came.

    `notes` are sentences about the run as a whole, such as an isolation layer that is missing here.
    """

    lab: int
    track: Held[str | Foreign, Foreign] = Held(Foreign, "labs")
    results: tuple[Result, ...] = ()
    notes: Held[tuple[str | Foreign, ...], tuple[Foreign, ...]] = Held(_all_foreign, ())

    def to_json(self) -> dict[str, Any]:
        """`{"lab", "track", "results", "notes"}`, ready for `json.dumps`."""
        return {
            "lab": self.lab,
            "track": for_json(self.track),
            "results": [result.to_json() for result in self.results],
            "notes": [for_json(note) for note in self.notes],
        }

    @property
    def exit_code(self) -> int:
        """0 where every check passed or was skipped, 3 where one is an error, else 1.

        A report without a single result is an error too: checks that must report and did not.
        """
        outcomes = {result.outcome for result in self.results}
        if "error" in outcomes or not outcomes:
            return 3
        return 1 if outcomes & {"failed", "todo"} else 0

    @property
    def seconds(self) -> float:
        """The sum of the seconds of all results."""
        return sum(result.seconds for result in self.results)

    def counts(self) -> dict[Outcome, int]:
        """How many results each outcome has, every outcome named."""
        return {outcome: sum(r.outcome == outcome for r in self.results) for outcome in OUTCOMES}

    def by_exercise(self) -> dict[str, tuple[Result, ...]]:
        """The results of each exercise, in the order in which the exercises were met."""
        grouped: dict[str, list[Result]] = {}
        for result in self.results:
            grouped.setdefault(result.exercise, []).append(result)
        return {exercise: tuple(results) for exercise, results in grouped.items()}


def worst(outcomes: Iterable[Outcome]) -> Outcome:
    """The outcome that stands for several: error, failed, todo, passed, skipped, in this order.

    Nothing at all is an `error`: a check that had to report did not.
    """
    seen = set(outcomes)
    return next((outcome for outcome in _WORST_FIRST if outcome in seen), "error")
