"""What `/metrics` says, as numbers; and a service of the learner's, with models that tell when they were made."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from lab2_judges import inputs
from lab2_judges.models import NAMES, Models, shuffled, told_models
from lab2_judges.services import FOLDER, ask, typical

from labkit.checking.service import Service
from labkit.checks import LabHandle, expect, fail
from mlops_probes.service import Told

PRICE = "/v1/house-price"
BATCH = "/v1/house-price/batch"
Labels = dict[str, str]


@dataclass(frozen=True)
class Scrape:
    """One answer of `/metrics`: each series with its value."""

    values: dict[tuple[str, frozenset[tuple[str, str]]], float]
    kinds: dict[str, str]

    def series(self, name: str, **labels: str) -> list[tuple[Labels, float]]:
        """The series of a name that have these labels."""
        wanted = set(labels.items())
        return [(dict(key[1]), value) for key, value in self.values.items() if key[0] == name and wanted <= key[1]]

    def total(self, name: str, **labels: str) -> float:
        """The sum of these series, 0 where there is none."""
        return sum(value for _, value in self.series(name, **labels))

    def names(self) -> set[tuple[str, frozenset[tuple[str, str]]]]:
        """Which series there are, without the times of their making."""
        return {key for key in self.values if not key[0].endswith("_created")}

    def buckets(self, name: str, **labels: str) -> dict[float, float]:
        """The upper ends of the buckets of a histogram, with how many values are at or below."""
        found: dict[float, float] = {}
        for known, value in self.series(f"{name}_bucket", **labels):
            end = float(known.get("le", "nan"))
            found[end] = found.get(end, 0.0) + value
        return dict(sorted(found.items()))


def scrape(service: Service) -> Scrape:
    """Ask `/metrics` and read it."""
    answer = service.get("/metrics").expect(200, help="`instrument` adds the route: `@app.get('/metrics')`.")
    if answer.media_type != "text/plain":
        fail(
            expected="`/metrics` answers with `text/plain`, the format of Prometheus",
            found=f"`{answer.media_type}`: {answer.excerpt()}",
            help="A function of FastAPI that returns text or bytes answers with JSON. Return a `Response` whose "
            "`Content-Type` is `CONTENT_TYPE_LATEST`.",
        )
    return read(answer.text)


def read(text: str) -> Scrape:
    """Read what `/metrics` answers."""
    from prometheus_client.parser import text_string_to_metric_families

    values: dict[tuple[str, frozenset[tuple[str, str]]], float] = {}
    kinds: dict[str, str] = {}
    try:
        for family in text_string_to_metric_families(text):
            kinds[family.name] = family.type
            for sample in family.samples:
                if (sample.name, frozenset(sample.labels.items())) in values:
                    fail(
                        expected="`/metrics` has each series once",
                        found=f"`{sample.name}{sample.labels}` twice",
                        help="Prometheus does not know which of the two is right. With several workers, what all of "
                        "them have counted is read by a registry of its own: `CollectorRegistry()`.",
                    )
                values[sample.name, frozenset(sample.labels.items())] = float(sample.value)
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        fail(expected="Prometheus can read what `/metrics` answers", found=f"{type(error).__name__}: {error}")
    return Scrape(values, kinds)


@dataclass
class Monitored:
    """A running service, the models in it, when each was made, and which zipcodes it knows."""

    service: Service
    models: Models
    made: dict[str, datetime]
    zipcodes: list[int]
    arm: str
    revision: str

    @property
    def version(self) -> str:
        """The version of the model of house prices."""
        return self.models.metadata["house_price"].version

    def houses(self, rng: np.random.Generator, count: int, *, known: bool = True) -> list[dict[str, Any]]:
        """Draw houses in zipcodes that the model knows, or in others."""
        houses = inputs.draw_houses(rng, count)
        near = [*({int(one) for one in inputs.sales()["zipcode"].unique()} - set(self.zipcodes))]
        for place, house in enumerate(houses):
            far = 99_999 if place % 4 == 3 else int(rng.integers(10_000, 97_000))
            unknown = int(rng.choice(near)) if place % 2 == 0 else far  # the next suburb, and the end of the world
            house["zipcode"] = int(rng.choice(self.zipcodes)) if known else unknown
        return houses

    def price(self, house: dict[str, Any]) -> None:
        """Ask for the price of one house."""
        self.service.post(PRICE, house).expect(200)


def draw(rng: np.random.Generator, **options: Any) -> tuple[Models, dict[str, datetime], list[int]]:
    """Three models that were made on drawn days, the one of houses with its zipcodes; `options` are those of `Told`."""
    models = told_models(rng)
    zipcodes = sorted({int(one) for one in rng.permutation(inputs.sales()["zipcode"].unique())[:30]})
    weights = {"sqft_living": float(rng.integers(100, 300)), "grade": float(rng.integers(1_000, 9_000))}
    frame = inputs.sales()[shuffled(rng, inputs.HOUSE)].head(10)
    models.add("house_price", Told("house_price", weights, **options), frame, {"zipcodes": zipcodes})
    made = {}
    for name in NAMES:
        day = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=int(rng.integers(30_000_000)))
        path = f"{name}/metadata.json"
        content = json.loads(models.files[path])
        models.files[path] = json.dumps(content | {"created_at": day.isoformat(timespec="seconds")}).encode()
        made[name] = day
    return models, made, zipcodes


def start(lab: LabHandle, rng: np.random.Generator, environment: dict[str, str], **options: Any) -> Monitored:
    """Start the learner's service on drawn models, and wait until each of them answers."""
    models, made, zipcodes = draw(rng, **options)
    arm, revision = f"arm-{rng.integers(1_000)}", f"{rng.integers(16**7):07x}"
    for path, data in models.files.items():
        lab.write_bytes(f"{FOLDER}/{path}", data)
    service = lab.serve("service:create_app", MODELS_DIR=FOLDER, MODEL_ARM=arm, REVISION=revision, **environment)
    for name in NAMES:
        ask(service, name, typical(name)).expect(200, help="the service of lab 2 answers, whatever is counted beside")
    return Monitored(service, models, made, zipcodes, arm, revision)


def lacks(name: str, found: Scrape, labels: tuple[str, ...]) -> None:
    """Fail unless there is a metric with exactly these labels."""
    there = found.series(name)
    if not there:
        near = sorted({key[0] for key in found.values if not key[0].endswith("_created")})
        fail(
            expected=f"`/metrics` has `{name}`"
            + (f" with {', '.join(f'`{one}`' for one in labels)}" if labels else ""),
            found=f"no such series; there is {', '.join(f'`{one}`' for one in near[:14]) or 'nothing'}",
            help="The client of Prometheus adds `_total` to the name of a Counter, and `_bucket`, `_sum` and `_count` "
            "to the one of a Histogram.",
        )
    for known, _ in there:
        odd = set(known) - {"le"} ^ set(labels)
        if "pid" in odd:
            fail(
                expected=f"`{name}` is one series for all workers",
                found=f"a label `pid`: {expect.shown(known)}",
                help="With several workers a Gauge is a series per process, unless it says how to join them: "
                '`Gauge(…, multiprocess_mode="max")`.',
            )
        if odd:
            fail(
                expected=f"`{name}` has the labels {', '.join(f'`{one}`' for one in labels) or 'none'}",
                found=f"{', '.join(f'`{one}`' for one in sorted(set(known) - {'le'})) or 'none'}",
                help="Each value of a label is a series of its own. What nobody asks for is not a label.",
            )
