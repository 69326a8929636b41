"""Judgements of 4.6: who gets which arm."""

from __future__ import annotations

import numpy as np

from labkit.checks import LabHandle, expect, fail
from mlops_probes.experiments import ODD

MANY, SOME = 100_000, 20_000
"""Units: as many as the promise names, and enough for the others."""
SIGMAS = 5.5
"""How far chance may lead: once in thirty million checks."""


def draw_units(rng: np.random.Generator, count: int) -> list[str]:
    """Names of units as a shop has them: numbers in a row from a drawn one on."""
    first = int(rng.integers(10**8))
    return [f"customer-{number}" for number in range(first, first + count)]


def arms(lab: LabHandle, units: list[str], experiment: str, *share: float) -> np.ndarray:
    """Which units the learner's `assign` gives the challenger."""
    target = f"{lab._package}.ab_test:assign"
    found = lab.make("mlops_probes.experiments:arms", target, units, experiment, *share, doing="`assign(…)`")
    letters, odd = expect.pair(found, "what the check asked for")
    letters = expect.text(letters, "what the check asked for")
    expect.that(
        ODD not in letters and len(letters) == len(units),
        expected='`assign` returns "champion" or "challenger"',
        found=str(odd),
    )
    return np.frombuffer(letters.encode(), dtype=np.uint8) == ord("b")


def slack(share: float, count: int) -> float:
    """How far a share of so many units may be off by chance."""
    return SIGMAS * float(np.sqrt(share * (1 - share) / count))


def judge_same_everywhere(lab: LabHandle, rng: np.random.Generator) -> None:
    """Asked again, and asked in another process on another day, a unit has the same arm."""
    # A unit is whatever is randomised: its name need not be English.
    units = draw_units(rng, 200) + [f"고객-{number}" for number in rng.integers(10**6, size=20)]
    experiment = f"price-{rng.integers(10**6)}"
    first, again = arms(lab, units, experiment), arms(lab, units, experiment)
    if (first != again).any():
        fail(
            expected="a unit that is asked for twice gets the same arm twice",
            found=f"{(first != again).sum()} of {len(units)} units changed their arm",
            help="A customer who sees another price at each visit is in no experiment. Nothing may be drawn by chance: "
            "compute the arm from a hash of the unit's name.",
        )
    target = f"{lab._package}.ab_test:assign"
    doing = "`assign(…)` in another process, on another day"
    found = lab.make("mlops_probes.experiments:arms_elsewhere", target, units, experiment, doing=doing)
    elsewhere = np.frombuffer(expect.text(found, "the answer").encode(), dtype=np.uint8) == ord("b")
    changed = int((first != elsewhere).sum()) if len(elsewhere) == len(first) else len(first)
    if changed:
        fail(
            expected="a unit has the same arm in every process, on every day",
            found=f"{changed} of {len(units)} units have another arm in a second process, on another day",
            help="Python's `hash()` of a text is another one in each process (PYTHONHASHSEED). `hashlib.sha256` is the "
            "same everywhere. Neither the day nor the machine may go into it.",
        )


