"""Judgements of 5.5: many months, resumed after a kill; what is due when; the deployment and its schedule."""

from __future__ import annotations

import re
import time
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from lab5_judges import months
from lab5_judges.months import month_in
from lab5_judges.prefect_api import Prefect
from lab5_judges.world import Run, World
from labkit.checks import LabHandle, expect, fail

PROBE = "mlops_probes.flows"
SEATTLE = ZoneInfo("America/Los_Angeles")
BUG = "a bug of our own"
PATIENCE = 40.0
"""Seconds that a deployment may take to be known to the server."""


def killed(world: World) -> int:
    """Three months land; a backfill is killed before the training of the second. Comes before anything else."""

    def make() -> int:
        for month in world.months[:3]:
            world.land(month, world.draw(month))
        target = f"{world.lab._package}.flow:backfill"
        first, last = world.months[0], world.months[2]
        ended = world.stage.in_child(target, 2, first, last, landing=world.landing, warehouse=world.warehouse)
        expect.that(
            ended == -9,
            expected=f"a backfill of three months, {first} to {last}, begins its second training, where it is killed",
            found="it ended well before that" if ended == 0 else f"it failed before that (exit {ended})",
            help="`monthly` for each month, one after the other, the oldest first.",
        )
        return int(ended)

    found: int = world.once("killed", make)
    return found


def resumed(world: World) -> Run:
    """The same backfill again."""
    killed(world)

    def make() -> Run:
        run = backfill(world, world.months[0], world.months[2])
        if run.error:
            fail(expected="a backfill that was killed is resumed by running it again", found=run.told)
        return run

    found: Run = world.once("resumed", make)
    return found


def backfill(world: World, first: str, last: str) -> Run:
    """Run a backfill."""
    target = f"{world.lab._package}.flow:backfill"
    return world.watch("backfill", target, first, last, landing=world.landing, warehouse=world.warehouse)


def judge_resumed(world: World) -> None:
    """All months, nothing twice, nothing lost."""
    run, months = resumed(world), world.months[:3]
    answer = run.answer
    expect.that(isinstance(answer, dict), expected="`backfill` returns a dict: month → version", found=answer)
    expect.that(
        sorted(answer) == months,
        expected=f"a version for each of {', '.join(months)}: `last` is included",
        found=", ".join(map(str, answer)) or "none",
    )
    keys = world.query("select run_uuid, value from tags where key = 'pipeline.key'")
    month_of = {run_id: month_in(str(key)) for run_id, key in keys}
    made = sorted((month_of.get(run_id, "?"), version) for version, run_id in run.versions)
    expect.that(
        made == sorted(answer.items()),
        expected=f"one version for each month in the registry: {answer}",
        found=", ".join(f"{month}: version {version}" for month, version in made),
        help="What was done before the kill counts: `monthly` keeps its results and asks before it registers.",
    )
    expect.that(
        run.fits == 2,
        expected="two trainings: the first month was done before the kill, the second was not",
        found=f"{run.fits} trainings",
        help="Each month is trained on all months up to itself, so the oldest comes first, and one at a time."
        if run.fits > 2
        else "",
    )
    versions = [answer[month] for month in months]
    expect.that(versions == sorted(versions), expected="the oldest month first", found=answer)


def judge_dead(world: World) -> None:
    """Nothing is left that Prefect believes to be running."""
    resumed(world)
    for name in ("backfill", "monthly"):
        states = [run["state_type"] for run in world.prefect.flow_runs(name)]
        left = [state for state in states if state in ("RUNNING", "PENDING")]
        expect.that(
            not left,
            expected=f"no run of `{name}` is RUNNING at Prefect's server: the killed ones are CRASHED",
            found=f"{len(left)} of {len(states)}: {', '.join(left)}",
            help="Nobody tells Prefect of a `kill -9`. Who holds a month knows that its other runs are dead.",
        )
        expect.that("CRASHED" in states, expected=f"the killed run of `{name}` is CRASHED", found=", ".join(states))
    own = world.prefect.states(resumed(world).flow_run)
    expect.that(
        "CRASHED" not in own,
        expected="the backfill that ends the dead runs is not one of them",
        found=f"its own states: {', '.join(own)}",
        help="Leave the run of this very process out. The ids are of two kinds: `run.id` is a UUID, "
        "`runtime.flow_run.id` a text, and never equal to it.",
    )


