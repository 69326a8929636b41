"""Judgements of 6.1: what `/metrics` says is what happened, whoever asked for what."""

from __future__ import annotations

import tempfile
import time
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
from lab2_judges.models import NAMES
from lab2_judges.services import FOLDER as MODELS
from lab2_judges.services import ask, typical

from lab6_judges.scrapes import BATCH, PRICE, Monitored, Scrape, draw, lacks, read, scrape, start
from labkit.checks import LabHandle, expect, fail

BUDGET = 0.15
"""`LATENCY_BUDGET`, seconds."""
FEATURES = {
    "sqft_living": (500, 1_000, 1_500, 2_000, 2_500, 3_000, 4_000, 6_000),
    "grade": (4, 5, 6, 7, 8, 9, 10, 11),
    "yr_built": (1920, 1940, 1960, 1980, 2000, 2010),
}
PRICES = (100e3, 200e3, 300e3, 400e3, 500e3, 700e3, 1e6, 2e6)
SLOW = 0.3
"""Seconds that the slow model takes."""
FOLDER = "workers"
REQUESTS, SECONDS = "http_requests_total", "http_request_duration_seconds"
ODD_METHODS = ("PUT", "PATCH", "DELETE", "OPTIONS", "HEAD")
"""What no path for prices takes, and `METHODS` has."""
OTHER_PATHS = ("/", "/docs", "/livez", "/readyz", "/v1/models")


def rose(before: Scrape, after: Scrape, name: str, wanted: float, what: str, help: str = "", **labels: str) -> None:
    """Expect that a sum of series has risen by `wanted`."""
    found = after.total(name, **labels) - before.total(name, **labels)
    if abs(found - wanted) > 1e-6 * max(1.0, abs(wanted)):
        shown = "{" + ", ".join(f'{key}="{value}"' for key, value in labels.items()) + "}" if labels else ""
        fail(expected=f"`{name}{shown}` rises by {wanted:g} with {what}", found=f"it rose by {found:g}", help=help)


def judge_requests(at: Monitored, rng: np.random.Generator) -> None:
    """Each request is counted by method, route and status."""
    good, bad, lost = (int(rng.integers(2, 5)) for _ in range(3))
    before = scrape(at.service)
    for house in at.houses(rng, good):
        at.price(house)
    for _ in range(bad):
        at.service.post(PRICE, {"bedrooms": "many"}).expect(422)
    for _ in range(lost):
        at.service.get(f"/nothing-{rng.integers(10**6)}").expect(404)
        at.service.get(PRICE).expect(405)
    for method in ODD_METHODS:
        at.service.request(method, PRICE).expect(405)
    for path in OTHER_PATHS:
        at.service.get(path)
    after = scrape(at.service)
    lacks(REQUESTS, after, ("method", "route", "status"))
    for route, status, count in ((PRICE, "200", good), (PRICE, "422", bad)):
        rose(before, after, REQUESTS, count, f"{count} such requests", method="POST", route=route, status=status)
    rose(
        before, after, REQUESTS, lost, f"{lost} requests for paths that are not there",
        help="A path without a route is still a request: count it under `other`.",
        method="GET", route="other", status="404",
    )  # fmt: skip
    rose(
        before, after, REQUESTS, lost, f"{lost} requests of GET for a path that takes POST alone",
        help="The app declares this path: its route is known, whatever the answer is.",
        method="GET", route=PRICE, status="405",
    )  # fmt: skip
    for method in ODD_METHODS:
        rose(
            before, after, REQUESTS, 1, f"a request of {method} for a path that takes POST alone",
            help="`METHODS` has this method: it is counted under its own name, and not under `other`.",
            method=method, route=PRICE, status="405",
        )  # fmt: skip
    help = "Every request is counted, also those for probes, pages and `/metrics`. A query can leave them out."
    for path in OTHER_PATHS:
        rose(before, after, REQUESTS, 1, f"one request for `{path}`", help, method="GET", route=path)
    count = good + bad + 2 * lost + len(ODD_METHODS) + len(OTHER_PATHS)
    for name in (REQUESTS, f"{SECONDS}_count"):
        rose(before, after, name, count + 1, f"{count} requests, of any path and status, and one for `/metrics`", help)
    for method, count in (("POST", good + bad), ("GET", lost)):
        rose(
            before, after, f"{SECONDS}_count", count, f"{count} such requests, whatever their status",
            help="Every request is timed, also one that is refused.", method=method, route=PRICE,
        )  # fmt: skip


