"""Judgements of 5.4: what a month's run computes, keeps and refuses, and what it does when something fails."""

from __future__ import annotations

import hashlib
import io
import json
import numbers
import re
from itertools import pairwise

import numpy as np
import pandas as pd

from lab5_judges.months import month_in
from lab5_judges.prefect_api import STEPS, task_of, tasks_by_name, told
from lab5_judges.world import WEBHOOK, Run, World, as_parquet, of_post
from labkit.checks import LabHandle, expect, fail

PROBE = "mlops_probes.flows"
OUTSIDE = ("ingest", "train", "evaluate", "register")
OWN = ("validate", "features", "gate")
CACHED = "Cached"
WORDS_OF_BUG = "unsupported operand type(s)\n  for +: 'int' and 'str'"
PLACES = {
    "storage.put": "the rows of the file were kept",
    "training.fit": "the model was trained",
    "training.register_version": "the version was registered",
}
"""What `monthly` calls in its first, a middle and its last task, in words."""
READ_ONCE = (
    "Read the bytes once, compare their sha256, then parse these very bytes. A file that is read twice can be "
    "two files."
)


# The runs, each made once, the earlier ones before.


def first(world: World) -> Run:
    """A month lands and is run."""

    def make() -> Run:
        month = world.months[0]
        world.land(month, world.draw(month))
        world.stage.try_at(list(PLACES), f"{world.lab._package}.flow:one_run", month, world.warehouse)
        run = world.run(month)
        if run.error:
            fail(expected=f"the sales of {month} become a version", found=run.told, help=_help_for(run))
        return run

    found: Run = world.once("first", make)
    return found


def again(world: World) -> Run:
    """The same once more."""
    first(world)
    found: Run = world.once("again", lambda: world.run(world.months[0]))
    return found


def corrected(world: World) -> Run:
    """The month comes again under the same name, with another content."""
    again(world)

    def make() -> Run:
        month = world.months[0]
        table = world.tables[month].copy()
        table = table.drop(index=table.index[:3]).reset_index(drop=True)
        table["price"] += 1_000
        world.land(month, table)
        return world.run(month)

    found: Run = world.once("corrected", make)
    return found


def _registers(world: World) -> str:
    return f"{world.lab._package}.training:register_version"


def lost_answer(world: World) -> Run:
    """The next month, a CSV, whose version is registered, and the answer of the registry gets lost on its way."""
    first(world)

    def make() -> Run:
        month = world.months[1]
        world.land(month, world.draw(month), "csv")
        fault = world.lab.make(
            f"{PROBE}:Fault", _registers(world), "ConnectionError", "connection reset by peer", after=True
        )
        run = world.run(month)
        run.calls = int(fault.stop())
        return run

    found: Run = world.once("lost", make)
    return found


def own_bug(world: World) -> Run:
    """The month after, with a bug of our own: the registry is called with a TypeError, once."""
    first(world)

    def make() -> Run:
        month = world.months[2]
        world.land(month, world.draw(month))
        fault = world.lab.make(f"{PROBE}:Fault", _registers(world), "TypeError", WORDS_OF_BUG)
        run = world.run(month)
        run.calls = int(fault.stop())
        return run

    found: Run = world.once("bug", make)
    return found


def refused(world: World, what: str) -> Run:
    """A month that cannot be accepted."""
    first(world)

    def make() -> Run:
        month = world.months[3]
        if what == "too many bad rows":
            world.land(month, world.draw(month, bad=16))
        elif what == "too few rows":
            world.land(month, world.draw(month, rows=40, bad=0))
        elif what == "the month after":
            world.land(month, world.draw(str(pd.Period(month, "M") + 1)))
        elif what == "no row":
            world.land(month, world.draw(month).head(0))
        elif what == "the month before again":
            world.land(month, world.tables[world.months[0]])
        elif what == "a file that is cut off":
            world.land(month, b"PAR1" + world.rng.bytes(400))
        else:
            world.lab.make(f"{PROBE}:delete", f"{world.landing}/{month}.parquet")
        return world.run(month)

    found: Run = world.once(f"refused: {what}", make)
    return found


def _help_for(run: Run) -> str:
    if run.error and run.error[0] == "UnpicklableError":
        return "Tasks hand on names of tables, not the tables."
    return "Run it yourself: `lab up 5`, then `lab run 5 python -m lab5_pipeline run 2015-03`."


# What is asked of them.


