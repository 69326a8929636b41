"""The year 2015, played through the finished system, on the clock of the data.

A house is priced two to six weeks before it is sold. So its features are known at once and its price later, when it
stands among the sales of its month. What is seen on a day is what was known on that day, and what is retrained has
learned from no price of later.
"""

from __future__ import annotations

import contextlib
import math
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd

from weeks.demo import alarm, recipe, serving

OPENED = "2015-01-01"  # the other suburbs join
ENDS = "2015-05-01"  # of the houses that were priced from then on, hardly one is sold before the data end, on 27 May
HELD_OUT = "2014-12-01"  # the first model learns from the sales before, and is tested on the month from then on
DAYS = (14, 45)  # so many days before its sale a house is priced
NAME = "house-price"

Rule = tuple[str, float | None, float, bool]  # of the gate: name, value, limit, whether it is passed


class Teller(Protocol):
    """Whoever shows what happens."""

    def doing(self, what: str) -> None:
        """Say what is going on now, until the next call."""

    def told(self, day: pd.Timestamp, sentence: str) -> None:
        """Keep a sentence about a day."""


@dataclass
class Month:
    """What became known of the houses that were priced in a month.

    Errors are in USD, the bias in log price; None is not known yet.
    """

    month: pd.Period
    houses: int
    version: str
    drifted: int
    psi: float
    mae: float | None = None
    bias: float | None = None
    verdict: str = ""
    untouched: float | None = None  # the error, had the first model gone on


@dataclass
class Swap:
    """A version that went through the gate, and what callers have seen of it."""

    reason: str  # the diagnosis
    version: int
    month: str
    promoted: bool
    rules: list[Rule]
    seconds: float = 0.0
    answers: list[tuple[float, str | None]] = field(default_factory=list)


@dataclass
class Year:
    """All that the table and the page show."""

    tested: float = 0.0  # the error of the first model on the month that was held out
    columns: int = 0
    months: list[Month] = field(default_factory=list)
    swaps: list[Swap] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    alarms: str = ""  # why nobody is told by Alertmanager; empty where somebody is
    requests: dict[str, int] = field(default_factory=dict)  # status → how many


