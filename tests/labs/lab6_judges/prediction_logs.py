"""Judgements of 6.8: one line for each price, nobody is named in it, and late labels find their prediction."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
from lab2_judges.services import FOLDER as MODELS
from lab2_judges.services import ask, typical

from lab6_judges.scrapes import BATCH, PRICE, Monitored, draw
from labkit.checking.service import Answer, Service
from labkit.checks import LabHandle, expect, fail

FIELDS = ("event", "time", "prediction_id", "version", "arm", "price", "zipcode")
COLUMNS = FIELDS[1:]
LATE = 2.0
ID_HEADERS = ("X-Request-ID", "X-Prediction-ID", "X-Correlation-ID", "X-Trace-ID", "Traceparent", "Idempotency-Key")
"""Where callers put an id of theirs."""
_NO_LABEL = "On the first days nothing is sold yet: a table of labels without a row is no error."


def lines_of(service: Service, answer: Answer, count: int = 1) -> list[dict[str, Any]]:
    """The lines about the prices of an answer, in their order; `count` of them are waited for."""
    name = answer.headers.get("x-prediction-id", "")
    if not name:
        fail(
            expected=f"the answer of {answer.asked} has the header `X-Prediction-ID`",
            found="no such header",
            help="The caller needs the id: it comes back weeks later, with what was paid.",
        )
    if answer.media_type != "application/json":
        fail(
            expected=f"the answer of {answer.asked} has `X-Prediction-ID` beside the headers of before",
            found=f"the content type is {answer.media_type or 'gone'}",
            help="`[*message['headers'], (name, value)]`: the headers of the answer stay.",
        )
    service.wait_for_output(f"{name}-{count - 1}", LATE)
    found = []
    for line in service.output().splitlines():
        if name in line and '"prediction"' in line:
            try:
                found.append(json.loads(line))
            except ValueError:
                fail(expected="each prediction is one line of JSON", found=f"`{line[:160]}`")
            if not isinstance(found[-1], dict):
                fail(
                    expected="each prediction is a line of its own, a JSON object", found=f"`{line[:160]}`",
                    help="Whoever collects the log takes line by line, and looks for fields in each.",
                )  # fmt: skip
    if not found:
        near = [line for line in service.output().splitlines() if name in line]
        fail(
            expected=f'a line with `"event": "prediction"` and the id `{name}` on stdout',
            found=f"`{near[0][:160]}`" if near else "no line has that id",
            help="One line for each house, without line breaks in it: whoever collects the log takes line by line.",
        )
    return found


def judge_single(at: Monitored, rng: np.random.Generator) -> None:
    """Each price is one line with what it was."""
    ids = set()
    houses = at.houses(rng, 2)
    for house in [*houses, houses[0]]:
        before = datetime.now(UTC)
        answer = at.service.post(PRICE, house).expect(200)
        (line,) = judge_lines(at, answer, [house])
        name = line["prediction_id"]
        if name in ids:
            fail(
                expected="each request has an id of its own, also one for the same house again",
                found=f"`{name}` twice",
                help="`uuid.uuid4().hex` is made anew. What is computed from the house names the house.",
            )
        ids.add(name)
        judge_time(line["time"], before)


def judge_time(value: object, before: datetime) -> None:
    """The time of a line is UTC, and now."""
    text = expect.text(value, "`time`")
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        fail(expected="`time` is a time in ISO 8601", found=text)
    if when.tzinfo is None or when.utcoffset() != timedelta(0):
        fail(
            expected="`time` says that it is UTC: `+00:00` or `Z`", found=text,
            help="A time without a zone is read in the zone of whoever reads it. `datetime.now(UTC).isoformat()`",
        )  # fmt: skip
    if not timedelta(seconds=-2) <= when - before <= timedelta(seconds=60):
        fail(expected=f"`time` is when the price was given, {before.isoformat()}", found=text)


def judge_lines(at: Monitored, answer: Answer, houses: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The lines of an answer are about these houses, in their order."""
    found = lines_of(at.service, answer, len(houses))
    if len(found) != len(houses):
        fail(
            expected=f"{len(houses)} lines for {len(houses)} houses",
            found=f"{len(found)}",
            help="Each house of a batch is a prediction, and will be sold for a price of its own.",
        )
    name = answer.headers["x-prediction-id"]
    prices = at.models.prices(houses)
    for place, (line, house) in enumerate(zip(found, houses, strict=True)):
        if set(line) != set(FIELDS):
            more, less = sorted(set(line) - set(FIELDS)), sorted(set(FIELDS) - set(line))
            fail(
                expected=f"a line has {', '.join(FIELDS)}, and nothing more",
                found="; ".join(
                    [*([f"also {', '.join(more)}"] if more else []), *([f"no {', '.join(less)}"] if less else [])]
                ),
                help="Place, size and year name one house, and so its owner. A log lies in many places, for years."
                if more
                else "",
            )
        wanted = {
            "event": "prediction", "prediction_id": f"{name}-{place}", "version": at.version, "arm": at.arm,
            "zipcode": house["zipcode"],
        }  # fmt: skip
        for key, value in wanted.items():
            if line[key] != value and not (key == "zipcode" and line[key] == str(value)):
                fail(
                    expected=f"`{key}` of house {place} is {value!r}", found=expect.shown(line[key]),
                    help="The id of the request, `-`, and the place of the house in it."
                    if key == "prediction_id" else "",
                )  # fmt: skip
        found_price = expect.number(line["price"], "`price`")
        expect.close(found_price, float(prices[place]), f"`price` of house {place} in USD", rel=1e-6, abs=0.51)
    return found