def judge_version(world: World) -> None:
    """The version, the partitions, and the figures that were returned."""
    run = first(world)
    month = world.months[0]
    state = run.flow_run["state_type"]
    expect.that(state == "COMPLETED", expected="the run of the flow is COMPLETED", found=state)
    table = world.tables[month]
    wanted = {"rows": len(table), "good": len(table) - 2, "quarantined": 2}
    expect.that(isinstance(run.answer, dict), expected="`monthly` returns a dict", found=run.answer)
    names = ("month", "version", "mae", "guess_mae", *wanted)
    missing = [name for name in names if name not in run.answer]
    expect.that(not missing, expected=f"`monthly` returns {', '.join(names)}", found=f"without {', '.join(missing)}")
    for name, value in {"month": month, **wanted}.items():
        expect.that(run.answer[name] == value, expected=f"`{name}` is {value}", found=run.answer[name])
    judge_parts(world, month, table)
    _judge_report(world, month, wanted)
    predictions = expect.frame(
        world.partition("predictions", month), "`predictions`", columns=["id", "date", "price", "predicted"]
    )
    expect.that(len(predictions) > 0, expected="predictions for the newest sales", found="none")
    mae = float((predictions["predicted"] - predictions["price"]).abs().mean())
    expect.close(run.answer["mae"], mae, "`mae`, computed from the published predictions,", rel=1e-6)
    ids = set(table.loc[table["bedrooms"] < 100, "id"])
    learned = pd.Series(sorted(ids - set(predictions["id"])))
    prices = table.set_index("id")["price"]
    guess = float(np.abs(predictions["price"] - prices[learned].median()).mean())
    expect.close(run.answer["guess_mae"], guess, "`guess_mae`, of the median price of what was trained on,", rel=1e-6)
    judge_registry(world, run)


def _judge_report(world: World, month: str, figures: dict[str, int]) -> None:
    """The report of the batch is kept, as it was made."""
    path = f"reports/{month}.json"
    there = any(str(one).endswith(f"warehouse/{path}") for one in world.lab.list_files(world.lab.folder))
    report = json.loads(world.lab.read_bytes(f"{world.warehouse}/{path}")) if there else {}
    wanted = {"month": month, **figures}
    found = {name: report.get(name) for name in wanted}
    expect.that(
        found == wanted,
        expected=f"`{path}` in the warehouse, the report of the batch: {wanted}",
        found=found if there else "no such file",
        help="`storage.keep_report(checked['report'], month, warehouse)`: the next month is held against it.",
    )


def judge_registry(world: World, run: Run) -> None:
    """There is one version, it is the one that was returned, and its run says which month it is of."""
    expect.that(
        [version for version, _ in run.versions] == [run.answer["version"]],
        expected=f"version {run.answer['version']} of `house-price` in the registry, as `monthly` says",
        found=f"the versions {[version for version, _ in run.versions]}",
        help="`training.register_version` returns the version.",
    )
    judge_rows(world, run, world.months[:1])
    key = _key(world, run.versions[0][1])
    expect.that(
        month_in(key) == world.months[0],
        expected=f"its run has the tag `pipeline.key`, month and table: {world.months[0]} and the name of a blob",
        found=key or "no such tag",
    )


def judge_rows(world: World, run: Run, before: list[str]) -> None:
    """The model has learned from what came before the month: of a first month, from its own first two thirds."""
    answer, run_id = run.answer, dict(run.versions)[run.answer["version"]]
    wanted = sum(len(world.partition("sales", month)) for month in before)
    if before == [answer["month"]]:
        wanted -= len(world.partition("predictions", before[0]))
    found = world.query(f"select value from params where key = 'rows' and run_uuid = '{run_id}'")
    expect.that(
        [int(value) for (value,) in found] == [wanted],
        expected=f"the model of {answer['month']} has learned from {wanted} sales: those before what it is judged on",
        found=f"{[value for (value,) in found]} sales (the parameter `rows` of its run)",
        help="`training.split_newest` gives what to learn from and what to be judged on. `features` gets the good rows "
        "of all months so far.",
    )
    expect.that(
        run.fitted == wanted,
        expected=f"`training.fit` gets these {wanted} sales, too",
        found=f"{run.fitted} sales",
        help="A model that has learned from the month that it is judged on knows the answers.",
    )


def judge_earlier_month(world: World) -> None:
    """What came later changes nothing for an earlier month."""
    lost_answer(world)
    first_month = world.months[0]
    earlier = world.once("earlier", lambda: world.run(first_month))
    if earlier.error:
        fail(expected=f"{first_month} can be run again after {world.months[1]}", found=earlier.told)
    expect.that(
        earlier.fits == 0,
        expected=f"{first_month} is run again after {world.months[1]}, and nothing is trained",
        found=f"{earlier.fits} trainings",
        help="Later months are not known yet, whoever has run them before: `other <= month`.",
    )


def judge_third_month(world: World) -> None:
    """The third month has learned from both before it."""
    lost_answer(world)
    run, before = own_bug(world), world.months[:2]
    wanted = sum(len(world.partition("sales", month)) for month in before)
    expect.that(
        run.fitted == wanted,
        expected=f"the model of {world.months[2]} learns from the {wanted} good sales of {' and '.join(before)}",
        found=f"from {run.fitted} sales",
        help="`features` gets the good rows of all months so far, not those of the last one alone.",
    )