def judge_share(lab: LabHandle, rng: np.random.Generator) -> None:
    """Within 1 % over 100,000 units, and a small share is one, too."""
    units = draw_units(rng, MANY)
    half = float(arms(lab, units, f"price-{rng.integers(10**6)}").mean())
    expect.that(
        abs(half - 0.5) <= 0.01,
        expected=f"without `share`, half of {MANY:,} units get the challenger, within 0.01",
        found=f"a share of {half:.4f}",
    )
    # Of fewer units, a share of 0.001 cannot be told from nobody, nor from twice as many.
    for share, count in ((float(rng.uniform(0.1, 0.3)), SOME), (0.001, MANY)):
        found = float(arms(lab, units[:count], f"price-{rng.integers(10**6)}", share).mean())
        if abs(1 - found - share) <= slack(share, count):
            fail(
                expected=f"with share={share:.3f}, {share:.1%} of the units get the challenger",
                found=f"{found:.1%}: `share` was taken as that of the champion",
            )
        expect.that(
            abs(found - share) <= slack(share, count),
            expected=f"with share={share:.3f}, {share:.1%} of {count:,} units get the challenger, but for chance",
            found=f"{found:.2%}",
            help="A hash modulo 100 knows whole percents only, and modulo 500 is too coarse for 0.001. Divide many of "
            "its bits by their largest value: a place between 0 and 1, which may lie below `share` or not.",
        )
    for share, wanted in ((0.0, "champion"), (1.0, "challenger")):
        found = arms(lab, units[:SOME], "all-or-nobody", share)
        expect.that(
            (found == (wanted == "challenger")).all(),
            expected=f"with share={share:g} every unit gets the {wanted}",
            found=f"{(found != (wanted == 'challenger')).sum():,} of {SOME:,} units do not",
        )


def judge_independent(lab: LabHandle, rng: np.random.Generator) -> None:
    """Two experiments divide the same units in ways that have nothing to do with each other."""
    units, number = draw_units(rng, SOME), int(rng.integers(100, 900))
    # Names of one length, too: some hashes are linear, and differ between these by the same bits for every unit.
    names = [f"price-{number}-a", f"price-{number}-b", "a quite different experiment"]
    divided = [arms(lab, units, name) for name in names]
    for one in range(len(names)):
        for other in range(one):
            both = float((divided[one] == divided[other]).mean())
            if abs(both - 0.5) > slack(0.5, SOME):
                fail(
                    expected=f"half of the units have the same arm in `{names[other]}` and in `{names[one]}`",
                    found=f"{both:.1%} of {SOME:,} units",
                    help="The name of the experiment belongs into what is hashed, and the hash has to be a good one: "
                    "with `crc32`, or by adding or xor-ing two hashes, the second experiment repeats the first. Then "
                    "what one of them does to its users is counted as an effect of the other.",
                )

    _judge_separated(lab, rng)


def _judge_separated(lab: LabHandle, rng: np.random.Generator) -> None:
    """Unit `17` of the experiment `challenger-1` is not unit `7` of `challenger-11`."""
    numbers = [str(number) for number in rng.integers(10**6, 10**9, SOME)]
    one, other = arms(lab, [f"1{each}" for each in numbers], "challenger-1"), arms(lab, numbers, "challenger-11")
    both = float((one == other).mean())
    expect.that(
        abs(both - 0.5) <= slack(0.5, SOME),
        expected="unit `17` in `challenger-1` says nothing about unit `7` in `challenger-11`",
        found=f"{both:.1%} of {SOME:,} such pairs have the same arm",
        help="Written without anything between, both are the same text: put a mark between experiment and unit.",
    )


def judge_growing(lab: LabHandle, rng: np.random.Generator) -> None:
    """A larger share keeps whoever has the challenger already."""
    units, experiment = draw_units(rng, SOME), f"price-{rng.integers(10**6)}"
    shares = [0.01, 0.1, float(rng.uniform(0.2, 0.4)), 0.5, 0.9]
    before = np.zeros(len(units), dtype=bool)
    for share in shares:
        now = arms(lab, units, experiment, share)
        back = int((before & ~now).sum())
        if back:
            fail(
                expected=f"when the share grows to {share:.2f}, whoever has the challenger keeps it",
                found=f"{back:,} units went back to the champion",
                help="`share` must not go into the hash. A unit's place between 0 and 1 never changes; the share is "
                "the line that moves across.",
            )
        before = now


def judge_refused(lab: LabHandle) -> None:
    """A share is between 0 and 1."""
    for share in (10, -0.01, 1.01):
        with expect.raises(
            "ValueError",
            what=f'`assign("customer-1", "price", {share})`',
            help="Somebody means percent. Say so at once: the alternative is that everybody gets the challenger.",
        ):
            lab.ab_test.assign("customer-1", "price", share)