def judge_batch(at: Monitored, rng: np.random.Generator) -> None:
    """Each house of a batch is a line, with an id of its own."""
    houses = at.houses(rng, int(rng.integers(5, 12)))
    judge_lines(at, at.service.post(BATCH, {"houses": houses}).expect(200), houses)


def judge_nobody_is_named(at: Monitored, rng: np.random.Generator) -> None:
    """No line has what a caller sent as an id, nor what names a house."""
    # Digits so long that they stand in no id, time or price by chance.
    lot, lat, long = rng.integers(1_000_000, 9_000_000), *rng.integers(20_000, 60_000, 2) * 10 + 7
    house = at.houses(rng, 1)[0] | {"sqft_lot": int(lot), "lat": float(f"47.{lat}"), "long": float(f"-122.{long}")}
    for mine in (f"kim.{rng.integers(10**6)}@example.com", rng.bytes(16).hex()):
        answer = at.service.request("POST", PRICE, json=house, headers=dict.fromkeys(ID_HEADERS, mine))
        text = json.dumps(lines_of(at.service, answer.expect(200)))
        if mine in text or mine in answer.headers.get("x-prediction-id", ""):
            fail(
                expected="the id of a prediction is made up by the service",
                found=f"`{mine}`, as the caller sent it in a header",
                help="A caller may send anything as an id: a name, an address, the same twice. `uuid.uuid4().hex`",
            )
    for key in ("lat", "long", "sqft_lot"):
        if str(house[key]) in text:
            fail(expected=f"no line has the `{key}` of a house", found=str(house[key]))


def judge_two_processes(*labs: LabHandle) -> None:
    """Two processes make other ids; without `$MODEL_ARM` the arm is the champion."""
    both = [expect.pair(lab.make("mlops_probes.monitoring:log_two_at_a_time"), "lines and ids") for lab in labs]
    first, second = (set(ids) for _, ids in both)
    if first & second:
        fail(
            expected="ids that another process, or the same one after a restart, does not make again",
            found=expect.shown(sorted(first & second)),
            help="A counter begins again with each process. `uuid.uuid4().hex`",
        )
    arm = json.loads(both[0][0][0]).get("arm")
    expect.that(arm == "champion", expected="the arm `champion`, where `$MODEL_ARM` is not set", found=arm)


def judge_two_at_a_time(lab: LabHandle) -> None:
    """Two requests at a time have ids of their own; lines go through `write`, with the version that is served."""
    made = lab.make("mlops_probes.monitoring:log_two_at_a_time", doing="`log_predictions(app, write)`")
    lines, ids = expect.pair(made, "lines and ids")
    if len(lines) != 3:
        fail(
            expected="3 lines through `write`, for 3 houses", found=f"{len(lines)}",
            help="`log_predictions(app, write)`: whoever calls it says where the lines go.",
        )  # fmt: skip
    for line in map(json.loads, lines):
        zipcode = str(line["zipcode"])
        if line["prediction_id"] != (wanted := f"{ids[int(zipcode) - 1]}-0"):
            fail(
                expected=f"the id of the request for zipcode {zipcode}, `{wanted}`",
                found=line["prediction_id"],
                help="Two requests are answered at a time: what one keeps in a variable that all share, the other "
                "overwrites. A `ContextVar` belongs to one request.",
            )
        version = "second" if zipcode == "3" else "first"
        if line["version"] != version:
            fail(
                expected=f"the version that is served now, `{version}`", found=line["version"],
                help="Models are exchanged while the service runs (week 4): ask for the version at each price.",
            )  # fmt: skip
    if again := len(ids) - len(set(ids)):
        fail(
            expected=f"{len(ids)} requests within a moment have {len(ids)} ids", found=f"{again} have one of another's",
            help="Two requests come within a millisecond: a time is no id. `uuid.uuid4().hex`",
        )  # fmt: skip


