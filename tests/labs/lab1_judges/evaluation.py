"""Judges `evaluate` (1.3)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from lab1_judges.answers import called, few
from lab1_judges.folds import METRICS, ProbeRun, explain, score
from lab1_judges.samples import Generator, draw_sales
from labkit.checks import LabHandle, LearnerError, expect, fail


def judge_evaluate(lab: LabHandle, rng: Generator) -> None:
    """Fail where `evaluate(model, sales)` does not measure what it says."""
    sales = draw_sales(rng, 150)
    run = ProbeRun(sales, 1, sales["price"].to_numpy() * rng.lognormal(0, 0.3, len(sales)))
    callbacks = (lambda *given: run.on_fit(*given), lambda *given: run.on_predict(*given))
    probe = lab.make("mlops_probes.spies:ProbeRegressor", *callbacks)
    probe.fit(sales, sales["price"])
    part = rng.choice(len(sales), 60, replace=False)
    given = sales.iloc[part]
    try:
        values, (_, after) = called(lab, "house_price", "evaluate", probe, given)
    except LearnerError:
        if run.problem:
            fail(**run.problem)
        raise
    expect.that(
        isinstance(after, pd.DataFrame) and after.equals(given),
        expected="`evaluate` leaves `sales` as it is",
        found="it was changed",
        help="Whoever judges two models on the same sales needs them twice: `drop` makes another table, `pop` and "
        "`inplace=True` change this one.",
    )
    expect.that(
        len(run.trained) == 1,
        expected="`evaluate(model, sales)` trains nothing",
        found="it trains the model on the sales that it is judged on",
    )
    if not isinstance(values, dict) or not set(METRICS) <= set(values):
        fail(
            expected="`evaluate(model, sales)` is a dict with the keys rmse, mae, r2",
            found=f"a dict with the keys {few(values)}" if isinstance(values, dict) else expect.shown(values),
        )
    run.asked[0], run.trained[0] = part, np.setdiff1d(np.arange(len(sales)), part)
    wanted = score(sales["price"].to_numpy(dtype=float)[part], run.predicted[part])
    for name in METRICS:
        found = expect.number(values[name], f"`{name}` of `evaluate(…)`")
        if not np.isclose(found, wanted[name], rtol=1e-5, atol=6e-4):
            fail(
                expected=f"`{name}` of `evaluate(…)` is {expect.figure(wanted[name])}, measured in dollars",
                found=expect.figure(found),
                help=explain(run, name, np.array([found])),
            )