def judge_living(world: World) -> None:
    """A month that somebody else runs at this moment is not told to have crashed."""
    resumed(world)
    month = world.months[0]
    parameters = {"month": month, "landing": world.landing, "warehouse": world.warehouse}
    living = world.prefect.add_run("monthly", parameters, "RUNNING")
    holding = world.lab.make(f"{PROBE}:Holding", f"{world.lab._package}.flow:one_run", month, world.warehouse)
    try:
        run = backfill(world, month, month)
        state = next(one["state_type"] for one in world.prefect.flow_runs("monthly") if one["id"] == living)
    finally:
        holding.stop()
        world.prefect.forget_run(living)
    expect.that(
        state == "RUNNING",
        expected=f"while somebody else holds {month}, his run of `monthly` stays RUNNING",
        found=state,
        help="First take the right to run the month (`one_run`): only who holds it knows that nobody else does.",
    )
    expect.that(
        run.error is not None and run.error[0] == "MonthRefused" and month in run.error[1],
        expected=f"the backfill fails with MonthRefused and names {month}, which somebody else holds",
        found=run.told,
    )


def judge_bar(world: World, seen: list[float | None]) -> None:
    """The bar goes with the months."""
    run = resumed(world)
    bars = [one for one in world.prefect.artifacts(run.flow_run) if one["type"] == "progress"]
    expect.that(
        len(bars) == 1 and bars[0]["key"] == "backfill",
        expected="one progress artifact with the key `backfill` in the run",
        found=", ".join(f"{one['type']} `{one['key']}`" for one in bars) or "none",
        help="`create_progress_artifact(0.0, key=…)` gives an id; `update_progress_artifact(id, …)` moves it.",
    )
    expect.close(float(bars[0]["data"]), 100.0, "the bar at the end", abs=0.01)
    wanted = [100 / 3, 200 / 3]
    found = [value for value in seen if value is not None][-2:]
    expect.that(
        len(found) == 2 and all(abs(one - other) < 1 for one, other in zip(found, wanted, strict=True)),
        expected="while the second and the third month are trained, the bar is at 33 and at 67 of 100",
        found=", ".join(f"{one:.0f}" for one in found) or "no bar at that time",
        help="Move it after each month, in percent.",
    )


def bar_now(prefect: Prefect, flow_run: dict[str, Any] | None = None) -> float | None:
    """Where the newest bar stands at this moment, of one run or of all."""
    bars = [one for one in prefect.artifacts(flow_run) if one["type"] == "progress"]
    newest = max(bars, key=lambda one: str(one["created"]), default=None)
    return None if newest is None else float(newest["data"] or 0)


def judge_failed_month(world: World) -> None:
    """A month that fails is told at the end, and the months after it are run."""
    earlier = resumed(world)

    def make() -> Run:
        world.land(world.months[1], world.draw(world.months[1], bad=30))
        world.land(world.months[2], world.draw(world.months[2]).drop(columns="grade"))
        world.land(world.months[3], world.draw(world.months[3]))
        # A bug of our own comes first: not each failure is a ValueError.
        publish = f"{world.lab._package}.storage:publish"
        fault = world.lab.make(f"{PROBE}:Fault", publish, "TypeError", BUG, only=world.months[0])
        run = backfill(world, world.months[0], world.months[3])
        run.calls = int(fault.stop())
        return run

    # What is done in other warehouses is no business of ours.
    elsewhere = f"{world.lab.folder}/another"
    strangers = {
        name: world.prefect.add_run(name, {**parameters, "landing": world.landing, "warehouse": elsewhere}, "RUNNING")
        for name, parameters in (
            ("monthly", {"month": world.months[3]}),
            ("backfill", {"first": world.months[0], "last": world.months[3]}),
        )
    }
    try:
        run: Run = world.once("failed month", make)
        for name, stranger in strangers.items():
            state = next(one["state_type"] for one in world.prefect.flow_runs(name) if one["id"] == stranger)
            expect.that(
                state == "RUNNING",
                expected=f"a run of `{name}` in another warehouse stays RUNNING",
                found=state,
                help="The right to run a month is that of one warehouse: `end_dead_runs` gets `warehouse` as well.",
            )
    finally:
        for stranger in strangers.values():
            world.prefect.forget_run(stranger)
    bug, bad, odd, good = world.months[:4]
    expect.that(
        run.error is not None,
        expected=f"a backfill in which {bad} is refused fails",
        found=run.told,
        help="`return_state=True` gives a state for a failure, and no exception. Somebody has to look at it.",
    )
    assert run.error is not None
    expect.that(
        run.error[0] == "MonthRefused",
        expected="MonthRefused at the end, when all months were tried",
        found=run.told,
        help="Whatever a month fails with, be it a ContractError, it does not hold up the others.",
    )
    # "3 of 4 months from … to … failed" names the ends of the span as such.
    named = re.sub(rf"{bug}\W*(?:\w+\W+)?{good}", "", run.error[1])
    expect.that(
        bad in named and "share" in named and good not in named,
        expected=f"the reason names {bad}, with its reason, and no month that went well",
        found=run.error[1],
        help="One bad month must not hold up the others: note it, go on, and say at the end which failed, and why.",
    )
    expect.that(
        not run.calls or (bug in named and BUG in named),
        expected=f"the reason names {bug} as well, which failed with a TypeError: {BUG}",
        found=run.error[1],
    )
    expect.that(
        len(run.versions) > len(earlier.versions),
        expected=f"{good} is run all the same, and has its version",
        found="no new version",
        help="One bad month must not hold up the others: note it, go on, and fail at the end.",
    )
    at_the_end = bar_now(world.prefect, run.flow_run)
    expect.that(
        at_the_end is not None and abs(at_the_end - 100) < 0.01,
        expected="the bar is at 100 at the end, also where months have failed",
        found="no bar" if at_the_end is None else f"{at_the_end:.0f}",
        help="It counts the months that are over, well or not: a bar that stops at 75 looks as if something still ran.",
    )
    expect.that(
        odd in run.error[1] and "grade" in run.error[1],
        expected=f"the reason names {odd} as well: its file has no column `grade`",
        found=run.error[1],
    )


