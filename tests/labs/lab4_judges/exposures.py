"""Judgements of the service's part of 4.6: units are priced by the model of their arm, and it is logged."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from lab2_judges import inputs

from lab4_judges.assignment import arms, draw_units
from labkit.checks import LabHandle, expect, fail

PATH = "`POST /v1/house-price/experiment`"


def judge_experiment(lab: LabHandle, rng: np.random.Generator) -> None:
    """With a challenger, each unit has its arm; without one, the champion answers and nothing is logged."""
    factors = {"champion": float(rng.integers(1_000, 49_999)), "challenger": float(rng.integers(50_000, 99_999))}
    units, share = draw_units(rng, 60), 0.4
    got = arms(lab, units, "challenger-2", share)
    asked = [
        {"unit": unit, "house": house} for unit, house in zip(units, inputs.draw_houses(rng, len(units)), strict=True)
    ]
    for one, is_challenger, answer in zip(asked, got, ask(lab, share, factors, asked), strict=True):
        judge_answer(one, "challenger" if is_challenger else "champion", factors, answer)
    # A request that meets a swap: the next version is taken while this one prices the house.
    for place in (int(np.flatnonzero(got)[0]), int(np.flatnonzero(~got)[0])):
        (answer,) = ask(lab, share, factors, [{**asked[place], "swap": True}])
        judge_answer(asked[place], "challenger" if got[place] else "champion", factors, answer)
    # A share of 0 is a share: whoever has the challenger at 0.4 has the champion now.
    few = [asked[place] for place in np.flatnonzero(got)[:6]]
    for one, answer in zip(few, ask(lab, 0.0, factors, few), strict=True):
        judge_answer(one, "champion", factors, answer)
    alone = {"champion": factors["champion"]}
    few = [asked[place] for place in (*np.flatnonzero(got)[:2], *np.flatnonzero(~got)[:1])]  # of both arms
    for one, answer in zip(few, ask(lab, share, alone, few), strict=True):
        judge_answer(one, None, alone, answer)
    over = [{**one, "over": True} for one in few]
    for one, answer in zip(over, ask(lab, share, factors, over), strict=True):
        judge_answer(one, None, factors, answer)


def ask(lab: LabHandle, share: float, factors: dict[str, float], asked: list[dict[str, Any]]) -> list[Any]:
    """The answers of the learner's app, each with what was logged."""
    factory, package = f"{lab._package}.serve:create_app", "lab4_tracking"
    probe = "mlops_probes.serving:ask_in_experiment"
    answers = lab.make(probe, factory, package, share, factors, asked, doing=PATH)
    if not isinstance(answers, list) or len(answers) != len(asked):
        fail(expected="an answer to each request", found=expect.shown(answers))
    return answers


def judge_answer(asked: dict[str, Any], arm: str | None, factors: dict[str, float], answer: Any) -> None:
    """One answer, and its line in the log."""
    status, text, lines = answer
    expect.that(
        status == 200,
        expected=f"{PATH} with `?unit={asked['unit']}` answers with status 200",
        found=f"status {status}, {expect.shown(str(text)[:200])}",
        help="`unit` is a parameter of the query, the body is a `House`.",
    )
    without = "when the alias of the challenger was taken away" if asked.get("over") else "without a challenger"
    value = json.loads(str(text))
    value = value if isinstance(value, dict) else {}
    expect.that(
        value.get("arm", "") == arm,
        expected=f"`arm` is null {without}" if arm is None else f"`arm` is {arm!r}, as `assign` says",
        found=expect.shown("null" if value.get("arm", "") is None else value.get("arm", "no such field")),
        help="Its version is still loaded then: ask `named`, too."
        if asked.get("over")
        else "The name of the experiment is `challenger-` and the version, the share is `app.state.share`.",
    )
    serving = arm or "champion"
    version, wanted = str(1 + list(factors).index(serving)), asked["house"]["grade"] * factors[serving]
    help = f"Ask the models of that arm: `app.state.followers[{serving!r}].models`."
    expect.close(value.get("price"), wanted, f"the price of the {serving}", help=help)
    expect.that(
        value.get("model_version") == version,
        expected=f"`model_version` is {version!r}, that of the {serving}",
        found=value.get("model_version"),
        help=f"{help} Read the version before the price is awaited: in between, another version may be taken.",
    )
    likely, warnings = value.get("likely_range"), value.get("warnings")
    low = round(wanted * (0.9 - int(version) / 10), 2)
    expect.that(
        isinstance(likely, dict) and abs(float(likely.get("low") or 0.0) - low) <= 0.51,
        expected=f"the answer has all that lab 2 says of a price: `likely_range` of the {serving} begins at {low:,.0f}",
        found=expect.shown("null" if likely is None else likely),
        help="`lab2.price_houses` has made it: `ArmPrice(**dict(priced), …)` takes all of it over.",
    )
    expect.that(
        bool(warnings),
        expected="the answer has all that lab 2 says of a price: the `warnings`, too",
        found=expect.shown(warnings),
        help="This zipcode was not in the training data. `ArmPrice(**dict(priced), …)` takes all of it over.",
    )
    if arm is None:
        expect.that(not lines, expected=f"no `exposure` is logged {without}", found=f"{len(lines)} lines")
        return
    expect.that(
        len(lines) == 1,
        expected=f"one line of the log with the message `exposure` for {asked['unit']}",
        found=f"{len(lines)} such lines",
        help='`logger.info("exposure", extra={"fields": {…}})`: without it nobody can say later who saw what.',
    )
    right = {"unit": asked["unit"], "experiment": "challenger-2", "arm": arm, "model_version": version}
    for name, one in right.items():
        found = lines[0].get(name)
        help = {
            "experiment": "The name of the experiment is `challenger-` and the version that the arm was assigned with.",
            "model_version": "It is the version that has answered, whichever arm that is.",
        }.get(name, "")
        expect.that(found == one, expected=f"`{name}` in the log is {one!r}", found=found, help=help)
    expect.close(lines[0].get("price"), wanted, "`price` in the log")
