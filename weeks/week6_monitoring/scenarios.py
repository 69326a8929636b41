"""What may be the matter on the game day of week 6, and what metrics and reports show of it.

Requests are drawn; houses, drift and the error by month are those of real sales.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from weeks.week6_monitoring.page import Page, Panel
from weeks.week6_monitoring.replay import AREAS, SQUARE_METRES
from weeks.week6_monitoring.report import kept_figures, months_of

MINUTES = 6 * 60
STEP = 5  # minutes between two points of a panel
BUDGET = 0.15  # seconds: `AnswersSlow` rings above it
COLUMNS = ["sqft_living", "sqft_above", "sqft_basement", "sqft_living15", "grade", "yr_built", "zipcode", "lat", "long"]


@dataclass(frozen=True)
class Cause:
    """One thing that may be the matter.

    `shows` is what one would see if it were this; `next_step` what to do then.
    """

    name: str
    title: str
    shows: str
    next_step: str


@cache
def causes() -> dict[str, Cause]:
    """All of them, by name, in the order of their file."""
    text = (Path(__file__).parent / "causes.toml").read_text(encoding="utf-8")
    found = [
        Cause(**{key: value.replace("\n", " ") for key, value in one.items()}) for one in tomllib.loads(text)["cause"]
    ]
    return {cause.name: cause for cause in found}


@dataclass
class Day:
    """Six hours of a service, minute by minute, and what the reports say."""

    rng: np.random.Generator
    begun: int
    houses: str = "same"
    months: tuple[str, int] = ("replay", 4)
    alerts: list[tuple[int, str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        wave = 1 + 0.25 * np.sin(np.linspace(0, 2 * np.pi, MINUTES) + self.rng.uniform(0, 6))
        self.rate = self.rng.uniform(4, 12) * wave * self.rng.lognormal(0, 0.05, MINUTES)
        self.slow = self._latency(self.rng.uniform(0.06, 0.09))
        self.other_slow = self._latency(self.rng.uniform(0.02, 0.04))
        self.errors = np.where(self.rng.random(MINUTES) < 0.04, 0.0015, 0.0)
        self.price = 450_000 * self.rng.lognormal(0, 0.03, MINUTES)
        self.unseen = self.rng.uniform(0, 0.004, MINUTES)
        self.drift = np.abs(self.rng.normal(0.03, 0.008, MINUTES))
        self.moved = "lat"  # the feature whose score is drawn in `drift`
        self.there = np.ones(MINUTES, dtype=bool)
        self.releases = [(0, f"{self.rng.integers(16**12):012x}", self.rng.uniform(4, 25) * 86_400)]

    def _latency(self, usual: float) -> np.ndarray:
        return usual * self.rng.lognormal(0, 0.08, MINUTES)

    def since(self) -> slice:
        """From the moment on at which it began."""
        return slice(self.begun, None)

    def hold(self, name: str, wrong: np.ndarray, minutes: int) -> None:
        """Ring for an alert after it was wrong for so many minutes, and say when it is over."""
        count, rings = 0, False
        for minute, is_wrong in enumerate(wrong):
            count = count + 1 if is_wrong else 0
            if rings != (count > minutes):
                rings = not rings
                self.alerts.append((minute, name, "rings" if rings else "is over"))


def traffic_stops(day: Day) -> None:
    day.rate[day.since()] = 0
    day.hold("NoTraffic", day.rate == 0, 10)


def service_down(day: Day) -> None:
    day.there[day.since()] = False
    day.hold("ServiceDown", ~day.there, 1)


def slow_model(day: Day) -> None:
    day.slow[day.since()] *= day.rng.uniform(3, 7)
    day.releases.append((day.begun, f"{day.rng.integers(16**12):012x}", 3_600.0))
    day.hold("AnswersSlow", day.slow > BUDGET, 10)


def square_metres(day: Day) -> None:
    day.houses = "metres"
    day.price[day.since()] *= price_ratio("metres")
    _drifts(day, "sqft_living")


def other_houses(day: Day) -> None:
    day.houses = "other"
    day.months = ("suburbs", 1 + int(day.rng.integers(2)))
    day.price[day.since()] *= price_ratio("other")
    day.unseen[day.since()] = day.rng.normal(unseen_share(), 0.02, MINUTES)[day.since()]
    _drifts(day, "zipcode")


def price_shift(day: Day) -> None:
    day.months = ("replay", 7 + int(day.rng.integers(3)))


def flapping_alert(day: Day) -> None:
    day.rate *= 0.02
    day.slow = 0.145 * day.rng.lognormal(0, 0.16, MINUTES)
    day.hold("AnswersSlow", day.slow > BUDGET, 1)


def all_well(day: Day) -> None:
    at = day.begun
    day.slow[at : at + 3] *= 2.5  # shorter than any `for`: nobody gets up for that
    day.rate *= np.where(np.arange(MINUTES) > at, 0.8, 1.0)


def _drifts(day: Day, feature: str) -> None:
    """The job looks at the newest houses: the score rises while those of before go out of its window."""
    psi = drift_table(day.houses).set_index("feature")["PSI"].to_dict()[feature]
    minutes = np.arange(MINUTES - day.begun)
    day.moved = feature
    day.drift[day.since()] = np.maximum(day.drift[day.since()], psi * np.minimum(1, minutes / 90) ** 2)
    day.hold("FeatureDrift", day.drift > 0.2, 60)


SCENARIOS: dict[str, Callable[[Day], None]] = {
    "traffic-stops": traffic_stops, "service-down": service_down, "slow-model": slow_model,
    "square-metres": square_metres, "other-houses": other_houses, "price-shift": price_shift,
    "flapping-alert": flapping_alert, "all-well": all_well,
}  # fmt: skip


@cache
def drawn_houses(kind: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The houses of the training, and those of now: the same, with areas in square metres, or with other zipcodes."""
    from mlops_lab.datasets import load_house_sales

    sales = load_house_sales()
    here = sales["zipcode"].astype(str).str.startswith("981")
    past = sales["date"] < "2015-01-01"
    if kind == "other":
        return sales.loc[here & past, COLUMNS], sales.loc[~past, COLUMNS]
    now = sales.loc[~past, COLUMNS]
    if kind == "metres":
        now = now.assign(**{name: SQUARE_METRES * now[name] for name in AREAS})
    return sales.loc[past, COLUMNS], now