def judge_outside(lab: LabHandle) -> None:
    """Which errors are worth another attempt."""
    target = f"{lab._package}.flow:failed_outside"
    for words, wanted in OUTSIDE_OR_NOT.items():
        found = lab.make(f"{PROBE}:says_of_error", target, words, doing="`failed_outside(…)`")
        expect.that(
            found is wanted,
            expected=f"`failed_outside` is {wanted} for {words}",
            found=found,
            help="What MLflow's client raises hides its cause: follow `__cause__` and `__context__` of an "
            "MlflowException, and of no other error. A month that is refused is refused again.",
        )


OUTSIDE_OR_NOT = {
    "a ConnectionError": True,
    "an OSError": True,
    "a TimeoutError": True,
    "an MlflowException that a ConnectionError has caused": True,
    "an MlflowException that was raised while a ConnectionError was handled": True,
    "an MlflowException that an MlflowException has caused that a ConnectionError has caused": True,
    "an MlflowException without a cause": False,
    "an MlflowException that a TypeError has caused": False,
    "a MonthRefused that an OSError has caused": False,
    "a TypeError": False,
    "a TypeError that was raised while a ConnectionError was handled": False,
}


def judge_parts(world: World, month: str, table: pd.DataFrame) -> None:
    """Each row is in one of the two partitions."""
    is_bad = table["bedrooms"] > 100
    for name, wanted in (("sales", table[~is_bad]), ("quarantine", table[is_bad])):
        found = world.partition(name, month)
        expect.that(
            sorted(found["id"]) == sorted(wanted["id"]),
            expected=f"the partition of {month} in `{name}` has these {len(wanted)} of the {len(table)} rows",
            found=f"{len(found)} rows, {len(set(found['id']) & set(wanted['id']))} of them the right ones",
            help="`good` is published as `sales`, `quarantined` as `quarantine`. Publish replaces; it does not add.",
        )


def judge_steps(world: World) -> None:
    """Seven tasks, in their order, each once."""
    run = first(world)
    runs = world.prefect.task_runs(run.flow_run, some=len(STEPS))
    names = [task_of(one) for one in runs]
    expect.that(
        names == list(STEPS),
        expected=f"Prefect's server has one run of each task, in this order: {', '.join(STEPS)}",
        found=told(runs),
        help="What is called as a plain function, as `ingest.fn(…)`, is no task: not seen, not kept, not retried.",
    )
    bad = [one for one in runs if one["state_type"] != "COMPLETED"]
    expect.that(not bad, expected="each of them is COMPLETED", found=told(bad))


def judge_policies(world: World) -> None:
    """Retries where a reason may lie outside, growing and jittered; none elsewhere; a limit everywhere."""
    runs = tasks_by_name(world.prefect.task_runs(first(world).flow_run, some=len(STEPS)))
    for name in (*OUTSIDE, *OWN):
        policy = (runs.get(name) or [{}])[0].get("empirical_policy") or {}
        retries, delay, jitter = (
            policy.get("retries") or 0,
            policy.get("retry_delay"),
            policy.get("retry_jitter_factor"),
        )
        if name in OWN:
            expect.that(
                retries == 0,
                expected=f"no retries of `{name}`: it computes, and what it gets wrong once it gets wrong again",
                found=f"{retries} retries",
                help="Only what talks to something outside is retried: the share, MLflow's server.",
            )
            continue
        expect.that(
            retries == 3,
            expected=f"`{name}` is tried three times more: it depends on what lies outside",
            found=f"{retries} retries",
        )
        waits = list(delay) if isinstance(delay, list) else [delay or 0]
        waits += waits[-1:] * (retries - len(waits))  # Prefect takes the last one again
        expect.that(
            all(later > earlier > 0 for earlier, later in pairwise(waits)),
            expected=f"each wait of `{name}` is longer than the one before: backoff",
            found=f"waits of {waits} s",
            help="`retry_delay_seconds=exponential_backoff(1)`. Equal waits hit a struggling server again and again.",
        )
        expect.that(
            waits[0] <= 10,
            expected=f"the first wait of `{name}` is 10 s or less",
            found=f"{waits[0]} s",
            help="Most troubles of a network are over in a second. The later waits are for the others.",
        )
        expect.that(
            jitter and jitter > 0,
            expected=f"the waits of `{name}` vary from run to run: jitter",
            found=f"retry_jitter_factor = {jitter}",
            help="Twelve months that failed at the same moment would all come back at the same moment.",
        )


def judge_page(world: World) -> None:
    """A table and an image stand on the page of the run."""
    _judge_page_of(world, first(world), "the run")
    if not again(world).error:
        _judge_page_of(world, again(world), "the second run of the month")


