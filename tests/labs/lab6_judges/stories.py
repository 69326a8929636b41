"""What happens to the service in the checks of 6.2: each story is drawn anew, and says which alerts belong to it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from lab6_judges.replays import Phase, Play, firing

PRICE, BATCH, FLOWER = "/v1/house-price", "/v1/house-price/batch", "/v1/iris"
SEGMENT, LOADED = "/v1/customer-segment", "/v1/models"
DAY = 86_400
SCRAPED = 15
"""Seconds from scrape to scrape, as the service is scraped: a window of a minute holds four of them."""
WINDOWS = {"5m": 5, "30m": 30, "1h": 60, "6h": 360}
"""What each share looks at, in minutes."""
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0)


@dataclass
class Story:
    """One story: what is played, which alert must ring at which minute or must not, and what else it says of a mistake.

    `rings` and `silent` are (alert, minute); `values` are (query, minute, what comes out, what it is called).
    """

    play: Play
    told: str
    rings: list[tuple[str, int]] = field(default_factory=list)
    silent: list[tuple[str, int]] = field(default_factory=list)
    values: list[tuple[str, int, float, str]] = field(default_factory=list)
    help: str = ""

    def ask(self) -> Play:
        """The play with every question in it."""
        self.play.asked = [(firing(alert), minute) for alert, minute in [*self.rings, *self.silent]]
        self.play.asked += [(query, minute) for query, minute, _, _ in self.values]
        return self.play


def healthy(play: Play, minutes: int) -> None:
    """The service is up, and its models are young."""
    play.gauge("up", (minutes, 1.0), job="predictions", instance="a")


def traffic(play: Play, share: float, minutes: int, per_minute: float = 600.0, route: str = PRICE) -> None:
    """A steady traffic of which a share fails."""
    play.requests(route, "200", (minutes, per_minute * (1 - share)))
    play.requests(route, "500", (minutes, per_minute * share))


def ratios(rng: np.random.Generator) -> list[Story]:
    """The recorded rate and shares."""
    phases = [(330, 0.0), (60, 0.0), (25, 0.0), (5, 0.0)]
    shares = rng.uniform(0.02, 0.4, 4)
    rates = rng.integers(100, 900, 4).astype(float)
    good: list[Phase] = [(phases[i][0], rates[i] * (1 - shares[i])) for i in range(4)]
    bad: list[Phase] = [(phases[i][0], rates[i] * shares[i]) for i in range(4)]
    play = Play("changing errors")
    healthy(play, 420)
    play.requests(PRICE, "200", *good)
    play.requests(PRICE, "500", *[(minutes, (step or 0) / 2) for minutes, step in bad])
    for route, status, method in ((BATCH, "502", "POST"), (SEGMENT, "503", "POST"), (LOADED, "504", "GET")):
        steps = [(minutes, (step or 0) / 6) for minutes, step in bad]
        play.requests(route, status, *steps, instance="b", method=method)
    play.requests(PRICE, "422", (420, 30.0))
    play.requests("/livez", "200", (420, 3_000.0))
    for route, status in (("/metrics", "200"), ("/", "200"), ("/docs", "200"), ("other", "404"), ("/readyz", "503")):
        play.requests(route, status, (420, 700.0))
    told = (
        "two instances, four paths of `/v1/` (one of them by GET), pages, probes and `/metrics`; a changing share is "
    )
    story = Story(play, f"{told}500, 502, 503 or 504")
    for name, window in WINDOWS.items():
        failed = play.risen(bad, window, 420)
        share = failed / (failed + play.risen(good, window, 420) + 30.0 * window)
        story.values.append(error_share(name, 420, share))
    total = (play.risen(good, 5, 420) + play.risen(bad, 5, 420) + 150.0) / 300
    story.values.append(("sum(job:prediction_requests:rate5m)", 420, total, "`job:prediction_requests:rate5m`"))
    for name in ("requests:rate5m", *(f"errors:ratio_rate{window}" for window in WINDOWS)):
        query = f'count(job:prediction_{name}{{job="predictions"}})'
        story.values.append((query, 420, 1.0, f"the number of series of `job:prediction_{name}` for the job"))
    story.help = (
        'Only `route=~"/v1/.+"` counts, by any method: probes come every few seconds and never fail, so '
        "they hide the errors of the others; pages, `/metrics` and paths that are not there are no predictions. "
        'Failed is `status=~"5.."`: 422 is '
        "the caller's mistake. Add up first, then divide: "
        "`sum by (job) (rate(…)) / sum by (job) (rate(…))`."
    )
    clean = Play("no error")
    healthy(clean, 90)
    clean.requests(PRICE, "200", (90, float(rng.integers(60, 600))))
    zero = Story(clean, "traffic without a single error")
    zero.values = [error_share(window, 60, 0.0) for window in WINDOWS]
    zero.help = (
        "A status that has never been seen has no series, and nothing divided by something is nothing: the graph has a "
        "hole. `(… or 0 * …)` makes it 0."
    )
    broken = Play("only errors")
    healthy(broken, 60)
    broken.requests(PRICE, "500", (60, float(rng.integers(60, 600))))
    whole = Story(broken, "every request fails, from the first one on")
    whole.values = [error_share(window, 50, 1.0) for window in WINDOWS]
    whole.help = "What went well has no series then. Count what failed, and not what is left of 1."
    return [story, zero, whole]


def error_share(window: str, minute: int, share: float) -> tuple[str, int, float, str]:
    """The recorded share of errors over a window, as a story wants it in a minute."""
    record = f"job:prediction_errors:ratio_rate{window}"
    return f"sum({record})", minute, share, f"`{record}`"


def fast(rng: np.random.Generator) -> list[Story]:
    """The alert for the night."""
    alert = "ErrorBudgetBurnsFast"
    share = float(rng.uniform(0.0725, 0.074))
    play = Play("many errors")
    healthy(play, 100)
    traffic(play, share, 100)
    play.requests("/livez", "200", (100, 6_000.0))
    many = Story(play, f"{share:.2%} of the predictions fail for 90 minutes, beside many good probes", [(alert, 90)])
    many.help = "14.4 times 0.005 is 7.2 %. Probes do not count."
    few = Play("some errors")
    healthy(few, 100)
    traffic(few, part := float(rng.uniform(0.0705, 0.0715)), 100)
    some = Story(few, f"{part:.2%} of the predictions fail for 90 minutes", [], [(alert, 90)])
    some.help = "14.4 times 0.005 is 7.2 %."
    ended = Play("errors that ended")
    healthy(ended, 200)
    ended.requests(PRICE, "200", (120, 600.0), (10, 0.0), (70, 600.0))
    ended.requests(PRICE, "500", (120, 0.0), (10, 600.0), (70, 0.0))
    over = Story(ended, "all predictions fail for 10 minutes; then all is well", [(alert, 129)], [(alert, 150)])
    over.help = (
        "The long window still has the errors. `and` the short one: it says whether they go on. Both need the same "
        "threshold, and `for` may not be longer than the whole trouble."
    )
    burst = Play("a burst")
    healthy(burst, 200)
    burst.requests(PRICE, "200", (120, 600.0), (4, 0.0), (76, 600.0))
    burst.requests(PRICE, "500", (120, 0.0), (4, 600.0), (76, 0.0))
    short = Story(burst, "all predictions fail for 4 minutes", [], [(alert, minute) for minute in (122, 124, 126, 128)])
    short.help = "Four minutes of 60 are 6.7 % of the hour: the long window keeps a hiccup from ringing."
    better = Play("fewer errors")
    healthy(better, 200)
    better.requests(PRICE, "200", (90, 480.0), (110, 600.0 * (1 - part)))
    better.requests(PRICE, "500", (90, 120.0), (110, 600.0 * part))
    eased = Story(better, f"a fifth fails for 90 minutes, then {part:.2%}", [(alert, 88)], [(alert, 100)])
    eased.help = "Both windows need the same threshold, 14.4 times 0.005."
    return [many, some, over, short, eased]


def slow(rng: np.random.Generator) -> list[Story]:
    """The alert for the morning."""
    alert = "ErrorBudgetBurnsSlowly"
    share = float(rng.uniform(0.0303, 0.031))
    play = Play("some errors for hours", every=300)
    healthy(play, 460)
    traffic(play, share, 460)
    some = Story(play, f"{share:.2%} of the predictions fail for 7 hours", [(alert, 440)])
    some.help = "6 times 0.005 is 3 %."
    few = Play("few errors for hours", every=300)
    healthy(few, 460)
    traffic(few, part := float(rng.uniform(0.029, 0.0297)), 460)
    little = Story(few, f"{part:.2%} of the predictions fail for 7 hours", [], [(alert, 440)])
    ended = Play("hours of errors that ended", every=300)
    healthy(ended, 460)
    ended.requests(PRICE, "200", (300, 500.0), (160, 600.0))
    ended.requests(PRICE, "500", (300, 100.0), (160, 0.0))
    over = Story(ended, "a sixth of the predictions fail for 5 hours; then all is well", [(alert, 290)], [(alert, 350)])
    over.help = "`and` the window of 30 minutes: it says whether the errors go on."
    better = Play("fewer errors after hours", every=300)
    healthy(better, 460)
    better.requests(PRICE, "200", (300, 500.0), (160, 600.0 * (1 - part)))
    better.requests(PRICE, "500", (300, 100.0), (160, 600.0 * part))
    eased = Story(better, f"a sixth fails for 5 hours, then {part:.2%}", [(alert, 290)], [(alert, 350)])
    eased.help = "Both windows need the same threshold, 6 times 0.005."
    burst = Play("a quarter of an hour", every=300)
    healthy(burst, 460)
    burst.requests(PRICE, "200", (370, 600.0), (15, 240.0), (75, 600.0))
    burst.requests(PRICE, "500", (370, 0.0), (15, 360.0), (75, 0.0))
    short = Story(burst, "three of five predictions fail for a quarter of an hour")
    short.silent = [(alert, minute) for minute in (385, 390, 400)]
    short.help = "That is 2.5 % of six hours: the long window keeps it from ringing."
    return [some, little, over, eased, short]


def durations(play: Play, route: str, instance: str, shares: dict[float, float], *phases: Phase) -> None:
    """Requests to a route in each minute, and which share of them lies in the bucket that ends at …"""
    labels = {"job": "predictions", "instance": instance, "method": "POST", "route": route}
    below = 0.0
    for end in BUCKETS:
        below += shares.get(end, 0.0)
        steps = [(minutes, None if step is None else step * below) for minutes, step in phases]
        play.counter("http_request_duration_seconds_bucket", *steps, **labels, le=f"{end:g}")
    play.counter("http_request_duration_seconds_bucket", *phases, **labels, le="+Inf")
    play.counter("http_request_duration_seconds_count", *phases, **labels)
    seconds = sum(0.9 * end * share for end, share in shares.items())
    steps = [(minutes, None if step is None else step * seconds) for minutes, step in phases]
    play.counter("http_request_duration_seconds_sum", *steps, **labels)


def quantiles(rng: np.random.Generator) -> list[Story]:
    """The recorded quantile."""
    slow_share = float(rng.uniform(0.02, 0.04))
    play = Play("two routes")
    healthy(play, 60)
    few = float(rng.integers(20, 60))
    many = 99 * float(rng.integers(21, 40)) + float(rng.integers(1, 99))  # a hundredth of all is not exactly `few`
    durations(play, PRICE, "a", {0.01: 1 - slow_share, 0.5: slow_share}, (60, many))
    durations(play, FLOWER, "b", {2.5: 1.0}, (60, few))
    durations(play, "/livez", "a", {0.005: 1.0}, (60, 60_000.0))
    for route in ("/metrics", "/", "other"):
        durations(play, route, "a", {0.05: 1.0}, (60, 9_000.0))
    total = many + few
    counts = {end: 0.0 for end in BUCKETS}
    for end in BUCKETS:
        counts[end] = (many * (1 - slow_share) if end >= 0.01 else 0) + (many * slow_share if end >= 0.5 else 0)
        counts[end] += few if end >= 2.5 else 0
    value = interpolated(0.99, counts, total)
    story = Story(play, "one busy route that is fast, a quiet one that is slow, pages, probes and `/metrics`")
    name = "`job:prediction_duration_seconds:p99_5m`"
    story.values = [("sum(job:prediction_duration_seconds:p99_5m)", 50, value, name)]
    query = 'count(job:prediction_duration_seconds:p99_5m{job="predictions"})'
    story.values.append((query, 50, 1.0, "the number of series for the job"))
    story.help = '`histogram_quantile(0.99, sum by (job, le) (rate(…_bucket{route=~"/v1/.+"}[5m])))`'
    turned = Play("slow by turns")
    healthy(turned, 60)
    share = float(rng.uniform(0.3, 0.6))
    durations(turned, SEGMENT, "a", {0.01: 1.0}, (50, 600.0), (4, 600.0 * (1 - share)), (6, 600.0))
    of_slow: list[Phase] = [(50, 0.0), (4, 600.0 * share), (6, 0.0)]
    durations(turned, SEGMENT, "b", {0.5: 1.0}, *of_slow)
    other = Story(turned, f"{share:.0%} of the answers take up to half a second for 4 minutes, all others are fast")
    for minute in (55, 58):  # four of the five minutes before are slow ones, and one
        slow = turned.risen(of_slow, 5, minute)
        counts = {end: 3_000 if end >= 0.5 else 3_000 - slow if end >= 0.01 else 0 for end in BUCKETS}
        value = interpolated(0.99, counts, 3_000)
        other.values.append(("sum(job:prediction_duration_seconds:p99_5m)", minute, value, name))
    other.help = "Look at the answers of the last 5 minutes, no more and no less."
    return [story, other]


def interpolated(share: float, counts: dict[float, float], total: float) -> float:
    """What `histogram_quantile` makes of buckets."""
    low = before = 0.0
    for end, count in counts.items():
        if count >= share * total:
            return low + (end - low) * (share * total - before) / (count - before)
        low, before = end, count
    return low


def latencies(rng: np.random.Generator) -> list[Story]:
    """Slow answers."""
    alert = "AnswersSlow"
    share = float(rng.uniform(0.02, 0.05))
    play = Play("a few slow answers")
    healthy(play, 60)
    durations(play, PRICE, "a", {0.01: 1 - share, 1.0: share}, (60, 900.0))
    story = Story(play, f"{share:.1%} of the answers take up to a second, all others some milliseconds", [(alert, 16)])
    story.help = "Their average is some 50 ms, and looks fine. It rings after 10 minutes: `for: 10m`."
    little = float(rng.uniform(0.012, 0.016))
    edge = Play("a little too slow")
    healthy(edge, 60)
    durations(edge, PRICE, "a", {0.01: 1 - little, 0.25: little}, (60, 900.0))
    late = Story(edge, f"{little:.1%} of the answers take 0.15 to 0.25 s, all others some milliseconds", [(alert, 30)])
    late.help = "99 of 100 are to come within 0.15 s."
    fine = Play("fast answers")
    healthy(fine, 60)
    durations(fine, PRICE, "a", {0.025: 0.9, 0.15: 0.1}, (60, 900.0))
    silent = Story(fine, "all answers come within 0.15 s", [], [(alert, 50)])
    short = Play("slow for a moment")
    healthy(short, 90)
    durations(short, PRICE, "a", {0.01: 1.0}, (60, 900.0), (4, 0.0), (26, 900.0))
    durations(short, PRICE, "b", {1.0: 1.0}, (60, 0.0), (4, 900.0), (26, 0.0))
    moment = Story(short, "all answers are slow for 4 minutes")
    moment.silent = [(alert, minute) for minute in (62, 64, 66, 67, 68)]
    moment.help = "It should ring after 10 minutes: `for: 10m`."
    return [story, late, silent, moment]


def no_traffic(rng: np.random.Generator) -> list[Story]:
    """Nobody asks any more."""
    alert, rate = "NoTraffic", float(rng.integers(60, 600))
    stopped = Play("traffic stops", every=SCRAPED)
    healthy(stopped, 120)
    stopped.requests(PRICE, "200", (60, rate), (60, 0.0))
    stopped.requests("/livez", "200", (120, 12.0))
    stops = Story(stopped, "after an hour nobody asks for a prediction; probes go on", [(alert, 85)], [(alert, 58)])
    gone = Play("series are gone", every=SCRAPED)
    gone.requests(PRICE, "200", (60, rate), (60, None))
    gone.gauge("up", (60, 1.0), (60, None), job="predictions", instance="a")
    vanish = Story(gone, "after an hour the series of the service are gone", [(alert, 100)])
    vanish.help = "Nothing compared with 0 is nothing. `or absent(…)`"
    fresh = Play("a new service that nobody asks", every=SCRAPED)
    fresh.gauge("up", (120, 1.0), job="predictions", instance="a")
    fresh.requests("/livez", "200", (120, 12.0))
    unasked = Story(fresh, "the service runs, and there is no series of a prediction yet", [(alert, 40)])
    unasked.help = "`absent(…)` asks for the series that is compared with 0, and not for `up`."
    pause = Play("a short pause", every=SCRAPED)
    healthy(pause, 120)
    pause.requests(PRICE, "200", (60, rate), (12, 0.0), (48, rate))
    short = Story(pause, "nobody asks for 12 minutes", [], [(alert, minute) for minute in (66, 70, 72, 74)])
    short.help = "It should ring after a quarter of an hour: `for`, and the window of the rate before it."
    seldom = Play("little traffic", every=SCRAPED)
    healthy(seldom, 120)
    seldom.requests(PRICE, "200", (20, rate), (100, 0.0))
    seldom.requests(PRICE, "503", *[(1, float(minute % 2)) for minute in range(120)])
    told = "after 20 minutes there is one request in two minutes, and each fails"
    little = Story(seldom, told, [], [(alert, 60), (alert, 110)])
    little.help = "Little traffic is traffic: nights are quiet. So are requests that fail. No request is a rate of 0."
    return [stops, vanish, unasked, short, little]


def down(rng: np.random.Generator) -> list[Story]:
    """The service is gone."""
    alert = "ServiceDown"
    minute = int(rng.integers(30, 50))
    dead = Play("the service is down")
    dead.gauge("up", (minute, 1.0), (30, 0.0), job="predictions", instance="a")
    dead.gauge("up", (90, 1.0), job="other", instance="a")
    died = Story(dead, "the service cannot be scraped any more", [(alert, minute + 10)], [(alert, minute - 2)])
    gone = Play("the job is gone")
    gone.gauge("up", (minute, 1.0), (60, None), job="predictions", instance="a")
    gone.gauge("up", (120, 1.0), job="other", instance="a")
    lost = Story(gone, "nobody scrapes the job `predictions` any more", [(alert, minute + 20)])
    lost.help = 'There is no `up` of that job then, and nothing == 0 is nothing. `or absent(up{job="predictions"})`'
    once = Play("one bad scrape")
    once.gauge("up", (minute, 1.0), (1, 0.0), (30, 1.0), job="predictions", instance="a")
    bad = Story(once, "one scrape fails, the next one is good", [], [(alert, minute + late) for late in (0, 1, 2)])
    other = Play("another job is down")
    healthy(other, 60)
    other.gauge("up", (60, 0.0), job="drift", instance="a")
    strange = Story(other, "another job is down, the service is not", [], [(alert, 50)])
    strange.help = 'Ask for the job: `up{job="predictions"}`.'
    return [died, lost, bad, strange]


def stale(rng: np.random.Generator) -> list[Story]:
    """An old model."""
    alert, metric = "ModelStale", "model_trained_timestamp_seconds"
    old, young = float(rng.integers(46, 52)), float(rng.integers(38, 45))
    labels = {"job": "predictions", "instance": "a", "model": "house_price"}
    aged = Play("an old model", every=300)
    healthy(aged, 200)
    aged.gauge(metric, (200, -old * DAY), **labels, version="one")
    rings = Story(aged, f"the only version of a model is {old:.0f} days old", [(alert, 150)])
    fresh = Play("a young model", every=300)
    healthy(fresh, 200)
    fresh.gauge(metric, (200, -old * DAY), **labels, version="one")
    fresh.gauge(metric, (200, -young * DAY), **labels, version="two")
    fresh.gauge(metric, (200, -old * DAY), **{**labels, "instance": "b"}, version="one")
    told = f"one version is {old:.0f} days old, a newer one {young:.0f}; another instance has the old one alone"
    silent = Story(fresh, told, [], [(alert, 150)])
    silent.help = "`max by (job, model)`: the newest version counts, wherever it runs."
    other = Play("another model is old", every=300)
    healthy(other, 200)
    other.gauge(metric, (200, -young * DAY), **labels, version="two")
    other.gauge(metric, (200, -old * DAY), **{**labels, "model": "iris"}, version="one")
    both = Story(other, f"the model `iris` is {old:.0f} days old, another model {young:.0f}", [(alert, 150)])
    both.help = "By model: a young one does not make another one young."
    return [rings, silent, both]


def drift(rng: np.random.Generator) -> list[Story]:
    """A feature that moves."""
    alert, metric = "FeatureDrift", "feature_drift_score"
    high, low = float(rng.uniform(0.202, 0.209)), float(rng.uniform(0.191, 0.198))
    features = ["sqft_living", "grade", "lat", "yr_built", "floors"]
    moved = [str(name) for name in rng.choice(features, 2, replace=False)]

    def scores(play: Play, *phases: Phase) -> None:
        healthy(play, 200)
        for name in features:
            play.gauge(metric, *(phases if name in moved else [(200, low)]), job="drift", feature=name)

    one = Play("one feature moves", every=300)
    scores(one, (200, high))
    told = f"the score of {' and '.join(moved)} is {high:.3f}, that of the others {low:.3f}"
    rings = Story(one, told, [(alert, 80)])
    rings.values = [(f'count(ALERTS{{alertname="{alert}",feature="{name}",alertstate="firing"}})', 80, 1.0,
                     f"the number of alerts that name `{name}`") for name in moved]  # fmt: skip
    rings.help = "The mean of all features hides those that moved. Keep the label: who is woken wants to know which."
    calm = Play("nothing moves", every=300)
    scores(calm, (200, low))
    silent = Story(calm, f"the score of every feature is {low:.3f}", [], [(alert, 150)])
    blip = Play("one odd report", every=300)
    scores(blip, (60, low), (55, high), (85, low))
    short = Story(
        blip, f"for 55 minutes the score is {high:.3f}, then {low:.3f} again", [], [(alert, 85), (alert, 110)]
    )
    short.help = "`for: 1h`: a few odd reports are no trend."
    return [rings, silent, short]


SUBJECTS = {
    "ratio": ratios,
    "fast": fast,
    "slow": slow,
    "quantile": quantiles,
    "latency": latencies,
    "traffic": no_traffic,
    "down": down,
    "stale": stale,
    "drift": drift,
}
