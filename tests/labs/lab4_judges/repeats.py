"""Judges whether a training can be repeated from its record (4.2)."""

from __future__ import annotations

import math
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from lab4_judges import sales, store
from lab4_judges.sales import METRICS, Generator
from labkit.checks import LabHandle, LearnerError, expect, fail

OFF = 5e-6  # of a metric: more than the millionth that may be
TINY = 1e-8  # of a metric: less, and yet more than a millionth of a dollar
Template = Callable[[str], Path]


@dataclass
class Logged:
    """A training that was logged, the table that it was cut from, and what the code was."""

    lab: LabHandle
    run: str
    table: pd.DataFrame
    train: pd.DataFrame
    test: pd.DataFrame
    alpha: float
    code: dict[str, str]


def log(lab: LabHandle, template: Template, rng: Generator) -> Logged:
    """Have the learner's `log_training` log a training on a shuffled table."""
    code = {"GIT_COMMIT": secrets.token_hex(20), "GIT_DIRTY": "true", "GIT_DIFF": secrets.token_hex(32)}
    store.prepare(lab, template("mlflow"), **code)
    train, test = sales.draw(rng, 160)
    table = pd.concat([train, test]).sample(frac=1, random_state=rng)
    # The newest ones come later: they are not known yet when the training is logged.
    cutoff, end = test["date"].min().normalize(), test["date"].quantile(0.7).normalize()
    table_then = table[table["date"] <= end]
    train, test = table_then[table_then["date"] < cutoff], table_then[table_then["date"] >= cutoff]
    # One of them is of a house that `train` has, too.
    newer = table.index[table["date"] > end]
    table.loc[rng.choice(newer), "id"] = rng.choice(train["id"])
    alpha = round(float(rng.uniform(20, 400)), 3)
    run = _training(lab, train, test, lab.make("mlops_probes.tracking:small_model"), alpha)
    return Logged(lab, run, table, train, test, alpha, code)


def _training(lab: LabHandle, train: pd.DataFrame, test: pd.DataFrame, model: object, alpha: float | None) -> str:
    namer = lab.make("mlops_probes.figures:FigureNamer", sketch=True)
    params = {} if alpha is None else {"ridge__alpha": alpha}
    run = lab.tracking.log_training(train, test, model, params)
    expect.handle(namer, "the namer of figures").stop()
    return expect.text(run, "the answer of `log_training`")


def judge_same(logged: Logged) -> None:
    """The same metrics come out, from the table of then and from the one of today."""
    wanted = sales.metrics(sales.train(logged.train, logged.alpha), logged.test)
    before = store.read(logged.lab)
    then = logged.table[logged.table["date"] <= logged.test["date"].max()]
    for table, what in ((then, "the sales of then"), (logged.table, "the sales of then and newer ones")):
        try:
            found = logged.lab.tracking.reproduce(logged.run, table)
        except LearnerError as error:
            fail(
                expected=f"the training can be repeated from {what}",
                found=f"{error.type_name}: {error.message}"[:300],
                help="Cut the table first to the days from `data.first_date` to `test.last_date`, then with "
                "`split_by_time` at `test.first_date`: newer sales must change nothing, also where a house of then is "
                "sold again.",
            )
        for name in METRICS:
            value = found.get(name) if isinstance(found, dict) else None
            expect.close(
                expect.number(value, f"`{name}` in the answer of `reproduce`"),
                wanted[name],
                f"`{name}` of the repeated training, from {what}",
                help="Train on `train`, with the settings of the run, and judge on `test`.",
            )
    after = store.read(logged.lab)
    expect.that(
        len(after.runs) == len(before.runs),
        expected="no new run: to repeat is to look, not to train once more",
        found=f"{len(after.runs) - len(before.runs)} new runs",
        help="Do not call `log_training` here.",
    )
    expect.that(
        after == before,
        expected="nothing is logged: the record is the same as before",
        found="there is another tag, metric, parameter or model",
        help="The run of then is evidence. Whoever looks at it later must see what was written then.",
    )


DATA = ("a price of a training row", "a price of a test row", "a training row that is missing")