def _judge_page_of(world: World, run: Run, which: str) -> None:
    found = world.prefect.artifacts(run.flow_run)
    figures = ("mae", "guess_mae", "rows", "good", "quarantined")
    # Other tables may stand beside it: the one with these figures is meant.
    found.sort(key=lambda one: one["type"] == "table" and set(figures) <= set(_cells(one["data"])))
    kinds = {str(one["type"]): one for one in found}
    for kind in ("table", "image"):
        expect.that(
            kind in kinds,
            expected=f"{which} has an artifact of the type `{kind}`",
            found=", ".join(sorted(kinds)) or "no artifact",
            help="`create_table_artifact` and `create_image_artifact` in `prefect.artifacts`; give them a `key`.",
        )
        expect.that(kinds[kind]["key"], expected=f"the {kind} has a key: without one, no page shows it", found="none")
    cells = _cells(kinds["table"]["data"])
    for name in figures:
        value = run.answer[name] if isinstance(run.answer, dict) else None
        shown = cells.get(name, [])
        # Cents may be rounded away.
        is_there = isinstance(value, numbers.Real) and any(abs(one - float(value)) <= 0.5 for one in shown)
        expect.that(
            is_there,
            expected=f"the table of {which} has `{name}` = {value}",
            found=f"`{name}` = {', '.join(f'{one:g}' for one in shown)}"
            if shown
            else str(kinds["table"]["data"])[:300],
            help="A row for each figure, its name and its value, or a column for each.",
        )
    picture = str(kinds["image"]["data"])
    expect.that(
        picture.startswith("data:image/png;base64,") and len(picture) > 1_000,
        expected="the image is the plot of `training.draw`, a `data:` address",
        found=picture[:80],
    )


def _cells(data: object) -> dict[str, list[float]]:
    """The numbers that a table has for each name: in the column of this name, or beside it in its row."""
    try:
        table = json.loads(data) if isinstance(data, str) else data
    except ValueError:
        table = []
    found: dict[str, list[float]] = {}

    def note(words: object, values: list[object]) -> None:
        for name in re.findall(r"[a-z]+(?:_[a-z]+)*", str(words)):
            found.setdefault(name, []).extend(number for value in values for number in _numbers(value))

    rows = table if isinstance(table, list) else [table]
    if isinstance(table, dict) and all(isinstance(column, list) for column in table.values()):
        rows = [dict(zip(table, row, strict=False)) for row in zip(*table.values(), strict=False)]
    if rows and isinstance(rows[0], list):  # the first row may have the names
        rows = rows + [dict(zip(map(str, rows[0]), row, strict=False)) for row in rows[1:] if isinstance(row, list)]
    for row in rows:
        cells = list(row.values()) if isinstance(row, dict) else row if isinstance(row, list) else []
        for place, cell in enumerate(cells):
            if isinstance(cell, str):
                note(cell, cells[place + 1 :] or cells[:place])
        for name, cell in row.items() if isinstance(row, dict) else ():
            note(name, [cell])
    return found


def _numbers(value: object) -> list[float]:
    text = str(value)
    readings = (text, re.sub(r"(?<=\d),(?=\d{3})", "", text))  # `98,766` is one number, or it is two
    return [float(one) for reading in readings for one in re.findall(r"\d+(?:\.\d+)?", reading)]


def judge_again(world: World) -> None:
    """A rerun computes nothing and changes nothing."""
    earlier, run = first(world), again(world)
    if run.error:
        fail(expected="the same month can be run again", found=run.told)
    runs = tasks_by_name(world.prefect.task_runs(run.flow_run, some=len(STEPS)))
    for name in STEPS[:-1]:
        states = [one["state_name"] for one in runs.get(name, [])]
        expect.that(
            states == [CACHED],
            expected=f"`{name}` is {CACHED} in the second run: inputs and code are those of the first",
            found=", ".join(states) or "it is not there",
            help="Prefect's default policy has the id of the run in its key, so no other run ever finds it: "
            "`INPUTS + TASK_SOURCE`. And the inputs must be the same: names of blobs, no times.",
        )
    states = [one["state_name"] for one in runs.get("register", [])]
    expect.that(
        CACHED not in states,
        expected="`register` asks the registry in each run",
        found=", ".join(states),
        help="The registry stands outside: the version may have been deleted since. Leave `NO_CACHE` there.",
    )
    expect.that(run.fits == 0, expected="no model is trained in the second run", found=f"{run.fits} trainings")
    _same_versions(earlier, run, "the same month was run twice")
    expect.that(run.answer == earlier.answer, expected=f"the same answer, {earlier.answer}", found=run.answer)
    judge_parts(world, world.months[0], world.tables[world.months[0]])


def _same_versions(earlier: Run, run: Run, what: str) -> None:
    expect.that(
        run.versions == earlier.versions,
        expected=f"{len(earlier.versions)} version in the registry, as before: {what}",
        found=f"{len(run.versions)} versions",
        help="Ask first, then register: `training.find_version`, and `training.find_run` before a training.",
    )


