"""Judgements of 4.7: how many units an experiment takes, and what may be concluded from its outcomes."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, log, sqrt
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from labkit.checks import LabHandle, expect, fail

EFFECT, FEWEST, MISMATCH = 5_000.0, 100, 0.001
"""As in the lab's own file: what these words stand for is given there."""
DAYS, DAILY = 14, 60
"""Of the simulated A/A tests: how long they run, and units per arm and day."""


def judge_sample_size(lab: LabHandle, rng: np.random.Generator) -> None:
    """The formula of the docstring, for several effects."""
    # The last effect is so large that less than `FEWEST` units find it.
    for power, alpha, times in ((0.8, 0.05, 1), (0.9, 0.01, 1), (0.8, 0.05, 20)):
        sd, effect = float(rng.uniform(50_000, 120_000)), float(rng.uniform(4_000, 9_000)) * times
        z = stats.norm.ppf
        exact = 2 * ((z(1 - alpha / 2) + z(power)) * sd / effect) ** 2
        found = expect.number(lab.ab_test.sample_size(effect, power=power, alpha=alpha, sd=sd), "`sample_size(…)`")
        if found == ceil(exact):
            continue
        help = ""
        one_sided = 2 * ((z(1 - alpha) + z(power)) * sd / effect) ** 2
        if abs(found - one_sided) <= 1:
            help = "This is the test of one side. Nobody knows beforehand that the challenger is not worse: alpha / 2."
        elif abs(found - 2 * exact) <= 2:
            help = "This is the number for both arms together."
        elif abs(found - exact / 2) <= 1:
            help = "Both means vary, so the variance of their difference is twice that of one: hence the 2 in front."
        elif abs(found - exact) <= 1:
            help = "Rounded up: with a unit less, the power is not reached. And a number of units is an integer."
        elif found == FEWEST:
            help = "`FEWEST` is for the verdict. This is what the formula says, however few units that are."
        elif abs(found - 2 * (z(1 - alpha / 2) * sd / effect) ** 2) <= 1:
            help = "Without z(power) the difference is found in half of the experiments only."
        fail(
            expected=f"{ceil(exact):,} per arm for effect {effect:,.0f}, power={power}, alpha={alpha}, sd={sd:,.0f}",
            found=expect.figure(found),
            help=help,
        )
    many, few = (float(lab.ab_test.sample_size(effect, sd=80_000.0)) for effect in (2_000.0, 4_000.0))
    expect.that(
        abs(many / few - 4) < 0.01,
        expected="half the effect takes four times as many units",
        found=f"{many:,.0f} and {few:,.0f}",
    )


def draw_errors(rng: np.random.Generator, shape: Any) -> np.ndarray:
    """Absolute errors of prices: none below 0, a long tail, USD."""
    return np.asarray(rng.lognormal(10.7, 0.9, shape))