def judge_no_month(world: World) -> None:
    """A span that is none is told."""
    run = backfill(world, "2015-03", "2015-01")
    expect.that(
        run.error is not None and run.error[0] == "MonthRefused",
        expected="MonthRefused where `first` is after `last`",
        found=run.told,
        help="A backfill of nothing that ends well is believed to have done its work.",
    )


def judge_end_dead(lab: LabHandle, door: Any, rng: np.random.Generator) -> None:
    """Of several runs, those are ended that run, and have all of the parameters."""
    prefect, month, other = Prefect(door.url), *(str(one) for one in rng.choice(months.months(), 2, replace=False))
    here, there = f"{lab.folder}/warehouse", f"{lab.folder}/another"
    cases = {
        "it has these parameters": ({"month": month, "warehouse": here, "landing": "a"}, "RUNNING", "CRASHED"),
        "it has these parameters, too": ({"month": month, "warehouse": here, "landing": "b"}, "RUNNING", "CRASHED"),
        "it is of another month": ({"month": other, "warehouse": here}, "RUNNING", "RUNNING"),
        "it is of another warehouse": ({"month": month, "warehouse": there}, "RUNNING", "RUNNING"),
        "nobody knows its warehouse": ({"month": month}, "RUNNING", "RUNNING"),
        "it has ended": ({"month": month, "warehouse": here}, "COMPLETED", "COMPLETED"),
        "it is planned": ({"month": month, "warehouse": here}, "SCHEDULED", "SCHEDULED"),
    }
    made = {words: prefect.add_run("monthly", values, state) for words, (values, state, _) in cases.items()}
    stranger = prefect.add_run("yearly", {"month": month, "warehouse": here}, "RUNNING")
    number = lab.flow.end_dead_runs("monthly", {"month": month, "warehouse": here})
    states = {run["id"]: run["state_type"] for name in ("monthly", "yearly") for run in prefect.flow_runs(name)}
    for words, (_, state, wanted) in cases.items():
        expect.that(
            states[made[words]] == wanted,
            expected=f"a run of `monthly` that is {state} is {wanted} afterwards: {words}",
            found=states[made[words]],
            help="The runs of this flow that are running, with all of these parameters, and no others.",
        )
    expect.that(states[stranger] == "RUNNING", expected="a run of another flow is left alone", found=states[stranger])
    expect.that(number == 2, expected="`end_dead_runs` returns how many there were: 2", found=number)


# What is due.