def judge_memory_lost(world: World) -> None:
    """Where Prefect's results are gone, things are computed again, and nothing comes twice."""
    earlier = again(world)

    def make() -> Run:
        world.lab.make(f"{PROBE}:remove", f"{world.warehouse}/results")
        return world.run(world.months[0])

    run: Run = world.once("memory lost", make)
    if run.error:
        fail(expected="a month can be run again after the folder `results` is gone", found=run.told)
    runs = tasks_by_name(world.prefect.task_runs(run.flow_run, some=len(STEPS)))
    cached = [name for name in STEPS if CACHED in [one["state_name"] for one in runs.get(name, [])]]
    expect.that(
        not cached,
        expected="nothing counts as done where the folder `results` of the warehouse is gone",
        found=f"{CACHED}: {', '.join(cached)}",
        help="Call each task through `keeping`: its results lie in the warehouse, and go with the tables they name.",
    )
    _same_versions(earlier, run, "the results of tasks were deleted, the registry was not")
    judge_parts(world, world.months[0], world.tables[world.months[0]])


def judge_corrected(world: World) -> None:
    """Another content under the same name is other work."""
    earlier, run = again(world), corrected(world)
    if run.error:
        fail(expected="a corrected file of the month is run", found=run.told)
    month_alone = _key(world, earlier.versions[0][1]) == world.months[0]
    expect.that(
        run.fits == 1,
        expected="a file with another content under the same name is read and trained on",
        found="nothing was trained",
        help="`pipeline.key` is the month alone: what was trained on the former file passes for this one's. "
        "Put `table` into it."
        if month_alone
        else "The cache is keyed on the path, and the path is the same. Key it on the content.",
    )
    judge_parts(world, world.months[0], world.tables[world.months[0]])
    expect.that(
        len(run.versions) == len(earlier.versions) + 1,
        expected="one version more: it was trained on other rows",
        found=f"{len(run.versions)} versions, {len(earlier.versions)} before",
    )


def judge_replaced(world: World) -> None:
    """`ingest` takes no other content than it was promised."""
    month = world.months[0]
    if "first" not in world._done:
        world.land(month, world.draw(month))
    path = f"{world.landing}/{month}.parquet"
    answer = world.lab.make(
        f"{PROBE}:attempt", f"{world.lab._package}.flow:ingest", path, "0" * 64, world.warehouse, doing="`ingest(…)`"
    )
    expect.that(
        answer[0] == "error" and answer[1] == "MonthRefused",
        expected="`ingest` raises MonthRefused where the file has another content than its sha256 says",
        found=answer,
        help=READ_ONCE,
    )


def judge_read_once(world: World) -> None:
    """A file that is replaced between two looks at it is not two files."""
    month = world.months[0]
    table, other = world.draw(month), world.draw(month)
    folder = f"{world.lab.folder}/replaced"
    world.lab.write_bytes(f"replaced/{month}.parquet", promised := as_parquet(table))
    world.lab.write_bytes("replaced/other", as_parquet(other))
    answer = world.lab.make(
        f"{PROBE}:attempt_with_a_swap",
        f"{world.lab._package}.flow:ingest",
        [f"{folder}/{month}.parquet", hashlib.sha256(promised).hexdigest(), world.warehouse],
        f"{folder}/other",
        doing="`ingest(…)`",
    )
    if answer[0] == "error":
        expect.that(
            answer[1] == "MonthRefused",
            expected="`ingest` keeps what its sha256 is of, or raises MonthRefused: the file is replaced meanwhile",
            found=answer,
        )
        return
    kept = pd.read_parquet(io.BytesIO(world.lab.read_bytes(f"{world.warehouse}/blobs/{answer[1]}.parquet")))
    expect.that(
        sorted(kept["id"]) == sorted(table["id"]),
        expected="`ingest` keeps the rows that its sha256 is of, where the file is replaced between two looks at it",
        found="rows of the file that came later",
        help=READ_ONCE,
    )


def judge_other_code(world: World) -> None:
    """A task whose code has changed computes again, and no other one, whenever that is."""
    ends = world.lab.make(f"{PROBE}:expirations", f"{world.lab._package}.flow") or {}
    for name, seconds in ends.items():
        expect.that(
            seconds is None,
            expected=f"what `{name}` has computed is kept until its inputs or its code are others",
            found=f"for {seconds or 0:,.0f} s: after that it is computed again",
            help="No `cache_expiration`: a blob never changes, so what was made of it does not grow old.",
        )
    found = world.lab.make(f"{PROBE}:results_of_two_codes", f"{world.lab._package}.flow", f"{world.warehouse}/codes")
    expect.that(
        found == ["old", "new"],
        expected="a task with `KEPT`, whose code was changed, computes again, though its inputs are the same",
        found=f"the answers of the old and of the new code: {found}",
        help="`INPUTS` alone knows nothing of the code: after a bug is mended, its wrong results are still taken from "
        "the cache. `INPUTS + TASK_SOURCE`.",
    )