def judge_without_price(lab: LabHandle, rng: np.random.Generator) -> None:
    """Where no price was given, there is neither a line nor an id."""
    models, *_ = draw(rng, error="broken")
    for path, data in models.files.items():
        lab.write_bytes(f"{MODELS}/{path}", data)
    with lab.serve("service:create_app", MODELS_DIR=MODELS) as service:
        ask(service, "house_price", typical("house_price")).expect(500)
        answers = [
            service.post(PRICE, typical("house_price")).expect(500),
            service.post(PRICE, {"bedrooms": "many"}).expect(422),
            service.get("/livez").expect(200),
            service.post("/v1/iris", typical("iris")).expect(200),
        ]
        for answer in answers:
            if "x-prediction-id" in answer.headers:
                fail(expected=f"{answer.asked} (status {answer.status}) has no `X-Prediction-ID`", found="it has one")
        lines = [line for line in service.output().splitlines() if '"event": "prediction"' in line]
        expect.that(not lines, expected="no line where no price was given", found=f"`{(lines or [''])[0][:160]}`")


def drawn_log(rng: np.random.Generator, count: int) -> tuple[list[str], pd.DataFrame]:
    """A log with predictions, and what it has of them."""
    start = datetime(2025, 3, 1, tzinfo=UTC)
    requests = rng.integers(16**12, size=count)  # of two houses each
    rows = [
        {
            "event": "prediction",
            "time": (start + timedelta(seconds=float(rng.integers(10**6)), milliseconds=place % 3)).isoformat(),
            "prediction_id": f"{requests[place // 2]:012x}-{place % 2}",
            "version": f"v{rng.integers(3)}",
            "arm": "champion",
            "price": float(np.round(rng.uniform(1e5, 9e5), 2)),
            "zipcode": int(rng.integers(98_000, 98_200)),
        }
        for place in range(count)
    ]
    lines = [
        json.dumps(row | {"time": str(row["time"]).replace("+00:00", "Z") if place % 4 == 1 else row["time"]})
        for place, row in enumerate(rows)
    ]
    table = pd.DataFrame(rows)[list(COLUMNS)]
    return lines, table.assign(time=pd.to_datetime(table["time"], format="ISO8601", utc=True))


def judge_reading(lab: LabHandle, rng: np.random.Generator) -> None:
    """A log with other lines, broken ones and double ones gives each prediction once."""
    lines, wanted = drawn_log(rng, 12)
    others = [
        '{"level": "INFO", "message": "request", "path": "/livez"}',
        '{"event": "request", "prediction_id": "0a1b2c-0", "path": "/v1/house-price", "status": 200}',
        "INFO:     Uvicorn running",
        "",
        "[1, 2]",
        "7",
        "null",
        '"the text of an event: prediction"',
    ]
    mixed = [*lines[:4], *others, lines[2], *lines[4:], lines[5], lines[-1][:40]]
    found = expect.frame(lab.logs.read_predictions(mixed), "what `read_predictions` returns", columns=COLUMNS)
    if len(found) != len(wanted):
        ids = list(found["prediction_id"])
        fail(
            expected=f"{len(wanted)} predictions, each once",
            found=f"{len(ids)}, of which {len(ids) - len(set(map(str, ids)))} twice",
            help="Whoever collects logs delivers a line again when unsure: at least once. The id tells.",
        )
    if list(found["prediction_id"]) != list(wanted["prediction_id"]):
        fail(expected="the predictions in the order of their lines", found="another order")
    if list(found.columns) != list(COLUMNS):
        fail(expected=f"the columns {', '.join(COLUMNS)}", found=", ".join(map(str, found.columns)))
    if not isinstance(found["time"].dtype, pd.DatetimeTZDtype) or str(found["time"].dt.tz) not in ("UTC", "+00:00"):
        fail(expected="`time` is a datetime in UTC", found=str(found["time"].dtype))
    for key in COLUMNS:
        if list(found[key]) != list(wanted[key]):
            fail(expected=f"`{key}` as it stands in the lines", found=expect.shown(list(found[key])[:3]))
    for log, what in ((others, "a log without predictions"), ([], "a log without a line")):
        empty = expect.frame(lab.logs.read_predictions(log), what, columns=COLUMNS)
        expect.that(len(empty) == 0, expected=f"no row for {what}", found=len(empty))


