"""Judges the diagnosis (6.6)."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pandas as pd

from lab6_judges.drift_rules import LEAVE_OUT
from lab6_judges.houses import Generator, all_sales, draw_calm_months
from labkit.checks import LabHandle, expect, fail

NEXT_STEPS = {"none": "keep watching", "data bug": "mend", "covariate": "compare", "concept": "retrain"}
BUGS = (
    "square metres", "a third", "four times", "one area", "some sums", "missing", "constant", "another constant",
    "two signs", "gone",
)  # fmt: skip
SUMS = ["sqft_living", "sqft_above", "sqft_basement", "grade", "lat"]


def performance(bias: list[float], half: float = 0.008, unfinished: float | None = None) -> pd.DataFrame:
    """What `performance_drift` would answer: complete months of this bias, and perhaps one that is not complete."""
    values = [*bias, *([] if unfinished is None else [unfinished])]
    month = pd.date_range("2014-10-01", periods=len(values), freq="MS")
    bias_of = np.array(values)
    mae = 65_000 + 300_000 * np.abs(bias_of)
    return pd.DataFrame(
        {
            "month": month, "predictions": 1_500, "known": 1_500, "mae": mae, "mae_low": mae - 5_000,
            "mae_high": mae + 5_000, "bias": bias_of, "bias_low": bias_of - half, "bias_high": bias_of + half,
            "complete": [True] * len(bias) + [False] * (unfinished is not None),
        }
    )  # fmt: skip


CALM = performance([0.001, -0.004, 0.002, -0.006])


def ask(
    lab: LabHandle, reference: pd.DataFrame, current: pd.DataFrame, seen: pd.DataFrame, verdict: str, why: str,
    *, help: str = "", names: tuple[str, ...] = (), strangers: tuple[str, ...] = (),
) -> list[str]:  # fmt: skip
    """Have the learner's code tell what is the matter; fail where it tells something else. Return the evidence.

    It names all of `names`, and none of `strangers`.
    """
    lab.make(LEAVE_OUT)
    answer = lab.drift.diagnose(reference, current, seen)
    diagnosis = expect.handle(answer, "the answer of `diagnose`", help="return a `Diagnosis`")
    said, step = diagnosis.attr("verdict"), expect.text(diagnosis.attr("next_step"), "`next_step`")
    evidence = diagnosis.attr("evidence")
    if not isinstance(evidence, list | tuple) or not all(isinstance(one, str) for one in evidence):
        fail(expected="`evidence` is a tuple of sentences", found=expect.shown(evidence))
    shown = f"{said!r}: {'; '.join(evidence) or 'no evidence'}"
    expect.that(said == verdict, expected=f"{verdict!r}: {why}", found=shown, help=help)
    if verdict == "data bug" and "retrain" in step.lower():
        fail(
            expected="a next step that mends the data",
            found=step,
            help="A model that is trained on a broken column has learned the bug. Retraining is for another market.",
        )
    expect.that(
        step.startswith(NEXT_STEPS[verdict]), expected=f"the next step of NEXT_STEPS for {verdict!r}", found=step
    )
    missing = [name for name in names if not any(name in one for one in evidence)]
    expect.that(
        not missing,
        expected=f"evidence that names {', '.join(missing)}: {why}",
        found=evidence,
        help="A sentence for each sign, and not for the first one only; it names what shows it. Where many houses "
        "have 0, the median of those above 0 counts.",
    )
    if len(evidence) < len(names):
        fail(
            expected=f"a sentence for each sign, {len(names)} or more: {why}", found="; ".join(evidence),
            help="Each column that shows it is a sign of its own: whoever mends it goes through them one by one.",
        )  # fmt: skip
    # What a month was like before may stand beside what it is like now.
    alone = [one for one in evidence if verdict != "concept" or not any(name in one for name in names)]
    odd = [name for name in strangers if any(re.search(rf"\b{name}\b", one) for one in alone)]
    expect.that(
        not odd,
        expected=f"no evidence about {', '.join(odd)}: {why}",
        found=evidence,
        help="A sentence for each sign of this verdict, and nothing else: whoever reads it looks there first.",
    )
    if verdict == "none":
        expect.that(not evidence, expected="no evidence of nothing", found=evidence)
    return list(evidence)


def judge_calm(lab: LabHandle, rng: Generator) -> None:
    """Fail where months that are drawn from the training period ring."""
    reference, *months = draw_calm_months(rng, 900, months=3)
    for month in months:
        ask(lab, reference, month, CALM, "none", "the month is drawn from the same houses, and the bias is below 1 %")
    everything = pd.concat(months, ignore_index=True)  # of one month, the PSI is above 0.2 now and then
    newer = everything.assign(yr_built=everything["yr_built"] + 3)
    why = "they are drawn from the same houses, but for three years: a small change (PSI below 0.2), however sure"
    ask(lab, reference, newer, CALM, "none", why, help="`drifted` of the report asks for both: real, and large.")


def judge_signs_of_a_bug(lab: LabHandle, rng: Generator, bug: str) -> None:
    """Fail where one kind of data bug is taken for something else."""
    reference, current = (table[SUMS].astype(float) for table in draw_calm_months(rng, 800))
    rows = np.arange(len(current)) < len(current) * rng.uniform(0.07, 0.1)
    few = np.arange(len(current)) < len(current) * rng.uniform(0.015, 0.03)
    off = rng.integers(1, 30, len(current))
    times = rng.uniform(3.2, 4)
    large = times * reference["grade"].median() / current["grade"].median()
    gaps = [table["grade"].mask(np.arange(len(table)) % 50 == 0) for table in (reference, current)]
    share = 0.7 if bug == "constant" else 0.95  # and some grades are 7 anyway
    common = reference["grade"].mask(rng.random(len(reference)) < share, 7.0)
    tenth = np.arange(len(reference)) % 10 == 9
    made: dict[str, tuple[pd.DataFrame, str, str]] = {
        "square metres": (
            current.assign(**{name: current[name] * 0.0929 for name in SUMS[:3]}),
            "sqft_living sqft_above sqft_basement",
            "all areas are in square metres, so the sums still hold",
        ),
        "one area": (
            current.assign(sqft_living=(current["sqft_living"] * rng.uniform(1.1, 1.3)).round()),
            "sqft_living",
            "`sqft_living` is no longer the sum of its parts",
        ),
        "some sums": (
            current.assign(sqft_above=current["sqft_above"].mask(few, current["sqft_above"] + off)),
            "sqft_living",
            f"`sqft_living` is not the sum of its parts in {few.mean():.1%} of the rows (by 1 to 29), and before "
            "in 4 of 1,600",
        ),
        "a third": (
            current.assign(grade=current["grade"] * large / times**2),
            "grade",
            "`grade` is less than a third of what it was",
        ),
        "four times": (
            current.assign(grade=gaps[1] * times * gaps[0].median() / gaps[1].median()),
            "grade",
            "`grade` is more than three times as large as before; now and before, some of its values are missing",
        ),
        "missing": (
            current.assign(grade=current["grade"].mask(rows | tenth[: len(rows)]), lat=np.nan),
            "grade lat",
            f"{(rows | tenth[: len(rows)]).mean():.0%} of the values of `grade` are missing, and before "
            f"{tenth.mean():.0%}; all of `lat` are",
        ),
        "constant": (
            current.assign(grade=7.0),
            "grade",
            f"each house has grade 7, and before {(common == 7).mean():.0%} had it",
        ),
        "another constant": (
            current.assign(grade=current["grade"].mask(~few, 9.0).mask(few)),
            "grade",
            f"each house has grade 9 or none, and before {(common == 7).mean():.0%} had 7",
        ),
        "two signs": (
            current.assign(grade=(current["grade"] * large * 1.3).mask(rows)),
            "grade",
            f"{rows.mean():.0%} of the values of `grade` are missing, and the others are too large",
        ),
        "gone": (
            current.drop(columns=["lat", "sqft_basement"]),
            "lat sqft_basement",
            "the columns `lat` and `sqft_basement` are gone",
        ),
    }
    table, named, why = made[bug]
    names = tuple(named.split())
    if "constant" in bug:
        reference = reference.assign(grade=common)
    if bug == "missing":
        reference = reference.assign(grade=reference["grade"].mask(tenth))
    if bug == "four times":
        reference = reference.assign(grade=gaps[0])
    if bug == "some sums":
        broken = reference["sqft_living"].mask(np.arange(len(reference)) % 400 == 0, reference["sqft_living"] + 7)
        reference = reference.assign(sqft_living=broken)
    seen = performance([0.0, 0.002, 0.09])  # the error has risen too: that is what a bug does
    evidence = ask(
        lab,
        reference,
        table,
        seen,
        "data bug",
        why,
        help="Look for a bug first: a test for drift sees it too, and a rising error follows from it.",
        names=names,
        strangers=("2014-12", *{"grade", "lat"}.difference(names)),
    )
    if bug == "two signs":
        expect.that(
            len([one for one in evidence if "grade" in one]) >= 2,
            expected=f"two sentences about `grade`: {why}",
            found=evidence,
            help="A sentence for each sign: a column may have several, and whoever mends it has to know all of them.",
        )


def judge_no_bug(lab: LabHandle, rng: Generator) -> None:
    """Fail where what was always so is a bug: few houses at the water, sums that never held, missing years."""
    reference, current = draw_calm_months(rng, 800)
    waterless = current.assign(waterfront=False)
    odd = [
        table.assign(
            grade=table["grade"].astype(float).mask(np.arange(len(table)) % 10 < 3),  # of each table the same share
            sqft_living=table["sqft_above"] + 50,
        )
        for table in (reference, waterless)
    ]
    why = "nothing is new: sums did not hold before, grades were missing before, and few houses lie at the water"
    ask(lab, *odd, CALM, "none", why, help="Compare with the reference: only what has changed is a sign.")
    # One house of a thousand times its size moves the mean, and no median; and where a part is lost, no sum is broken.
    basement = current["sqft_basement"].astype(float)
    basement = basement.mask((basement > 0) & ((basement > 0).cumsum() <= 28))
    known = np.flatnonzero(basement.notna())  # where the sum is one
    size = current["sqft_living"].mask(np.arange(len(current)) == rng.choice(known), 5_000_000)
    why = "one house has an area of 5,000,000, and 28 of 800 basements are missing: that is less than each limit allows"
    ask(
        lab, reference[SUMS], current[SUMS].assign(sqft_living=size, sqft_basement=basement), CALM, "none", why,
        help="Each sign has its limit: the median, and not the mean; a share of the rows, and not one of them. Where a "
        "part is missing, nobody knows whether the sum is broken.",
    )  # fmt: skip


def judge_other_houses(lab: LabHandle, rng: Generator, bias: float) -> None:
    """Fail where houses of other zipcodes are not told from another market."""
    sales = all_sales()
    here = sales["zipcode"].astype(str).str.startswith("981")
    names = ["sqft_living", "yr_built", "lat", "long", "zipcode"]
    reference = sales[here].sample(1_500, random_state=rng)[names].reset_index(drop=True)
    current = sales[~here].sample(800, random_state=rng)[names].reset_index(drop=True)
    seen = performance([0.0, 0.003, bias])
    ask(
        lab, reference, current, seen, "covariate", "the houses lie in zipcodes that the reference does not have",
        names=("zipcode", "long"), strangers=("2014-12",),
        help="Where features have drifted, the error does not tell whether the market has.",
    )  # fmt: skip


def judge_one_column(lab: LabHandle, rng: Generator) -> None:
    """Fail where one column that drifts is too few, or where numbers on both sides of 0 are judged by their size."""
    reference, current = (table[["yr_built", "grade", "lat"]] for table in draw_calm_months(rng, 800))
    newer = current.assign(yr_built=current["yr_built"] + 20)
    why = "the houses are 20 years younger, and else the same"
    ask(
        lab,
        reference,
        newer,
        CALM,
        "covariate",
        why,
        names=("yr_built",),
        strangers=("grade", "lat"),
        help="One column that has drifted is enough.",
    )
    warmer = [table.assign(warmth=rng.normal(mean, 1, len(table))) for table, mean in ((reference, 0), (current, 4))]
    times = rng.uniform(2.75, 2.85)
    steady = reference["grade"].median() / current["grade"].median()
    warmer[1] = warmer[1].assign(grade=current["grade"] * steady * times, lat=current["lat"] / times)
    why = f"`warmth`, which had both signs before, has risen; `grade` is {times:.2f} times as large, `lat` as small"
    ask(
        lab, *warmer, CALM, "covariate", why, names=("warmth", "grade", "lat"), strangers=("yr_built",),
        help="How many times as large it is says something of a column that was never below 0, and nothing of others; "
        "and it has to be more than MOST_SCALE times.",
    )  # fmt: skip


def judge_another_market(lab: LabHandle, rng: Generator) -> None:
    """Fail where a bias beyond the limit is not told, on either side."""
    reference, current = draw_calm_months(rng, 700)
    for sign in (-1, 1):
        months = [0.002, -0.008, sign * rng.uniform(0.02, 0.028), sign * rng.uniform(0.05, 0.09)]
        seen = performance(months, unfinished=0.001).iloc[[2, 4, 3, 0, 1]]
        ask(
            lab, reference, current, seen, "concept", f"the bias of 2015-01 is {months[-1]:+.3f}, beyond 0.03",
            names=("2015-01",), strangers=("2014-10", "2014-11", "2014-12", "2015-02"),
            help="The newest complete month decides, whatever the order of the rows, and "
            "whatever the month is like whose prices are still coming in.",
        )  # fmt: skip


Case = Callable[[Generator], pd.DataFrame]
NOT_YET: dict[str, tuple[Case, str]] = {
    "not complete": (
        lambda rng: performance([0.001, -0.004, 0.002], unfinished=float(rng.uniform(-0.12, -0.08))),
        "the month with the bias is not complete: its prices are still coming in",
    ),
    "within the limits": (
        lambda rng: performance([0.001, float(rng.uniform(-0.045, -0.035))], half=0.02),
        "the limits of the bias reach to below 3 %: it may be chance",
    ),
    "limits on both sides": (
        lambda rng: performance([0.001, float(rng.uniform(-0.004, 0.004))], half=float(rng.uniform(0.05, 0.08))),
        "a limit of the bias lies beyond 3 % on either side: of so few prices nobody knows",
    ),
    "over again": (
        lambda rng: performance([0.0, float(rng.uniform(0.06, 0.09)), 0.004]),
        "the bias was in an earlier month, and the newest complete one is fine",
    ),
    "below the limit": (
        lambda rng: performance([0.001, 0.004, float(rng.choice([-1, 1]) * rng.uniform(0.015, 0.02))]),
        "the bias is sure, and smaller than 3 %",
    ),
    "one price": (
        lambda rng: performance([0.001, float(rng.uniform(0.06, 0.09)), float(rng.uniform(-0.09, -0.06))]).assign(
            bias_low=[-0.01, 0.05, np.nan], bias_high=[0.01, 0.1, np.nan]
        ),
        "of the newest complete month one price is known: there are no limits, and the bias may be chance",
    ),
    "no month": (lambda rng: performance([0.08]).head(0), "no month is complete yet"),
}


def judge_not_yet(lab: LabHandle, rng: Generator, case: str) -> None:
    """Fail where a bias rings that is not sure, or not there any more."""
    reference, current = draw_calm_months(rng, 500)
    draw, why = NOT_YET[case]
    columns = ["grade", "lat"]
    ask(lab, reference[columns], current[columns], draw(rng), "none", why, help="Wait for the complete month.")