def judge_lost_answer(world: World) -> None:
    """A retry after the work was done does not do it twice."""
    run, month = lost_answer(world), world.months[1]
    if run.error and not run.calls:
        fail(
            expected=f"a month that comes as `{month}.csv` is run like one that comes as parquet",
            found=run.told,
            help="`storage.landed_file` finds either of the two, and `storage.parse_sales` reads it.",
        )
    if run.error:
        fail(
            expected="a connection that breaks once costs a retry, and not the month",
            found=run.told,
            help="`retries`, and a `retry_condition_fn` that is true for an OSError; ConnectionError is one.",
        )
    new = [version for version, run_id in run.versions if _month(world, run_id) == month]
    expect.that(
        len(new) == 1,
        expected="one new version: the first attempt had registered it already, its answer was lost",
        found=f"{len(new)} new versions",
        help="A retry without idempotence does the work twice. Ask first whether the version is there.",
    )
    expect.that(run.answer["version"] == new[0], expected=f"version {new[0]} is returned", found=run.answer)
    judge_rows(world, run, world.months[:1])
    expect.that(
        not run.posts,
        expected="no message to the webhook: the second attempt worked",
        found=f"{len(run.posts)} messages: {run.posts[0][:100] if run.posts else ''}",
        help="Somebody is woken up for what has healed itself. Notify where the flow fails, not where a task does.",
    )


def judge_own_bug(world: World) -> None:
    """A bug is not tried again."""
    run = own_bug(world)
    expect.that(
        run.calls == 1,
        expected="a TypeError, a bug of our own, is raised once and not tried again",
        found=f"{run.calls} attempts",
        help="A `retry_condition_fn` says which errors are worth a retry. A bug is as wrong the second time.",
    )
    expect.that(run.error is not None, expected="the flow fails with it", found=run.told)
    _is_failed(run)


def _is_failed(run: Run) -> None:
    state = run.flow_run["state_type"]
    expect.that(
        state == "FAILED",
        expected="the run of the flow is FAILED",
        found=state,
        help="Who catches the exception and returns None turns a failure green.",
    )


def judge_notified(world: World) -> None:
    """One line at the webhook."""
    run = own_bug(world)
    expect.that(
        len(run.posts) == 1,
        expected="one message to the webhook for one flow that failed",
        found=f"{len(run.posts)} messages",
        help="`on_failure=[notify]` at the flow, and a POST to the address in `PIPELINE_WEBHOOK`.",
    )
    text = of_post(run.posts[0])
    expect.that("\n" not in text, expected="the reason in one line", found=text, help='`" ".join(text.split())`')
    _has_reason(text, world.months[2], WORDS_OF_BUG)
    expect.that("Traceback" not in text, expected="the reason alone, without the traceback", found=text)
    expect.that(not first(world).posts, expected="no message where all went well", found=first(world).posts)
    _judge_other_flow(world)


def _has_reason(text: str, month: str, reason: str) -> None:
    expect.that(
        text.startswith(f"{month}: ") and _says(text, reason),
        expected=f"the message `{month}: ` and the reason, `{' '.join(reason.split())[:200]}`",
        found=text[:300],
        help="Who is woken up reads the month first: `{month}: {reason}`.",
    )


def _says(text: str, reason: str) -> bool:
    """Whether a text has a reason; a line break in it may be `repr`'s two characters, a blank or a sign."""
    lines = (r"\s+".join(map(re.escape, line.split())) for line in reason.splitlines())
    return re.search(r"(\\n|\W){1,6}".join(lines), text) is not None


def _judge_other_flow(world: World) -> None:
    """A flow of other parameters is told of as well; without an address nobody is."""
    target = f"{world.lab._package}.flow:notify"
    span = {"first": "2014-05", "last": "2015-04"}
    error = world.lab.make(f"{PROBE}:notice_of_failure", target, span, "no disk\nis left", doing="`notify(…)`")
    posts = [of_post(str(post)) for post in world.stage.take_posts()]
    expect.that(
        error == "" and len(posts) == 1 and _says(posts[0], "no disk\nis left") and "\n" not in posts[0],
        expected="`notify` tells of a flow without a parameter `month` as well, in one line: `backfill` is one",
        found=error or (posts[0] if posts else "no message"),
        help="`flow_run.parameters.get('month', flow.name)`",
    )
    error = world.lab.make(
        f"{PROBE}:notice_of_failure", target, {"month": "2014-05"}, "no disk", WEBHOOK, doing="`notify(…)`"
    )
    posts = [str(post) for post in world.stage.take_posts()]
    expect.that(
        error == "" and not posts,
        expected=f"`notify` does nothing where `{WEBHOOK}` is not set",
        found=error or "".join(posts)[:200],
        help="`os.environ.get(WEBHOOK)` is None there; `os.environ[WEBHOOK]` raises.",
    )