class Player:
    """Plays the year.

    Args:
        labs: the folder that the labs are imported from.
        folder: for all that is written; the working folder.
        stack: ends what is started.
        teller: is told what happens.
    """

    def __init__(self, labs: Path, folder: Path, stack: contextlib.ExitStack, teller: Teller) -> None:
        self.labs, self.folder, self.stack, self.teller = labs, folder, stack, teller
        self.year = Year()
        self.landing, self.warehouse = folder / "landing", folder / "warehouse"
        self.references: dict[str, pd.DataFrame] = {}  # version → the features that it was trained on
        self.predictions = pd.DataFrame()
        self.labels = pd.DataFrame()
        self.inbox: alarm.Inbox | None = None
        self.prefect = False

    def play(self) -> Year:
        """Play it from the first training to the last price."""
        self.open_the_books()
        self.first_champion()
        self.start_serving()
        for day, happens, month in calendar(sorted(self.priced_in.unique())):
            if happens == "priced":
                self.price(month, day)
            else:
                self.prices_are_known(month, day)
        self.close_the_books()
        return self.year

    # Before the year.

    def open_the_books(self) -> None:
        """Read the sales, and the months of 2014 into the warehouse, through week 5's contract."""
        self.teller.doing("reading the sales of 2014, through week 5's contract")
        from lab1_models.house_price import FEATURES
        from mlops_lab.datasets import load_house_sales

        self.features = list(FEATURES)
        self.year.columns = len(self.features)
        self.sales = load_house_sales()
        self.period = self.sales["date"].dt.to_period("M")
        in_city = self.sales["zipcode"].astype(str).str.startswith("981")
        self.city = self.sales[in_city & (self.sales["date"] < OPENED)]
        # When each house was priced, of those that the year goes through.
        days = pd.to_timedelta(np.random.default_rng(0).integers(DAYS[0], DAYS[1] + 1, len(self.sales)), unit="D")
        priced_on = self.sales["date"] - days
        self.priced_on = priced_on[(priced_on >= pd.Timestamp(OPENED)) & (priced_on < pd.Timestamp(ENDS))]
        self.priced_in = self.priced_on.dt.to_period("M")
        self.landing.mkdir()
        self.keep_up_to(pd.Period(OPENED, "M"))

    def keep_up_to(self, month: pd.Period) -> None:
        """Have the good sales of each month before `month` in the warehouse."""
        from lab5_pipeline import storage

        there = storage.partitions("sales", self.warehouse)
        for other in sorted(self.period.unique()):
            if other < month and str(other) not in there:
                self.keep(other)

    def keep(self, month: pd.Period) -> None:
        """Hold the sales of a month against the contract, and keep the good ones."""
        from lab5_pipeline import contract, storage

        before = storage.report_before(str(month), self.warehouse)
        split = contract.split_valid(self.sales[self.period == month].reset_index(drop=True))
        report = contract.check_batch(split, contract.BatchReport.from_json(before) if before else None)
        storage.publish(storage.put(split.good, self.warehouse), "sales", str(month), self.warehouse)
        storage.keep_report(report.to_json(), str(month), self.warehouse)

    def first_champion(self) -> None:
        """Train on the city's sales, log it, register it, and let the gate decide."""
        self.teller.doing("training, and logging it in MLflow (a fresh SQLite file)")
        from lab1_models.house_price import build_model
        from lab4_tracking import registry, tracking

        train, test = self.city[self.city["date"] < HELD_OUT], self.city[self.city["date"] >= HELD_OUT]
        run = tracking.log_training(train, test, build_model(), {})
        import mlflow

        self.year.tested = mlflow.get_run(run).data.metrics["mae"]
        day = pd.Timestamp(OPENED) - pd.Timedelta(days=1)
        self.teller.told(
            day,
            f"Trained on {len(train):,} sales in Seattle, tested on {len(test):,} of December: wrong by "
            f"{usd(self.year.tested)} on average.",
        )
        version = registry.register(run)
        rules, promoted = self.ask_the_gate(version, test)
        if not promoted:
            raise RuntimeError(f"the gate refuses the first version: {', '.join(map(said, rules))}")
        self.references[str(version)] = train[self.features].reset_index(drop=True)
        self.first = self.serving = str(version)
        self.teller.told(
            day, f"Version {version} is registered in MLflow. The gate makes it champion; the service follows."
        )

    def start_serving(self) -> None:
        """Start the service, and whoever watches it."""
        import mlflow

        self.teller.doing("starting the service, which follows the champion")
        uri = mlflow.get_tracking_uri()
        self.server = self.stack.enter_context(serving.service(self.labs, self.folder, uri))
        self.house = dict(self.city[self.features].iloc[0].items())
        self.callers = serving.Callers(self.server.url, plain(self.house))
        with self.callers.asking():
            self.callers.wait_for(self.serving)
        from lab6_monitoring.drift_job import DriftMetrics

        self.drift = DriftMetrics()
        if missing := alarm.missing():
            self.year.alarms = f"{' and '.join(missing)}: not here, `lab doctor` says how to get it"
            self.teller.told(pd.Timestamp(OPENED), f"No alerts: {self.year.alarms}. The diagnosis has to do.")
            return
        watched = alarm.watching(
            self.labs / "lab6_monitoring",
            self.folder / "alarm",
            f"127.0.0.1:{self.server.port}",
            self.drift.registry,
        )
        self.inbox = self.stack.enter_context(watched)

    # The year.

    def houses_of(self, month: pd.Period) -> pd.DataFrame:
        """The houses that were priced in a month."""
        houses: pd.DataFrame = self.sales[(self.priced_in == month).reindex(self.sales.index, fill_value=False)]
        return houses

    def price(self, month: pd.Period, day: pd.Timestamp) -> None:
        """Have the houses of a month priced, and look whether they are like those that the model knows."""
        from lab6_monitoring.drift import feature_drift

        self.teller.doing(f"pricing the houses of {month}")
        houses = self.houses_of(month)
        ids = serving.price(self.server.url, houses[self.features])
        made = {"prediction_id": ids, "date": self.priced_on.reindex(houses.index).to_numpy()}
        sold = {"prediction_id": ids, "price": houses["price"].to_numpy(), "known_on": houses["date"].to_numpy()}
        self.predictions = pd.concat([self.predictions, pd.DataFrame(made)], ignore_index=True)
        self.labels = pd.concat([self.labels, pd.DataFrame(sold)], ignore_index=True)

        self.teller.doing(f"looking for drift in {month}")
        table = feature_drift(self.references[self.serving], houses[self.features].reset_index(drop=True)).table
        largest = table.sort_values("psi").iloc[-1]
        row = Month(month, len(houses), self.serving, int(table["drifted"].sum()), float(largest["psi"]))
        self.year.months.append(row)
        self.drift.tell(table)
        scored = time.monotonic()
        found = self.diagnosis(row, day)
        self.teller.told(
            day,
            f"Version {self.serving} has priced {row.houses:,} houses. {row.drifted} of {len(table)} features have "
            f"drifted, PSI up to {row.psi:.2f} (`{largest['column']}`). Diagnosis: {found}.",
        )
        self.listen(day, scored)
        if found == "covariate":
            self.retrain(day, found)

    def diagnosis(self, row: Month, day: pd.Timestamp) -> str:
        """What week 6 says about a month: its features, and the errors of its version as far as they are known."""
        from lab6_monitoring.drift import diagnose

        features = self.houses_of(row.month)[self.features].reset_index(drop=True)
        row.verdict = diagnose(self.references[row.version], features, self.performance(row, day)).verdict
        return row.verdict

    def performance(self, row: Month, day: pd.Timestamp) -> pd.DataFrame:
        """The errors of one version by month, up to this month, as they are known on a day."""
        from lab6_monitoring.drift import performance_drift

        made = self.logged()
        known = performance_drift(made[made["version"] == row.version], self.labels, day)
        return known[known["month"] <= row.month.to_timestamp()]

    def listen(self, day: pd.Timestamp, since: float) -> None:
        """Wait until Alertmanager has said what changes; `since` is when the scores were there."""
        now, before = (
            months[-1].drifted > 0 if months else False for months in (self.year.months, self.year.months[:-1])
        )
        if self.inbox is None or now == before:
            return
        self.teller.doing("waiting for Prometheus and Alertmanager")
        status = "firing" if now else "resolved"
        message = self.inbox.wait_for(status, alarm.ALERT, since)
        if message is None:
            self.teller.told(day, f"{alarm.ALERT} is not {status} after {alarm.PATIENCE:.0f} s.")
            return
        self.year.messages.append(message.line)
        text = message.line.partition(f"{alarm.ALERT}: ")[2] if now else "resolved"
        self.teller.told(day, f"{message.where} after {message.when - since:.1f} s: {alarm.ALERT}: {text}")

    def prices_are_known(self, month: pd.Period, day: pd.Timestamp) -> None:
        """Look how wrong a month was, say why, and do what the diagnosis says."""
        self.teller.doing(f"judging {month}, whose prices are known now")
        row = next(one for one in self.year.months if one.month == month)
        newest = self.performance(row, day).iloc[-1]
        row.mae, row.bias = float(newest["mae"]), float(newest["bias"])
        row.untouched = self.error_of_the_first(month)
        found = self.diagnosis(row, day)
        self.teller.told(
            day,
            f"The houses of {month} are sold. Version {row.version} was wrong by {usd(row.mae)}, "
            f"{math.expm1(row.bias):+.1%} on the whole. Diagnosis: {found}.",
        )
        if found == "concept" and row.version == self.serving:
            self.retrain(day, found)

    def logged(self) -> pd.DataFrame:
        """The predictions as the log of the service has them, with the day on which each was made."""
        from lab6_monitoring.logs import read_predictions

        lines = read_predictions(self.server.output().splitlines())
        wanted = lines[["prediction_id", "version", "price"]]
        joined = self.predictions.merge(wanted, on="prediction_id", validate="one_to_one")
        if len(joined) != len(self.predictions):
            raise RuntimeError(f"the log has {len(joined)} of {len(self.predictions)} predictions")
        return joined.rename(columns={"price": "predicted"})

    @cached_property
    def first_model(self) -> Any:
        """The model of the first version, from the registry."""
        import mlflow

        return mlflow.pyfunc.load_model(f"models:/{NAME}/{self.first}")

    def error_of_the_first(self, month: pd.Period) -> float:
        """The error that the first version makes on a month, whichever one has served."""
        rows = self.houses_of(month)
        predicted = self.first_model.predict(rows[self.features])
        return float((predicted - rows["price"]).abs().mean())

    # What is done about it.

    def retrain(self, day: pd.Timestamp, reason: str) -> None:
        """Run week 5's flow on the newest month, ask week 4's gate, and see the service take the version."""
        month = day.to_period("M") - 1
        if not self.prefect:
            self.teller.doing("starting Prefect")
            self.start_prefect()
        self.teller.doing(f"running week 5's flow on {month}")
        from lab5_pipeline import flow, storage

        self.keep_up_to(month)
        landed = self.sales[self.period == month].reset_index(drop=True)
        self.landing.joinpath(f"{month}.parquet").write_bytes(landed.to_parquet())
        try:
            made = flow.monthly(str(month), landing=self.landing, warehouse=self.warehouse)
        except storage.MonthRefused as refused:
            self.teller.told(day, f"Week 5's contract refuses the sales of {month}: {refused}.")
            return
        version = int(made["version"])
        parts = storage.partitions("sales", self.warehouse)
        learned = pd.concat(
            [storage.get(name, self.warehouse) for other, name in parts.items() if other < str(month)],
            ignore_index=True,
        )
        self.teller.told(
            day,
            f"Retrained by week 5's flow, on {len(learned):,} sales of the whole county: version {version}, wrong by "
            f"{usd(made['mae'])} in {month}.",
        )
        self.teller.doing(f"asking the gate about version {version}")
        recent = storage.get(parts[str(month)], self.warehouse)
        rules, promoted = self.ask_the_gate(version, recent)
        swap = Swap(reason, version, str(month), promoted, rules)
        self.year.swaps.append(swap)
        self.teller.told(day, f"The gate: {', '.join(map(said, rules))}. {'Promoted' if swap.promoted else 'Refused'}.")
        if not swap.promoted:
            return
        self.teller.doing(f"waiting until the service takes version {version}")
        callers, moved = serving.Callers(self.server.url, plain(self.house)), time.monotonic()
        with callers.asking():
            swap.seconds = callers.wait_for(str(version)) - moved
        swap.answers = [(when - moved, one) for when, one in callers.answers]
        self.references[str(version)] = learned[self.features]
        self.serving = str(version)
        self.teller.told(
            day,
            f"The service has taken it after {swap.seconds:.1f} s, without a restart; {callers.without_answer()} of "
            f"{len(swap.answers):,} callers meanwhile had no answer.",
        )

    def ask_the_gate(self, version: int, recent: pd.DataFrame) -> tuple[list[Rule], bool]:
        """What each rule says, and whether the version is promoted. Where the machine was too busy, ask again."""
        from lab4_tracking import registry

        for _ in range(3):
            decision = registry.promote(version, recent)
            rules = [(one.name, one.value, one.limit, one.passed) for one in decision.rules]
            if {name for name, _, _, passed in rules if not passed} != {"latency"}:
                break
        return rules, decision.promoted

    def start_prefect(self) -> None:
        """Start Prefect's server, and tell the flow where it is."""
        from mlops_lab import services

        server = self.stack.enter_context(services.running("prefect", self.folder / "prefect"))
        os.environ["PREFECT_API_URL"] = f"{server.url}/api"
        recipe.install()
        self.prefect = True

    def close_the_books(self) -> None:
        """Ask the service what it has counted."""
        import httpx
        from prometheus_client.parser import text_string_to_metric_families

        text = httpx.get(f"{self.server.url}/metrics", trust_env=False).text
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                if sample.name == "http_requests_total" and sample.labels["route"].startswith("/v1/"):
                    status = sample.labels["status"]
                    self.year.requests[status] = self.year.requests.get(status, 0) + int(sample.value)