def judge_failures(lab: LabHandle, rng: np.random.Generator) -> None:
    """A request that breaks the service is counted as a 500, and timed."""
    at = start_broken(lab, rng)
    with at.service:
        before = scrape(at.service)
        for house in at.houses(rng, 2):
            at.service.post(PRICE, house).expect(500)
        after = scrape(at.service)
        help = (
            "Where the app breaks, the answer is made outside of every middleware and passes none. Begin with the "
            "status 500, and count in a `finally`."
        )
        labels = {"method": "POST", "route": PRICE}
        rose(before, after, REQUESTS, 2, "2 requests that broke the service", help, **labels, status="500")
        rose(before, after, f"{SECONDS}_count", 2, "2 requests that broke the service", help, **labels)
        rose(before, after, "predictions_total", 0, "2 requests without a price")


def start_broken(lab: LabHandle, rng: np.random.Generator) -> Monitored:
    """A service whose model of prices fails."""
    models, made, zipcodes = draw(rng, error="broken")
    for path, data in models.files.items():
        lab.write_bytes(f"{MODELS}/{path}", data)
    service = lab.serve("service:create_app", MODELS_DIR=MODELS)
    ask(service, "iris", typical("iris")).expect(200)
    ask(service, "house_price", typical("house_price")).expect(500)
    return Monitored(service, models, made, zipcodes, "", "")


def judge_durations(lab: LabHandle, rng: np.random.Generator) -> None:
    """The time of each request is in the histogram of its route, in seconds."""
    at = start(lab, rng, {}, asking=SLOW)
    with at.service:
        before, began = scrape(at.service), time.monotonic()
        for house in at.houses(rng, 2):
            at.price(house)
        after = scrape(at.service)
        passed = time.monotonic() - began
        lacks(f"{SECONDS}_bucket", after, ("method", "route"))
        labels = {"method": "POST", "route": PRICE}
        rose(before, after, f"{SECONDS}_count", 2, "2 requests", **labels)
        took = after.total(f"{SECONDS}_sum", **labels) - before.total(f"{SECONDS}_sum", **labels)
        if not 2 * SLOW <= took <= passed:
            fail(
                expected=f"2 requests whose model takes {SLOW} s add {2 * SLOW} to {passed:.1f} to `{SECONDS}_sum`, in "
                "seconds",
                found=f"{took:g}",
                help="Prometheus has base units: seconds, not milliseconds. `time.perf_counter()` before and after "
                "each request.",
            )


def judge_buckets(at: Monitored, rng: np.random.Generator) -> None:
    """One bucket ends at the budget, others lie on both sides."""
    at.price(at.houses(rng, 1)[0])
    ends = [end for end in scrape(at.service).buckets(SECONDS) if np.isfinite(end)]
    if not ends:
        fail(expected=f"`{SECONDS}` is a histogram with buckets", found="no `_bucket` series")
    if not any(abs(end - BUDGET) < 1e-9 for end in ends):
        higher = [end for end in ends if end > BUDGET]
        fail(
            expected=f'a bucket that ends at the budget, le="{BUDGET}"',
            found=f"buckets that end at {', '.join(f'{end:g}' for end in ends)}",
            help=(
                "Then the share of answers within the budget can only be guessed: Prometheus draws a straight line "
                "between two ends. The default buckets know nothing of your budget."
                if higher
                else "The top bucket lies below the budget: a quantile never shows more than that, however slow it is."
            ),
        )
    above, below = sum(end > BUDGET for end in ends), sum(end < BUDGET for end in ends)
    if above < 3 or below < 3 or max(ends) < 10 * BUDGET:
        fail(
            expected=f"three buckets or more below {BUDGET} s and three above, up to {10 * BUDGET:g} s or more",
            found=f"{below} below, {above} above, the last ends at {max(ends):g}",
            help="A quantile cannot be higher than the last end. When it matters, answers are slower than usual.",
        )