def unseen_share() -> float:
    """Which share of the houses has a zipcode that a model of 981xx does not know."""
    now = drawn_houses("other")[1]
    return float((~now["zipcode"].astype(str).str.startswith("981")).mean())


def price_ratio(kind: str) -> float:
    """By how much the median of the given prices changes, as it was measured on the replay."""
    value = kept_figures()[f"{kind}_price_ratio"]
    assert isinstance(value, float)
    return value


@cache
def drift_table(kind: str) -> pd.DataFrame:
    """The report of `feature_drift` on these houses."""
    from lab6_monitoring.drift import feature_drift

    before, now = drawn_houses(kind)
    table = feature_drift(before, now.sample(1_500, random_state=0)).table
    shown = table.rename(columns={"column": "feature", "psi": "PSI", "p_adjusted": "p, corrected"})
    shown["median before"] = [before[name].median() if name != "zipcode" else "" for name in shown["feature"]]
    shown["median now"] = [now[name].median() if name != "zipcode" else "" for name in shown["feature"]]
    return shown[["feature", "PSI", "p, corrected", "drifted", "median before", "median now"]]


@dataclass(frozen=True)
class Scenario:
    """A cause, and the evidence."""

    cause: Cause
    day: Day

    def clock(self, minute: int) -> str:
        """The time of a minute: the day ends at 16:00."""
        return f"{10 + minute // 60:02d}:{minute % 60:02d}"

    def page(self, seed: int) -> Page:
        """Panels, alerts, the drift report, and the error of the complete months. The cause is not named."""
        alerts = pd.DataFrame(
            [(self.clock(minute), name, what) for minute, name, what in sorted(self.day.alerts)],
            columns=["at", "alert", "what"],
        )
        name, count = self.day.months
        months = months_of(kept_figures(), name).head(count)[["month", "houses", "error, USD", "bias"]]
        drift = drift_table(self.day.houses).round(3)
        tables = {"Alerts": alerts, "Drift report, now": drift, "Error of the complete months": months}
        return Page(f"Game day of week 6, seed {seed}", "Six hours, until 16:00.", self.panels(), tables)

    def panels(self) -> list[Panel]:
        """The panels of the dashboard."""
        from lab6_monitoring.dashboard import PANELS

        day = self.day
        answers = {
            "Requests": {"/v1/house-price": day.rate, "/v1/models": 0.05 * np.ones(MINUTES)},
            "Errors": {"": day.errors},
            "Latency": {"/v1/house-price": np.where(day.rate > 0, day.slow, np.nan), "/v1/models": day.other_slow},
            "Predictions": self._by_version(day.rate),
            "Price": self._by_version(np.where(day.rate > 0, day.price, np.nan)),
            "Unseen zipcodes": {"": np.where(day.rate > 0, np.clip(day.unseen, 0, 1), np.nan)},
            "Model age": {"house_price": self._age()},
            "Drift": {
                day.moved: day.drift,
                **{name: np.abs(day.rng.normal(0.02, 0.004, MINUTES)) for name in ("grade", "yr_built")},
            },
        }
        at = pd.date_range("2026-01-15 10:00", periods=MINUTES, freq="min")[::STEP]
        panels = []
        for title, (question, unit) in PANELS.items():
            lines = pd.DataFrame(answers[title])
            if title != "Drift":  # the drift job is another process
                lines = lines.where(pd.Series(day.there), np.nan)
            panels.append(Panel(title, question, unit, lines[::STEP].set_axis(at)))
        return panels

    def _by_version(self, values: np.ndarray) -> dict[str, np.ndarray]:
        minutes = np.arange(MINUTES)
        ends = [begun for begun, *_ in self.day.releases[1:]] + [MINUTES]
        return {
            f"{version}, champion": np.where((minutes >= begun) & (minutes < end), values, np.nan)
            for (begun, version, _), end in zip(self.day.releases, ends, strict=True)
        }

    def _age(self) -> np.ndarray:
        age = np.zeros(MINUTES)
        for begun, _, old in self.day.releases:
            age[begun:] = old + 60 * np.arange(MINUTES - begun)
        return age


def scenario(seed: int) -> Scenario:
    """The same seed is the same scenario. Seeds that follow each other go through all causes."""
    rng = np.random.default_rng(seed)
    order = np.random.default_rng(seed // len(SCENARIOS)).permutation(list(SCENARIOS))
    name = str(order[seed % len(SCENARIOS)])
    day = Day(rng, begun=int(rng.integers(90, MINUTES - 150)))
    SCENARIOS[name](day)
    return Scenario(causes()[name], day)