def judge_due(lab: LabHandle, rng: np.random.Generator) -> None:
    """The month before, in Seattle."""
    first = pd.Timestamp(year=2015 + int(rng.integers(8)), month=int(rng.integers(1, 13)), day=1)
    here = first.tz_localize(SEATTLE)
    before, two_before = str(first.to_period("M") - 1), str(first.to_period("M") - 2)
    moments: list[tuple[Any, str]] = [
        (here + pd.Timedelta(days=1, hours=6), before),
        (here + pd.Timedelta(minutes=int(rng.integers(1, 300))), before),
        (here - pd.Timedelta(minutes=int(rng.integers(1, 300))), two_before),
        (here, before),
        # The first month of a year, and days that the month before does not have.
        (pd.Timestamp("2016-01-02 06:00", tz=SEATTLE), "2015-12"),
        (pd.Timestamp("2016-03-31 12:00", tz=SEATTLE), "2016-02"),
        (pd.Timestamp("2015-07-31 12:00", tz=SEATTLE), "2015-06"),
        # Half an hour of summer time, and a month that is shorter than thirty days.
        (pd.Timestamp("2015-07-01 00:30", tz=SEATTLE), "2015-06"),
        (pd.Timestamp("2015-03-01 00:10", tz=SEATTLE), "2015-02"),
    ]
    for moment, wanted in moments:
        for zone in ("UTC", "Asia/Seoul", "America/Los_Angeles"):
            text = moment.tz_convert(zone).isoformat()
            found = lab.make(f"{PROBE}:at", f"{lab._package}.flow:month_due", text, zone, doing="`month_due(…)`")
            expect.that(
                found == wanted,
                expected=f"at {text} ({moment.isoformat()} in Seattle) the month {wanted} is due",
                found=found,
                help="The houses stand in Seattle, the servers run on UTC: convert the zone, then take the month.",
            )
    with expect.raises("ValueError", what="`month_due` of a moment without a time zone"):
        lab.make(f"{PROBE}:at", f"{lab._package}.flow:month_due", "2015-03-02T06:00:00", "", doing="`month_due(…)`")


def judge_deployed(lab: LabHandle, door: Any, rng: np.random.Generator) -> None:
    """The deployment, its folders, its limit, and when it is planned for."""
    prefect = Prefect(door.url)
    served = lab.make(f"{PROBE}:Served", f"{lab._package}.flow:deploy", landing="landing", warehouse="warehouse")
    end = time.monotonic() + PATIENCE
    while not (found := prefect.deployments()) or not found[0].get("schedules"):
        if served.ended() or time.monotonic() > end:
            fail(
                expected="`deploy` makes a deployment known to Prefect's server, with a schedule, and goes on serving",
                found="it ended" if served.ended() else f"{len(found)} deployments, without a schedule",
                help="`serve(newest_month.to_deployment(…))`",
            )
        time.sleep(0.1)
    expect.that(not served.ended(), expected="`deploy` serves until its process is ended", found="it ended by itself")
    one = found[0]
    expect.that(one["name"] == "every-month", expected="the deployment `every-month`", found=one["name"])
    flow = prefect.flow_name(one["flow_id"])
    expect.that(flow == "newest-month", expected="a deployment of the flow `newest-month`", found=flow)
    wanted = {"landing": f"{lab.folder}/landing", "warehouse": f"{lab.folder}/warehouse"}
    told = {name: str(value) for name, value in (one.get("parameters") or {}).items()}
    expect.that(
        told == wanted,
        expected=f"the parameters {wanted}: absolute paths",
        found=told,
        help="A worker may have another working folder than you have now.",
    )
    limit = (one.get("global_concurrency_limit") or {}).get("limit") or one.get("concurrency_limit")
    expect.that(limit == 1, expected="one run at a time: `concurrency_limit=1`", found=limit)
    year = 2030 + int(rng.integers(5))
    planned = prefect.schedule(one, f"{year}-01-01T00:00:00Z", f"{year}-12-31T00:00:00Z")
    moments = [datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(SEATTLE) for text in planned]
    moments = [moment for moment in moments if moment.year == year]
    expect.that(len(moments) == 12, expected=f"twelve runs planned in {year}", found=f"{len(moments)}: {planned[:3]}")
    odd = [moment for moment in moments if (moment.day, moment.hour, moment.minute) != (2, 6, 0)]
    expect.that(
        not odd,
        expected="each on the second day of the month at 06:00 in Seattle, in summer and in winter",
        found=", ".join(f"{moment:%Y-%m-%d %H:%M}" for moment in odd[:3]) + " in Seattle",
        help="A cron line without a time zone means UTC: `Cron(…, timezone=SEATTLE)`.",
    )
    served.stop()