def judge_cardinality(at: Monitored, rng: np.random.Generator) -> None:
    """What callers make up makes no new series."""
    houses = at.houses(rng, 12, known=False)
    name = f"x{rng.integers(10**9)}"
    warm = [("GET", f"/{name}"), ("BREW", "/livez"), ("GET", f"/v1/{name}?zipcode=1"), ("GET", f"/page/{name}")]
    for method, path in warm:
        at.service.request(method, path)
    at.price(houses[0])
    before = scrape(at.service)
    for place, house in enumerate(houses[1:]):
        mine = f"{name}{place}"
        at.service.request("POST", PRICE, json=house, headers={"X-Request-ID": mine, "User-Agent": mine})
        for method, path in warm:
            made = "BREW" + chr(65 + place) if method == "BREW" else method
            at.service.request(made, path.replace(name, mine))
    new = scrape(at.service).names() - before.names()
    if new:
        shown = sorted(f"{metric}{dict(labels)}" for metric, labels in new)
        fail(
            expected="other paths, methods, zipcodes and request ids make no new series",
            found=f"{len(new)} new series, such as `{shown[0][:200]}`",
            help="Each value of a label is a series that Prometheus keeps in memory. Anybody can send a million paths. "
            "The label is the template of the route, `/v1/house-price`; what is not known is `other`.",
        )


def judge_predictions(at: Monitored, rng: np.random.Generator) -> None:
    """Each house that was priced is counted, by version and arm."""
    single, many = int(rng.integers(2, 5)), int(rng.integers(5, 20))
    before = scrape(at.service)
    for house in at.houses(rng, single):
        at.price(house)
    at.service.post(BATCH, {"houses": at.houses(rng, many)}).expect(200)
    at.service.post(BATCH, {"houses": []}).expect(422)
    after = scrape(at.service)
    lacks("predictions_total", after, ("version", "arm"))
    rose(
        before, after, "predictions_total", single + many,
        f"{single} houses, and {many} in one batch",
        help="A batch of 20 houses is 20 predictions and one request. Its version is `metadata.version`, its arm comes "
        "from `$MODEL_ARM`.",
        version=at.version, arm=at.arm,
    )  # fmt: skip


def judge_values(at: Monitored, rng: np.random.Generator) -> None:
    """The histograms of features and prices hold what was asked and answered."""
    houses = at.houses(rng, 30)
    before = scrape(at.service)
    at.service.post(BATCH, {"houses": houses[1:]}).expect(200)
    at.price(houses[0])
    after = scrape(at.service)
    for name, edges in FEATURES.items():
        values = [float(house[name]) for house in houses]
        compare_buckets(before, after, f"house_feature_{name}", values, edges, {})
    prices = [float(price) for price in at.models.prices(houses)]
    compare_buckets(before, after, "prediction_usd", prices, PRICES, {"version": at.version, "arm": at.arm})