def judge_data(logged: Logged, rng: Generator, what: str) -> None:
    """Other data is refused."""
    table = logged.table.copy()
    side = logged.test if what == DATA[1] else logged.train
    if what == DATA[2]:
        inside = side[(side["date"] > side["date"].min()) & (side["date"] < side["date"].max())]
        table = table.drop(index=inside.index[int(rng.integers(len(inside)))])
    else:
        places = rng.permutation(side.index)
        table.loc[next((place for place in places if _is_silent(logged, place)), places[0]), "price"] += 1
    with expect.raises(
        "ValueError",
        what=f"`reproduce` with other data than then ({what})",
        help="Compare both fingerprints with the tags of the run, `data.…` and `test.…`. A price that differs by one "
        "dollar changes no metric that anybody would see.",
    ):
        logged.lab.tracking.reproduce(logged.run, table)


def _is_silent(logged: Logged, place: object) -> bool:
    """Whether no metric tells that a price is another one: the fingerprints alone have to."""
    then = sales.metrics(sales.train(logged.train, logged.alpha), logged.test)
    train, test = (
        side.assign(price=side["price"] + (side.index == place).astype(int)) for side in (logged.train, logged.test)
    )
    now = sales.metrics(sales.train(train, logged.alpha), test)
    return all(math.isclose(now[name], then[name], rel_tol=5e-7) for name in METRICS)


def judge_code(logged: Logged, name: str) -> None:
    """Other code is refused."""
    other = {**logged.code, name: secrets.token_hex(20)}
    logged.lab.make("mlops_probes.tracking:use_store", store.DATABASE, **other)
    try:
        with expect.raises(
            "ValueError",
            what=f"`reproduce` with other code than then (another `{name}`)",
            help="Compare `code_version()` with the tags of the run. `git.diff` tells two changes on top of the same "
            "commit apart, which `git.dirty` cannot.",
        ):
            logged.lab.tracking.reproduce(logged.run, logged.table)
    finally:
        logged.lab.make("mlops_probes.tracking:use_store", store.DATABASE, **logged.code)


def judge_unfinished(logged: Logged) -> None:
    """A run that has not finished is refused, although all else in its record is right."""
    client = "mlops_probes.tracking:set_status"
    for status in ("FAILED", "RUNNING", "KILLED", "SCHEDULED"):
        logged.lab.make(client, logged.run, status)
        try:
            with expect.raises(
                "ValueError",
                what=f"`reproduce` of a run that is {status}",
                help="`mlflow.get_run(run_id).info.status` has to be FINISHED: any other run may lack a part.",
            ):
                logged.lab.tracking.reproduce(logged.run, logged.table)
        finally:
            logged.lab.make(client, logged.run, "FINISHED")


def judge_metrics(logged: Logged) -> None:
    """A training that comes out otherwise is refused, by whichever metric, and by however little."""
    run = _training(logged.lab, logged.train, logged.test, logged.lab.make("mlops_probes.tracking:Restless"), None)
    with expect.raises(
        "ValueError",
        what="`reproduce` of a training without a seed, which comes out otherwise each time",
        help="Compare each metric with that of the run: same data and same code are not enough.",
    ):
        logged.lab.tracking.reproduce(run, logged.table)
    client = "mlops_probes.tracking:relog"
    # The first is better when it is repeated, the second worse: neither is the same.
    for name, factor in zip(METRICS, (1 + OFF, 1 - OFF, 1 + OFF), strict=True):
        logged.lab.make(client, logged.run, name, factor)
        with expect.raises(
            "ValueError",
            what=f"`reproduce` of a run whose `{name}` differs by five millionths from what comes out",
            help="Compare each of the three metrics with that of the run, to a millionth, in both directions: "
            "`math.isclose(value, logged, rel_tol=1e-6)`. Where all is the same, hardly a digit differs.",
        ):
            logged.lab.tracking.reproduce(logged.run, logged.table)
        logged.lab.make(client, logged.run, name, 1 / factor)
    logged.lab.make(client, logged.run, "rmse", 1 + TINY)
    try:
        logged.lab.tracking.reproduce(logged.run, logged.table)
    except LearnerError as error:
        fail(
            expected="a training whose `rmse` differs by a hundredth of a millionth is repeated all the same",
            found=f"{error.type_name}: {error.message}"[:300],
            help="Another processor adds in another order, and the last digits differ: compare with "
            "`math.isclose(value, logged, rel_tol=1e-6)`.",
        )
    finally:
        logged.lab.make(client, logged.run, "rmse", 1 / (1 + TINY))


__all__ = ["DATA", "judge_code", "judge_data", "judge_metrics", "judge_same", "judge_unfinished", "log"]