def judge_refused(world: World, what: str) -> None:
    """A month that must not become a version."""
    run, month = refused(world, what), world.months[3]
    expect.that(
        run.error is not None,
        expected=f"`monthly` raises where a month has {what}"
        if not what.startswith(("a file", "the"))
        else f"`monthly` raises: {what}",
        found=run.told,
        help="A flow that is green says: there is a new version. Look at the report of the batch.",
    )
    assert run.error is not None
    expect.that(run.error[0] == "MonthRefused", expected=f"MonthRefused: {what}", found=run.told)
    _is_failed(run)
    expect.that(
        len(run.posts) == 1,
        expected="one message to the webhook where a month is refused: that is a flow that failed",
        found=f"{len(run.posts)} messages",
    )
    _has_reason(of_post(run.posts[0]), month, run.error[1])
    runs = world.prefect.task_runs(run.flow_run, some=0 if what == "no file" else 1)
    late = [one for one in runs if task_of(one) in STEPS[2:]]
    expect.that(not late, expected=f"no task after the refusal is run: {what}", found=told(late))
    expect.that(
        not [one for one in world.files("sales") if month in one],
        expected=f"no partition of {month} in `sales`",
        found="there is one",
        help="What is refused must not be there for the next month to be trained on.",
    )
    made = [version for version, run_id in run.versions if _month(world, run_id) == month]
    expect.that(not made, expected=f"no version of {month}", found=f"version {made}")
    reports = [str(one) for one in world.lab.list_files(world.lab.folder) if str(one).endswith(f"reports/{month}.json")]
    expect.that(
        not reports,
        expected=f"no report of {month}: only that of an accepted month is kept",
        found=reports,
        help="The next month is compared with it. Publish the quarantine of a refused month, and nothing else.",
    )
    if what == "too few rows":
        expect.that("volume" in run.error[1], expected="the month before is what it is held against", found=run.told)
    elif what in ("no row", "the month before again"):
        # The month before is none that comes after it, and also another one than was asked for: both are reasons.
        rule, other = ("rows", "") if what == "no row" else ("month", world.months[0])
        expect.that(
            f"{rule}:" in run.error[1] or (other and other in run.error[1]),
            expected=f"the problems of the report in the reason, `{rule}: …`",
            found=run.told,
        )
    if what not in ("a file that is cut off", "no file"):
        table = pd.read_parquet(io.BytesIO(world.landed[month]))
        wanted = table[table["bedrooms"] > 100]
        kept = world.partition("quarantine", month)
        expect.that(
            sorted(kept["id"]) == sorted(wanted["id"]),
            expected=f"the {len(wanted)} bad rows of this file in `quarantine`, though the month is refused: {what}",
            found=f"{len(kept)} rows, {len(set(kept['id']) & set(wanted['id']))} of them the right ones",
            help="Publish the quarantine before anything is refused, also where the file is of another month.",
        )
    if what == "too many bad rows":
        kept = world.partition("quarantine", month)
        expect.that(len(kept) == 16, expected="all 16 refused rows in `quarantine`", found=f"{len(kept)} rows")
        has_reason = "reasons" in kept and kept["reasons"].str.contains("bedrooms").all()
        expect.that(has_reason, expected="each with its reason", found=expect.shown(kept))
        expect.that("share" in run.error[1], expected="the problems of the report in the reason", found=run.error[1])


def _month(world: World, run_id: str) -> str:
    return month_in(_key(world, run_id))


def _key(world: World, run_id: str) -> str:
    """The tag `pipeline.key` of a run of MLflow, or an empty text."""
    keys = world.query(f"select value from tags where key = 'pipeline.key' and run_uuid = '{run_id}'")
    return str(keys[0][0]) if keys else ""


def judge_lock(world: World) -> None:
    """One run per month at a time, other months beside it, and no lock of the dead."""
    target, month, other = f"{world.lab._package}.flow:one_run", world.months[0], world.months[1]
    folder = f"{world.lab.folder}/locks-only"

    def twice(second: str) -> list[str]:
        doing = "`one_run(…)`"
        found = world.lab.make(f"{PROBE}:hold_twice", target, [month, folder], [second, folder], doing=doing)
        return [str(one) for one in found]

    expect.that(
        twice(month) == ["", "MonthRefused"],
        expected=f"while somebody holds {month}, the next one gets MonthRefused at once",
        found=f"the first: {twice(month)[0] or 'holds it'}, the second: {twice(month)[1] or 'holds it too'}",
        help="`fcntl.flock(file, LOCK_EX | LOCK_NB)`",
    )
    expect.that(twice(other) == ["", ""], expected="another month can be run meanwhile", found=twice(other)[1])
    elsewhere = [month, f"{folder}-elsewhere"]
    found = world.lab.make(f"{PROBE}:hold_twice", target, [month, folder], elsewhere, doing="`one_run(…)`")
    expect.that(found == ["", ""], expected="the same month of another warehouse can be run", found=found[1])
    inside = world.lab.make(f"{PROBE}:raise_holding", target, "BlockingIOError", month, folder, doing="`one_run(…)`")
    expect.that(
        inside[0] == "BlockingIOError",
        expected="what is raised in the `with` block comes out of it as it is, here a BlockingIOError",
        found=inside[0] or "nothing was raised",
        help="Only what `flock` itself raises means that somebody else holds the month: no `yield` in that `try`.",
    )
    expect.that(
        inside[1] == "",
        expected="after an error in the `with` block the month can be run again",
        found=inside[1],
        help="The end of a `with` block is its end by an error, too: let go in `finally`, or by `with path.open(…)`.",
    )
    ended = world.lab.make(f"{PROBE}:die_holding", target, month, folder, doing="`one_run(…)`")
    expect.that(ended == -9, expected="a process can hold the month", found=f"it ended with {ended}")
    expect.that(
        twice(other) == ["", ""] and twice(month)[0] == "",
        expected="after the holder was killed, the month can be run again",
        found=f"{twice(month)[0]}: the lock of a dead process",
        help="A file that says `locked` stays when its writer is killed. A lock of the kernel (`flock`) ends with its "
        "process.",
    )