def compare_buckets(
    before: Scrape, after: Scrape, name: str, values: list[float], edges: tuple[float, ...], labels: dict[str, str]
) -> None:
    """Expect that a histogram has taken in these values."""
    lacks(f"{name}_bucket", after, tuple(labels))
    old, new = before.buckets(name, **labels), after.buckets(name, **labels)
    if [end for end in new if np.isfinite(end)] != [float(edge) for edge in edges]:
        fail(
            expected=f"the buckets of `{name}` end where the constant of the file says: {edges}",
            found=f"{[end for end in new if np.isfinite(end)]}",
        )
    for end, count in new.items():
        wanted = sum(value <= end for value in values)
        if count - old.get(end, 0) != wanted:
            fail(
                expected=f"{wanted} of {len(values)} houses are at or below {end:g} in `{name}`",
                found=f"{count - old.get(end, 0):g}",
                help="Each house is observed once, a batch house by house, with the value that was sent or answered.",
            )
    found = after.total(f"{name}_sum", **labels) - before.total(f"{name}_sum", **labels)
    expect.close(found, sum(values), f"the rise of `{name}_sum`", rel=1e-6)


def judge_unseen(at: Monitored, rng: np.random.Generator) -> None:
    """Zipcodes that the model has never seen are counted, without being named."""
    before = scrape(at.service)
    lacks("unseen_category_total", before, ("feature",))
    known, unseen = int(rng.integers(2, 6)), int(rng.integers(2, 6))
    mixed = [*at.houses(rng, known), *at.houses(rng, unseen, known=False)]
    at.service.post(BATCH, {"houses": mixed}).expect(200)
    rose(
        before, scrape(at.service), "unseen_category_total", unseen,
        f"{unseen} houses in zipcodes that the model has not seen, and {known} in known ones",
        help="The metadata of the model has the zipcodes that it knows: `metadata.extra['zipcodes']`.",
        feature="zipcode",
    )  # fmt: skip


def judge_models(at: Monitored) -> None:
    """When each model was made, and which commit runs."""
    found = scrape(at.service)
    metric = "model_trained_timestamp_seconds"
    lacks(metric, found, ("model", "version"))
    for name in NAMES:
        there = found.series(metric, model=name, version=at.models.metadata[name].version)
        if len(there) != 1:
            fail(expected=f"one series of `{metric}` for `{name}` and its version", found=f"{len(there)}")
        wanted, value = at.made[name].timestamp(), there[0][1]
        if abs(value - wanted) > 1:
            fail(
                expected=f"`{metric}` of `{name}` is when the model was made, {wanted:.0f}",
                found=f"{value:.0f}",
                help="`metadata.created_at` says when it was made. Not its age: that is old a minute later. Prometheus "
                "computes it, `time() - model_trained_timestamp_seconds`. Nor the time of loading: a restart makes no "
                "model younger.",
            )
    info = "service_build_info"
    lacks(info, found, ("revision",))
    if found.series(info) != [({"revision": at.revision}, 1.0)]:
        fail(expected=f'`{info}{{revision="{at.revision}"}}` is 1', found=expect.shown(found.series(info)))


def judge_while_loading(lab: LabHandle, rng: np.random.Generator) -> None:
    """While models load, `/metrics` answers already."""
    models, *_ = draw(rng, loading=1.0)
    for path, data in models.files.items():
        lab.write_bytes(f"{MODELS}/{path}", data)
    with lab.serve("service:create_app", MODELS_DIR=MODELS) as service:
        found = scrape(service)
        expect.that(
            not found.series("model_trained_timestamp_seconds", model="house_price"),
            expected="a model that is not loaded has no series yet",
            found="it has one",
        )


def judge_workers(lab: LabHandle, rng: np.random.Generator) -> None:
    """With several workers, each of them answers for all."""
    others = int(rng.integers(100, 1_000))
    for path, data in files_of_another_worker(others).items():
        lab.write_bytes(f"{FOLDER}/{path}", data)
    at = start(lab, rng, {"PROMETHEUS_MULTIPROC_DIR": FOLDER})
    with at.service:
        for house in at.houses(rng, 3):
            at.price(house)
        found = scrape(at.service)
        labels = {"method": "POST", "route": PRICE, "status": "200"}
        mine = found.total(REQUESTS, **labels)
        if not others + 4 <= mine <= others + 5:
            fail(
                expected=f"`{REQUESTS}` counts the {others} requests of another worker and the 4 of this one",
                found=f"{mine:g}",
                help="Each worker keeps its numbers in files of `$PROMETHEUS_MULTIPROC_DIR`. Where that is set, "
                "answer from a new registry with a `multiprocess.MultiProcessCollector` in it. Else each scrape shows "
                "the numbers of one worker by chance, and counters seem to fall.",
            )
        lacks("model_trained_timestamp_seconds", found, ("model", "version"))
        lacks("service_build_info", found, ("revision",))