def judge_joining(lab: LabHandle, rng: np.random.Generator) -> None:
    """Late labels find their prediction by id; the last report counts; what has no label stays."""
    _, table = drawn_log(rng, 40)
    table.index = pd.Index(rng.permutation(1_000)[:40])
    start = pd.Timestamp("2025-05-01")
    known = rng.permutation(40)[:25]
    first = pd.DataFrame(
        {
            "prediction_id": table["prediction_id"].iloc[known].to_numpy(),
            "price": np.round(rng.uniform(1e5, 9e5, 25)),
            "reported_at": start + pd.to_timedelta(rng.permutation(2_000)[:25], unit="h"),
        }
    )
    again = first.head(6).assign(
        price=lambda frame: frame["price"] + [1_000.0, -1_000.0] * 3,
        reported_at=lambda frame: frame["reported_at"] + pd.Timedelta("9D"),
    )
    third = again[2:4].assign(
        price=lambda frame: frame["price"] - 300.0,
        reported_at=lambda frame: frame["reported_at"] + pd.Timedelta("5D"),
    )
    strangers = first.head(5).assign(prediction_id=[f"stranger-{place}" for place in range(5)])
    # One correction stands before everything, one after it.
    mixed = pd.concat([again[2:], third, first, strangers]).sample(frac=1, random_state=rng)
    labels = pd.concat([again[:1], mixed, again[1:2]]).reset_index(drop=True)
    (found, given) = expect.pair(
        lab.make(
            "mlops_probes.prepare:call", "lab6_monitoring.logs:join_labels", table, labels, doing="`join_labels(…)`"
        ),
        "the answer",
    )
    found = expect.frame(found, "what `join_labels` returns", columns=(*COLUMNS, "paid", "reported_at"))
    if len(found) != len(table):
        fail(
            expected=f"{len(table)} rows, one for each prediction",
            found=f"{len(found)}",
            help="Fewer: those without a label were dropped, and with them every house that is sold late. More: a sale "
            "that was reported twice makes two rows.",
        )
    more = sorted(set(map(str, found.columns)) - {*COLUMNS, "paid", "reported_at"})
    expect.that(not more, expected="two more columns, `paid` and `reported_at`", found=f"also {', '.join(more)}")
    if list(found.index) != list(table.index) or list(found["prediction_id"]) != list(table["prediction_id"]):
        fail(
            expected="rows, order and index of the predictions",
            found="other ones",
            help="`merge` numbers the rows anew: put the index of `predictions` back.",
        )
    last = pd.concat([first, again, third]).drop_duplicates("prediction_id", keep="last").set_index("prediction_id")
    for key, source in (("paid", "price"), ("reported_at", "reported_at")):
        wanted = table["prediction_id"].map(last[source])
        early = dict(zip(first["prediction_id"], first[source], strict=True))
        wrong = [
            (name, have, want)
            for name, have, want in zip(table["prediction_id"], found[key], wanted, strict=True)
            if pd.isna(want) != pd.isna(have) or (not pd.isna(want) and have != want)
        ]
        reports = labels.groupby("prediction_id")[source].agg(set)
        for name, have, want in wrong[:1]:
            other = "Labels come in any order, and not for all. Only the id says which is which: not the place."
            if not pd.isna(want) and have in reports[name]:
                other = "That is another report of this sale. The last one counts, by `reported_at`."
            fail(
                expected=f"`{key}` of `{name}` is {'missing' if pd.isna(want) else want}",
                found=f"{have}",
                help="That is the first report. The sale was reported again, to correct it."
                if all(early.get(one) == told for one, told, _ in wrong)
                else other,
            )
    frames = expect.pair(given, "the arguments")
    if not all(
        isinstance(one, pd.DataFrame) and one.equals(old) for one, old in zip(frames, (table, labels), strict=True)
    ):
        fail(expected="the tables that were given are as before", found="one of them was changed")
    early_answer = lab.logs.join_labels(table, labels.head(0))
    nothing = expect.frame(early_answer, "the answer without a label", columns=("paid", "reported_at"), rows=40,
                           help=_NO_LABEL)  # fmt: skip
    expect.that(
        bool(nothing[["paid", "reported_at"]].isna().all(axis=None)),
        expected="`paid` and `reported_at` are missing where there is no label",
        found="there are values",
        help=_NO_LABEL,
    )