def outcomes(champion: np.ndarray, challenger: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    """One answer per unit, in a drawn order."""
    arm = np.repeat(["champion", "challenger"], [len(champion), len(challenger)])
    table = pd.DataFrame({"arm": arm, "error": np.concatenate([champion, challenger])})
    table = table.sample(frac=1, random_state=rng).reset_index(drop=True)
    table.insert(0, "unit", [f"customer-{number}" for number in rng.permutation(10 * len(table))[: len(table)]])
    return table


def repeated(table: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """The same units with several answers each, that lie near to each other: the units stay in their order."""
    table = table.loc[table.index.repeat(rng.integers(1, 9, len(table)))].reset_index(drop=True)
    table["error"] *= rng.uniform(0.9, 1.1, len(table))
    return table


@dataclass(frozen=True)
class Figures:
    """What the docstring of `analyse` defines."""

    difference: float
    half: float
    plain: float  # half of the interval of a single look
    mismatch_p: float
    fewest: int

    def decision(self, planned: int | None) -> str:
        """What the experiment has found."""
        if self.mismatch_p < MISMATCH:
            return "mismatch"
        if self.fewest < max(FEWEST, planned or 0) or abs(self.difference) <= self.half:
            return "undecided"
        return "challenger" if self.difference < 0 else "champion"


def figures(
    table: pd.DataFrame, effect: float = EFFECT, share: float = 0.5, alpha: float = 0.05, planned: int | None = None
) -> Figures:
    """Compute them a second time, in another way than the lab does."""
    means = {
        arm: part.groupby("unit", sort=False)["error"].mean().to_numpy() for arm, part in table.groupby("arm")
    }  # fmt: skip
    champion, challenger = means["champion"], means["challenger"]
    sizes = [len(champion), len(challenger)]
    total = sum(sizes)
    p = float(stats.chisquare(sizes, [total * (1 - share), total * share]).pvalue)
    champion, challenger = champion[:planned], challenger[:planned]
    variance = stats.sem(champion) ** 2 + stats.sem(challenger) ** 2
    difference = float(np.mean(challenger) - np.mean(champion))
    plain = half = float(stats.norm.isf(alpha / 2) * sqrt(variance))
    if planned is None:
        wide = variance + effect**2
        half = sqrt(2 * variance * wide / effect**2 * (-log(alpha) + 0.5 * log(wide / variance)))
    return Figures(difference, half, plain, p, min(sizes))


def ask(lab: LabHandle, table: pd.DataFrame, **options: Any) -> dict[str, Any]:
    """The learner's verdict, as plain values."""
    verdict = expect.handle(lab.ab_test.analyse(table, **options), "the answer of `analyse`")
    names = ("difference", "low", "high", "mismatch_p", "method", "decision")
    if missing := verdict.lacks(*names):
        fail(expected="`analyse` returns a `Verdict`", found=f"{expect.shown(verdict)} without {', '.join(missing)}")
    return {name: verdict.attr(name) for name in names}


def judge_figures(lab: LabHandle, rng: np.random.Generator) -> None:
    """Difference, interval and p-value are those of the docstring, for both methods."""
    sizes = [int(one) for one in rng.choice(np.arange(150, 400), 2, replace=False)]  # equal ones hide mistakes
    share = sizes[1] / sum(sizes)
    table = outcomes(draw_errors(rng, sizes[0]), draw_errors(rng, sizes[1]) * 0.9, rng)
    for options in ({}, {"effect": 9_000.0, "alpha": 0.01}, {"planned": 120}, {"planned": 130, "alpha": 0.1}):
        options = {"share": round(share, 2), **options}
        found, wanted = ask(lab, table, **options), figures(table, **options)
        said = ", ".join(f"{name}={value:g}" for name, value in options.items())
        _close(found["difference"], wanted.difference, f"`difference` with {said}", _sides(found, wanted, table))
        _close(
            found["mismatch_p"],
            wanted.mismatch_p,
            f"`mismatch_p` with {said}",
            "All units count, also those after `planned`, against the share that was meant.",
        )
        low, high = (expect.number(found[name], f"`{name}`") for name in ("low", "high"))
        _close((low + high) / 2, wanted.difference, f"the middle of the interval with {said}", "")
        _close(
            (high - low) / 2,
            wanted.half,
            f"half of the interval with {said}",
            _narrow(wanted, (high - low) / 2, options),
        )
        method = "fixed-horizon" if "planned" in options else "always-valid"
        expect.that(found["method"] == method, expected=f"`method` is {method!r} with {said}", found=found["method"])
        decision = wanted.decision(options.get("planned"))
        expect.that(
            found["decision"] == decision,
            expected=f"`decision` is {decision!r} with {said}, where the interval is {found['low']:,.0f} to "
            f"{found['high']:,.0f}",
            found=found["decision"],
            help="Where 0 lies in the interval nothing is decided, with `planned` units, too.",
        )
    _judge_early(lab, rng)


def _judge_early(lab: LabHandle, rng: np.random.Generator) -> None:
    """Two units in each arm decide nothing, and all figures are there."""
    table = outcomes(draw_errors(rng, 2), draw_errors(rng, 2), rng)
    for planned in (None, 120):
        found, wanted = ask(lab, table, planned=planned), figures(table, planned=planned)
        when = "with two units in each arm" + (f" of {planned} that were planned" if planned else "")
        help = "Undecided is a decision. The figures say what is known so far: they need two units in each arm."
        _close(found["difference"], wanted.difference, f"`difference` {when}", help)
        low, high = (expect.number(found[name], f"`{name}`") for name in ("low", "high"))
        _close((high - low) / 2, wanted.half, f"half of the interval {when}", help)
        decision = wanted.decision(planned)
        expect.that(
            found["decision"] == decision, expected=f"`decision` is {decision!r} {when}", found=found["decision"]
        )


def _close(found: object, wanted: float, what: str, help: str) -> None:
    expect.close(found, wanted, what, rel=1e-6, abs=1e-9, help=help)


def _sides(found: dict[str, Any], wanted: Figures, table: pd.DataFrame) -> str:
    if np.isclose(expect.number(found["difference"], "`difference`"), -wanted.difference):
        return "The challenger minus the champion: below 0 its error is smaller."
    return "Only the first `planned` units of each arm count, in the order in which they came."


def _narrow(wanted: Figures, half: float, options: dict[str, Any]) -> str:
    if "planned" not in options and np.isclose(half, wanted.plain, rtol=0.02):
        return (
            "This is the interval of a test that is looked at once. Who looks each day gets it wrong far more "
            "often than alpha says: use the always-valid one."
        )
    return "Variances with n - 1, each divided by its own number of units, then added."


def judge_units(lab: LabHandle, rng: np.random.Generator) -> None:
    """A unit with many answers counts once."""
    table = outcomes(draw_errors(rng, 150), draw_errors(rng, 150), rng)
    many = repeated(table, rng)
    # Some ask again much later: their place is that of their first answer, and the mean has all answers in it.
    again = rng.permutation(len(table))[:60]
    many = pd.concat([many, table.iloc[again].assign(error=draw_errors(rng, len(again)))], ignore_index=True)
    many.index = pd.Index(rng.permutation(len(many)))  # rows stand in their order, whatever they are called
    for planned in (None, 110):
        found, wanted = ask(lab, many, planned=planned), figures(many, planned=planned)
        wrong = figures(many.assign(unit=[str(place) for place in range(len(many))]), planned=planned)
        for name, right, other in (
            ("difference", wanted.difference, wrong.difference),
            ("half of the interval", wanted.half, wrong.half),
        ):
            value = found["difference"] if name == "difference" else (found["high"] - found["low"]) / 2
            counted = np.isclose(expect.number(value, name), other)
            help = "Each row was counted as a unit of its own." if counted else ""
            if planned:
                help += (
                    " The first units are those whose first answers came first, in the order of the rows, whatever the "
                    "index is; all their answers count."
                )
            help += (
                " Ten answers to one customer are no ten customers: take the mean of each unit first. Else the "
                "interval is too narrow."
            )
            _close(value, right, f"{name}, of 150 units per arm with 1 to 8 answers each", help.strip())
    expect.that(
        ask(lab, many)["mismatch_p"] == 1.0,
        expected="`mismatch_p` is 1 where each arm has 150 units",
        found=ask(lab, many)["mismatch_p"],
        help="Units were assigned, not answers: count units.",
    )


def judge_decisions(lab: LabHandle, rng: np.random.Generator) -> None:
    """A clear difference is found, in both directions; too few units decide nothing."""
    better, worse = draw_errors(rng, 400) * 0.5, draw_errors(rng, 400)
    while figures(outcomes(worse, better, rng)).decision(None) != "challenger":  # one long tail may hide it
        better, worse = draw_errors(rng, 400) * 0.5, draw_errors(rng, 400)
    for champion, challenger, wanted in ((worse, better, "challenger"), (better, worse, "champion")):
        for planned in (None, 400):
            found = ask(lab, outcomes(champion, challenger, rng), planned=planned)
            expect.that(
                found["decision"] == wanted,
                expected=f"`decision` is {wanted!r}, whose errors are half as large, over 400 units each",
                found=found["decision"],
                help="Lower is better: these are errors.",
            )
    few = FEWEST - 1
    for champion, challenger in ((worse[:280], better[:150]), (worse[:150], better[:280])):
        share = len(challenger) / 430
        uneven = outcomes(champion, challenger, rng)
        # The horizon alone speaks against a decision: the interval is clear of 0.
        while (clear := figures(uneven, share=share, planned=151)).difference >= -clear.half:
            uneven = outcomes(draw_errors(rng, len(champion)), draw_errors(rng, len(challenger)) * 0.5, rng)
        found = ask(lab, uneven, planned=151, share=share)
        expect.that(
            found["decision"] == "undecided",
            expected=f"`decision` is 'undecided' with planned=151, while the champion has {len(champion)} units and "
            f"the challenger {len(challenger)}",
            found=found["decision"],
            help="Each arm must have its `planned` units. Their sum is no horizon.",
        )
    # The interval is clear of 0 in each draw.
    far, near = rng.uniform(900, 1_100, few + 50), rng.uniform(9, 11, few + 1)
    for planned, arms in ((None, (far, near[:few])), (few - 30, (far, near[:few])), (None, (near[:few], far))):
        share = len(arms[1]) / (2 * few + 50)
        found = ask(lab, outcomes(*arms, rng), share=share, planned=planned)
        smaller = "challenger" if arms[0] is far else "champion"
        expect.that(
            found["decision"] == "undecided",
            expected=f"`decision` is 'undecided' with {few} units of the {smaller}, however large the difference"
            + (f", also where {planned} were planned" if planned else ""),
            found=found["decision"],
            help="`FEWEST` units in each arm: the means of a few long-tailed errors are not normal.",
        )
    found = ask(lab, outcomes(far, near, rng), share=FEWEST / (2 * few + 51))
    expect.that(
        found["decision"] == "challenger",
        expected=f"`decision` is 'challenger' with {FEWEST} units in its arm, which are enough, and far smaller errors",
        found=found["decision"],
        help="Undecided is an arm with fewer than `FEWEST` units: just as many are enough.",
    )


def judge_mismatch(lab: LabHandle, rng: np.random.Generator) -> None:
    """Arms of sizes that chance does not give end all conclusions."""
    errors = draw_errors(rng, (2, 2_000))
    lost = outcomes(errors[0][:1_000], errors[1][:800] * 0.5, rng)
    found = ask(lab, lost)
    expect.that(
        found["decision"] == "mismatch",
        expected="`decision` is 'mismatch' with 1,000 units against 800 at share=0.5",
        found=found["decision"],
        help="One challenger in five is missing: perhaps those that it answered too slowly. Who is missing is not "
        "chance, so the means cannot be compared, however clear the difference looks.",
    )
    # The p-value is 0.0009, whichever arm is the larger one, and 0.0011.
    for more, less in ((1_074, 926), (926, 1_074), (1_073, 927)):
        table = outcomes(errors[0][:more], errors[1][:less] * 0.5, rng)
        found, wanted = ask(lab, table), figures(table)
        expect.that(
            found["decision"] == wanted.decision(None),
            expected=f"`decision` is {wanted.decision(None)!r} with {more:,} units of the champion against {less:,} of "
            f"the challenger: `mismatch_p` is "
            f"{wanted.mismatch_p:.4f}",
            found=found["decision"],
            help=f"The limit is `MISMATCH`, {MISMATCH}, whichever arm is the larger one.",
        )
        _close(
            found["mismatch_p"],
            wanted.mismatch_p,
            f"`mismatch_p` with {more:,} units of the champion against {less:,} of the challenger",
            "It is the p-value of the test, also where the decision is 'mismatch'.",
        )
    few = outcomes(errors[0][: FEWEST - 10], errors[0][100 : 100 + FEWEST // 3], rng)
    for table, options, what in (
        (few, {}, f"{FEWEST - 10} units against {FEWEST // 3}, also where that is too few for any other decision"),
        (lost, {"planned": 300}, "1,000 units against 800, also where only 300 of each count for the difference"),
    ):
        found = ask(lab, table, **options)
        expect.that(
            found["decision"] == "mismatch",
            expected=f"`decision` is 'mismatch' with {what}",
            found=found["decision"],
            help="The sizes come first, and all units count for them: a broken experiment has nothing else to say.",
        )
        method = "fixed-horizon" if "planned" in options else "always-valid"
        expect.that(
            found["method"] == method,
            expected=f"`method` is {method!r}, also where the decision is 'mismatch'",
            found=found["method"],
            help="It says which interval was asked for, whatever was decided.",
        )
    fair = outcomes(errors[0][:1_800], errors[1][:200] * 0.5, rng)
    while figures(fair, share=0.1).decision(None) != "challenger":
        fair = outcomes(draw_errors(rng, 1_800), draw_errors(rng, 200) * 0.5, rng)
    found = ask(lab, fair, share=0.1)
    expect.that(
        found["decision"] == "challenger",
        expected="1,800 units against 200 are no mismatch at share=0.1",
        found=found["decision"],
        help="The sizes are compared with those that `share` lets expect.",
    )


def judge_peeking(lab: LabHandle, rng: np.random.Generator) -> None:
    """A/A tests in which somebody who looks each day with a plain test is misled are not decided."""
    looks = misleading(rng, 14)
    called = []
    for table in looks:
        found = ask(lab, table)
        if found["decision"] != "undecided" and figures(table).decision(None) == "undecided":
            called.append(found["decision"])
    if called:
        fail(
            expected=f"of {len(looks)} A/A tests, looked at each day, none is decided: both arms have the same model",
            found=f"{len(called)} are decided, for the {called[0]} for example",
            help="A plain interval is right at one look in twenty times nineteen. Who looks each day and stops at the "
            "first alarm has fourteen chances to be wrong: use the always-valid interval.",
        )
    planned = DAYS * DAILY * 2
    early = [ask(lab, table, planned=planned)["decision"] for table in looks[:4]]
    if set(early) != {"undecided"}:
        fail(
            expected=f"with planned={planned:,} nothing is decided before both arms have as many units",
            found=f"of {len(early)} experiments, {len(early) - early.count('undecided')} are decided earlier",
            help="A fixed horizon is right at its end only.",
        )


def misleading(rng: np.random.Generator, count: int) -> list[pd.DataFrame]:
    """A/A tests, each cut off at a day on which a plain test finds a difference that is not there."""
    found: list[pd.DataFrame] = []
    while len(found) < count:
        errors = draw_errors(rng, (60, 2, DAYS * DAILY))
        for one in errors:
            for day in range(2, DAYS + 1):
                champion, challenger = one[:, : day * DAILY]
                error = sqrt(champion.var(ddof=1) / len(champion) + challenger.var(ddof=1) / len(challenger))
                if abs(champion.mean() - challenger.mean()) > 1.96 * error:
                    found.append(outcomes(champion, challenger, rng))
                    break
    return found[:count]


def judge_later(lab: LabHandle, rng: np.random.Generator) -> None:
    """What comes after the horizon changes nothing."""
    planned = 200
    while True:
        table = outcomes(draw_errors(rng, 500), draw_errors(rng, 500) * 0.8, rng)
        place = table.groupby("arm").cumcount()
        # Where the later one of the two arms has its last planned unit.
        at_end = 1 + int(np.flatnonzero(place == planned - 1)[-1])
        if figures(table.head(at_end)).mismatch_p > 0.01:  # by chance, one arm may come far sooner
            break
    first, later = (ask(lab, part, planned=planned) for part in (table.head(at_end), table))
    for name in ("difference", "low", "high", "decision"):
        one, other = first[name], later[name]
        same = one == other if name == "decision" else bool(np.isclose(one, other, rtol=1e-9, atol=1e-9))
        expect.that(
            same,
            expected=f"`{name}` of an experiment with planned={planned} stays {expect.shown(first[name])}",
            found=f"{expect.shown(later[name])} when more units have come",
            help="Who may go on until it looks well has no fixed horizon: only the first `planned` units of each arm "
            "count.",
        )


def judge_refused(lab: LabHandle, rng: np.random.Generator) -> None:
    """A unit that saw both arms, and arms without units."""
    table = outcomes(draw_errors(rng, 120), draw_errors(rng, 120), rng)
    one = table["unit"].iloc[5]
    other = "champion" if table["arm"].iloc[5] == "challenger" else "challenger"
    twice = pd.concat([table, pd.DataFrame({"unit": [one], "arm": [other], "error": [1_000.0]})], ignore_index=True)
    for options, when in (({}, ""), ({"planned": 50}, ", the second time after the planned ones")):
        with expect.raises(
            "ValueError",
            what=f"`analyse` of a table in which one unit is in both arms{when}",
            help="Then the assignment was not stable, and nobody knows what this unit's outcomes are an effect of.",
        ):
            lab.ab_test.analyse(twice, **options)
    for arm in ("challenger", "champion"):
        mine = table["arm"] == arm
        single = pd.concat([table[~mine], table[mine].head(1)], ignore_index=True)
        often = pd.concat([single, table[mine].head(1)], ignore_index=True)
        for what, one_arm in (
            (f"one unit of the {arm}", single),
            (f"one unit of the {arm}, with two answers", often),
            (f"no unit of the {arm}", table[~mine].reset_index(drop=True)),
        ):
            with expect.raises("ValueError", what=f"`analyse` of a table with {what}", help="Two units in each arm."):
                lab.ab_test.analyse(one_arm)