def judge_two_workers(lab: LabHandle, rng: np.random.Generator) -> None:
    """Two workers with the same models say when these were made, and not twice of it."""
    made = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=int(rng.integers(30_000_000)))
    told = lab.make("mlops_probes.monitoring:tell_of_two_workers", made.isoformat(), doing="`instrument(app)`")
    found = read(expect.text(told, "what `/metrics` says"))
    for metric, wanted, labels in (
        ("model_trained_timestamp_seconds", made.timestamp(), {"model": "house_price", "version": "first"}),
        ("service_build_info", 1.0, {"revision": "unknown"}),
    ):
        lacks(metric, found, tuple(labels))
        if found.series(metric, **labels) != [(labels, wanted)]:
            fail(
                expected=f"`{metric}{labels}` of two workers is {wanted:.0f}",
                found=expect.shown(found.series(metric)),
                help='Two workers say the same, and moments do not add up: `multiprocess_mode="max"`. Without '
                "`$REVISION` the commit is `unknown`.",
            )
    if found.total("predictions_total", version="first", arm="champion") != 2:
        fail(
            expected='2 in `predictions_total{version="first",arm="champion"}`, one of each worker',
            found=expect.shown(found.series("predictions_total")),
            help="Without `$MODEL_ARM` the arm is `champion`.",
        )


def files_of_another_worker(count: int) -> dict[str, bytes]:
    """What a second worker has left in the common folder: `count` answered requests."""
    from prometheus_client.mmap_dict import MmapedDict, mmap_key

    names, values = ["method", "route", "status"], ["POST", PRICE, "200"]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "counter_999999.db")
        book = MmapedDict(str(path))
        # The help text is no part of what is added up: the labels decide.
        book.write_value(mmap_key("http_requests", REQUESTS, names, values, "another worker"), float(count), 0.0)
        book.close()
        return {path.name: path.read_bytes()[:4096]}