def judge_lock_is_used(world: World) -> None:
    """While a month is run, it is held."""
    first(world)
    tried = dict(world.stage.attr("tried"))
    for place, words in PLACES.items():
        found = tried.get(place, "")
        expect.that(
            found == "MonthRefused" or (place not in tried and place != "training.fit"),
            expected="`monthly` holds `one_run` from its first to its last task",
            found=f"while {words}, somebody else got the same month" if found == "" else found,
            help="All seven tasks stand in the `with` block: who registers at the same time makes a second version.",
        )


def judge_limits(lab: LabHandle) -> None:
    """Each task has a limit of time."""
    found = lab.make(f"{PROBE}:timeouts", f"{lab._package}.flow")
    missing = [name for name in STEPS if not (found or {}).get(name)]
    expect.that(not missing, expected="each task has `timeout_seconds`", found=f"none: {', '.join(missing)}")


def judge_gate_in_the_flow(world: World) -> None:
    """Where the gate refuses, the month fails, and nothing is registered."""
    first(world)

    def make() -> Run:
        month = world.months[2]
        table = world.draw(month)
        # Any price for any house: no model can be better than a guess.
        world.land(month, table.assign(price=world.rng.permutation(table["price"])))
        return world.run(month)

    before = world.versions() if "no use" not in world._done else None
    run: Run = world.once("no use", make)
    expect.that(
        run.error is not None and run.error[0] == "MonthRefused",
        expected="MonthRefused where the prices of a month are drawn by lot: no model is better than a guess",
        found=run.told,
        help="What the gate raises has to end the flow.",
    )
    _is_failed(run)
    runs = world.prefect.task_runs(run.flow_run, some=len(STEPS) - 1)
    late = [one for one in runs if one["name"].rpartition("-")[0] == "register"]
    expect.that(not late, expected="no task after the gate that refused is run", found=told(late))
    expect.that(
        before is None or run.versions == before,
        expected="no version of a month whose model the gate refuses",
        found=f"{len(run.versions)} versions",
    )


def judge_gate(world: World) -> None:
    """At the limit, over it, and where there is no figure."""
    judge_gate_in_the_flow(world)
    # In whole ten thousands: the first three digits of each figure are the same ones when it is rounded.
    drawn = 10_000.0 * int(world.rng.integers(12, 30))
    cases = [(0.5, True), (0.899, True), (0.901, False), (1.5, False), (float("nan"), False), (0.9, True)]
    for share, passes in cases:
        guess = 100_000.0 if share == 0.9 else drawn  # where 0.9 of it is 0.9 of it, however one divides
        answer = world.lab.make(
            f"{PROBE}:attempt", f"{world.lab._package}.flow:gate", share * guess, guess, doing="`gate(…)`"
        )
        found = "lets it through" if answer[0] == "answer" else str(answer[1])
        expect.that(
            found == ("lets it through" if passes else "MonthRefused"),
            expected=f"`gate` {'lets through' if passes else 'refuses'} {share:g} times the error of the best guess",
            found=found,
            help="Every comparison with NaN is false: write `not mae <= limit`, not `mae > limit`." * (share != share),
        )
        figures = [] if passes else [guess] if share != share else [share * guess, guess]
        said = "" if passes else re.sub(r"[ ,_]", "", str(answer[2]))
        missing = [f"{figure:,.0f}" for figure in figures if str(int(figure))[:3] not in said]
        expect.that(
            not missing,
            expected=f"the reason has both figures, also {', '.join(missing)}",
            found=answer[-1],
            help="Also where the other one is NaN." * (share != share),
        )
    target = f"{world.lab._package}.flow:gate"
    answer = world.lab.make(f"{PROBE}:attempt", target, drawn / 2, float("nan"), doing="`gate(…)`")
    expect.that(
        answer[:2] == ["error", "MonthRefused"],
        expected="`gate` refuses a guess that is NaN: then nobody knows how good the model is",
        found="lets it through" if answer[0] == "answer" else answer[1],
        help="Either of the two can be NaN, and every comparison with NaN is false: `not mae <= limit`.",
    )