def calendar(months: Sequence[pd.Period]) -> list[tuple[pd.Timestamp, str, pd.Period]]:
    """Return what happens on which day: the houses of a month are `priced` when it is over, and `known` when all of
    them are sold."""
    from lab6_monitoring.drift import DAYS_UNTIL_KNOWN

    days = []
    for month in months:
        over = (month + 1).to_timestamp()
        days += [(over, "priced", month), (over + pd.Timedelta(days=DAYS_UNTIL_KNOWN - 1), "known", month)]
    return sorted(days, key=lambda one: (one[0], one[2]))


def usd(value: float) -> str:
    """`70,817 USD`."""
    return f"{value:,.0f} USD"


def plain(row: Mapping[Any, Any]) -> dict[str, Any]:
    """The same values as JSON knows them."""
    return {str(key): value.item() if hasattr(value, "item") else value for key, value in row.items()}


def said(rule: Rule) -> str:
    """One rule of the gate in words."""
    name, value, _, passed = rule
    units: dict[str, Callable[[float], str]] = {
        "better": lambda number: f"{number:+,.0f} USD",
        "groups": lambda number: f"{number:+.0%} in the worst zipcode",
        "latency": lambda number: f"{number:.3f} s",
        "signature": lambda number: f"{number:.0f} unknown",
    }
    shown = "nothing to compare" if value is None else units.get(name, "{:g}".format)(value)
    return f"{name} {shown} {'✓' if passed else '✗'}"