def judge_versions(lab: LabHandle, rng: np.random.Generator) -> None:
    """Each price is counted by the version that gave it, whatever was served before."""
    arm, offset = f"arm-{rng.integers(1_000)}", int(rng.integers(1, 12))
    # Of a time zone that no machine has: else the hour without its zone is right there.
    made = datetime(2024, 5, 1, 12, tzinfo=timezone(timedelta(hours=offset, minutes=10)))
    told = lab.make("mlops_probes.monitoring:tell_of_three_versions", arm, made.isoformat(), doing="`instrument(app)`")
    said, latencies = expect.pair(told, "what `/metrics` says, and `LATENCIES`")
    text, went_on = expect.pair(said, "what `/metrics` says")
    found = read(expect.text(text, "what `/metrics` says"))
    counts = {"first": 4, "second": 2, "third": 2}
    for name, version, count in (
        (name, *one) for name in ("predictions_total", "prediction_usd_count") for one in counts.items()
    ):
        value = found.total(name, version=version, arm=arm)
        if value != count:
            fail(
                expected=f'{count} in `{name}{{version="{version}",arm="{arm}"}}`', found=f"{value:g}",
                help="Models are exchanged while the service runs (week 4): ask for the version at each price. The arm "
                "is that of the environment in which `instrument` is called.",
            )  # fmt: skip
    for name in FEATURES:
        value = found.total(f"house_feature_{name}_count")
        if value != 8:
            fail(
                expected=f"8 houses in `house_feature_{name}`", found=f"{value:g}",
                help="Each house is observed, whatever its zipcode, and whichever version has priced it.",
            )  # fmt: skip
    unseen = found.total("unseen_category_total", feature="zipcode")
    if unseen != 4:
        fail(
            expected="4 houses in zipcodes that their model does not know: 3 of the first version, 1 of the second",
            found=f"{unseen:g}",
            help="Each house counts, also two in one zipcode. Each version knows zipcodes of its own, and one that "
            "does not say which has seen nothing that could be counted.",
        )
    odd = found.total(REQUESTS, method="other"), found.total(f"{SECONDS}_count", method="other")
    if odd != (1, 1) or found.series(REQUESTS, method="BREW") or found.series(f"{SECONDS}_count", method="BREW"):
        fail(
            expected="a request with the method BREW counts under the method `other`, its time too",
            found=f"{odd[0]:g} requests and {odd[1]:g} times of `other`",
            help="Anybody can send any word as a method: a label that callers fill.",
        )
    if not found.series("model_trained_timestamp_seconds", model="house_price", version="third"):
        fail(
            expected="`model_trained_timestamp_seconds` of the version that came after `/metrics` was asked",
            found="no such series",
            help="Models are exchanged while the service runs: say at each scrape what is in `models.ready` by then.",
        )
    value = found.total("model_trained_timestamp_seconds", model="house_price", version="third")
    if abs(value - made.timestamp()) > 1:
        fail(
            expected=f"the model of {made.isoformat()} was made at {made.timestamp():.0f}", found=f"{value:.0f}",
            help="`created_at` has its time zone: keep it, `datetime.fromisoformat(…).timestamp()`.",
        )  # fmt: skip
    route = "/waits/{number}"
    labels = {"method": "GET", "route": route}
    waited = found.total(REQUESTS, **labels, status="503"), found.total(f"{SECONDS}_sum", **labels)
    if waited[0] != 1 or waited[1] < 0.09:
        fail(
            expected=f"one request for `{route}` with the status 503, which took 0.1 s or more; meanwhile another path "
            "was asked for, and answered with 404",
            found=f"{waited[0]:g} such requests and {waited[1]:.2g} s; there is "
            f"{expect.shown([one for one, _ in found.series(REQUESTS) if one.get('route') != '/metrics'])}",
            help="The route is the path as the app declares it, with its braces. Several requests run at a time: "
            "what belongs to one (its status, its start) is a local variable, and no attribute of the middleware.",
        )
    if found.total(REQUESTS, **labels, status="404") != 1:
        fail(
            expected=f"a request to which `{route}` answers with the status 404 counts under this route",
            found=expect.shown([one for one, _ in found.series(REQUESTS, status="404")]),
            help="`other` is for a path that the app does not declare. A route that is declared may answer with 404, "
            "too: what counts is `scope['route']`, and not the status.",
        )
    ends = [end for end in found.buckets(SECONDS) if np.isfinite(end)]
    expect.that(
        isinstance(latencies, list) and sorted(set(latencies)) == ends,
        expected=f"`LATENCIES` of metrics.py has the ends of the buckets of `{SECONDS}`: {expect.shown(ends)}",
        found="there is no `LATENCIES`" if latencies is None else expect.shown(latencies),
    )
    expect.that(
        went_on,
        expected="an error of the app goes on to whoever stands around the middleware",
        found="it ended there",
        help="Count in a `finally`, and let the error pass: others log it and answer.",
    )


def judge_two_apps(lab: LabHandle) -> None:
    """One process can have two apps, each with its own numbers."""
    found = lab.make("mlops_probes.monitoring:ask_two_apps", doing="`instrument(app)` for a second app")
    mine, other = expect.pair(found, "what two apps answer")
    expect.that(
        (mine, other) == (3, 1),
        expected="an app that was asked 3 times and one that was asked once count 3 and 1 requests for `/livez`",
        found=f"{mine} and {other}",
        help="Metrics without a `registry=` of their own lie in one table of the whole process.",
    )
