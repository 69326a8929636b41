"""An experiment with two models in service: who gets which, how many answers it takes, and what they say.

Lower is better here: an outcome is the absolute error of a price in USD, known when the house is sold.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import pandas as pd

Arm = Literal["champion", "challenger"]
ARMS: tuple[Arm, Arm] = ("champion", "challenger")
EFFECT = 5_000.0  # USD: a smaller difference in the mean error is not worth a release
FEWEST = 100  # units in each arm: below, means are not normal enough for any verdict
MISMATCH = 0.001  # an experiment whose arms differ in size more than chance does this often is broken


def assign(unit: str, experiment: str, share: float = 0.5) -> Arm:
    """Return the arm of a unit (a customer, an agent: whatever is randomised) in an experiment.

    - The answer depends on the three arguments alone: it is the same in every process and on every day.
    - `share` of the units get the challenger, also where `share` is as small as 0.001.
    - What a unit gets in one experiment says nothing about what any unit gets in another one.
    - A larger `share` moves units from the champion to the challenger, and none back.

    Raises ValueError where `share` is not between 0 and 1.
    """
    # solution 4.6
    if not 0 <= share <= 1:
        raise ValueError(f"`share` is {share}, and must be between 0 and 1: 10 percent are 0.1")
    # The hash gives each unit a place between 0 and 1 that never changes; the share is a line drawn across.
    digest = hashlib.sha256(f"{experiment}:{unit}".encode()).digest()
    place = int.from_bytes(digest[:8], "big") / 2**64
    return "challenger" if place < share else "champion"
    # end solution


def sample_size(effect: float, *, power: float = 0.8, alpha: float = 0.05, sd: float) -> int:
    """Return how many units each arm needs to find a difference of `effect` between the means, or a larger one.

    The test is two-sided, at the level `alpha`; it finds the difference with the probability `power`. `sd` is the
    standard deviation of the outcomes, in the unit of `effect`. With the quantiles z of the normal distribution:

        n = 2 · ((z(1 - alpha / 2) + z(power)) · sd / effect)², rounded up
    """
    # solution 4.7
    import math
    from statistics import NormalDist

    z = NormalDist().inv_cdf
    return math.ceil(2 * ((z(1 - alpha / 2) + z(power)) * sd / effect) ** 2)
    # end solution


@dataclass(frozen=True)
class Verdict:
    """What an experiment says so far."""

    difference: float  # mean of the challenger minus mean of the champion, USD
    low: float  # the interval of the difference
    high: float
    mismatch_p: float  # probability that chance alone makes the arms differ in size as much, or more
    method: str  # "always-valid" or "fixed-horizon"
    decision: str  # "challenger", "champion", "undecided" or "mismatch"


def analyse(
    outcomes: pd.DataFrame,
    *,
    effect: float = EFFECT,
    share: float = 0.5,
    alpha: float = 0.05,
    planned: int | None = None,
) -> Verdict:
    """Say what an experiment has found so far. `outcomes` has the columns `unit`, `arm` and `error` (USD).

    One row is one answer, in the order in which they came. A unit may have several: units were randomised and not
    answers, so each unit counts once, with the mean of its errors.

    With V = variance / units of the champion + variance / units of the challenger (variances with n - 1), the interval
    is `difference` ± half its width:

    - `planned=None`, method "always-valid": it may be looked at after every answer, and stopped at any time. `half` is
      sqrt(2 · V · (V + effect²) / effect² · (ln(1 / alpha) + ln((V + effect²) / V) / 2)). Source: Johari, Pekelis,
      Walsh, Always Valid Inference, 2015: the mixture sequential probability ratio test.
    - `planned` units per arm, method "fixed-horizon": `half` is z(1 - alpha / 2) · sqrt(V). Only the first `planned`
      units of each arm count, and as long as an arm has fewer nothing is decided.

    The decision is
    - "mismatch" where `mismatch_p` is below `MISMATCH`: the arms have other sizes than `share` says, something is
      broken, and the difference means nothing. `mismatch_p` is from the chi-square test of the numbers of units, one
      degree of freedom, no correction, over all units;
    - "undecided" where an arm has fewer than `FEWEST` units, or 0 lies in the interval;
    - else the arm with the smaller error.

    Raises ValueError where a unit is in both arms, and where an arm has fewer than two units.
    """
    # solution 4.7
    units = outcomes.groupby(["unit", "arm"], sort=False)["error"].mean().reset_index()
    if units["unit"].duplicated().any():
        raise ValueError("a unit has answers of both arms: `assign` gives each unit one arm")
    champion, challenger = (units.loc[units["arm"] == arm, "error"] for arm in ARMS)
    mismatch_p = _mismatch(len(champion), len(challenger), share)
    if min(len(champion), len(challenger)) < 2:
        raise ValueError("each arm needs two units or more")
    is_enough = min(len(champion), len(challenger)) >= max(FEWEST, planned or 0)
    champion, challenger = champion.iloc[:planned], challenger.iloc[:planned]
    variance = float(champion.var() / len(champion) + challenger.var() / len(challenger))
    difference = float(challenger.mean() - champion.mean())
    half = half_width(variance, effect, alpha) if planned is None else fixed_half_width(variance, alpha)
    if mismatch_p < MISMATCH:
        decision = "mismatch"
    elif not is_enough or abs(difference) <= half:
        decision = "undecided"
    else:
        decision = "challenger" if difference < 0 else "champion"
    method = "always-valid" if planned is None else "fixed-horizon"
    return Verdict(difference, difference - half, difference + half, mismatch_p, method, decision)
    # end solution


# solution 4.7
def half_width(variance: float, effect: float, alpha: float) -> float:
    """Half of the always-valid interval; `variance` is that of the difference of the means."""
    import math

    if variance == 0:
        return 0.0
    both = variance + effect**2
    return math.sqrt(2 * variance * both / effect**2 * (math.log(1 / alpha) + math.log(both / variance) / 2))


def fixed_half_width(variance: float, alpha: float) -> float:
    """Half of the interval of an experiment that is looked at once."""
    from statistics import NormalDist

    return float(NormalDist().inv_cdf(1 - alpha / 2) * variance**0.5)


def _mismatch(champion: int, challenger: int, share: float) -> float:
    """The p-value of the chi-square test of the sizes of the arms."""
    from math import erfc, sqrt

    total = champion + challenger
    square = (challenger - total * share) ** 2 / (total * share * (1 - share))
    return erfc(sqrt(square / 2))  # one degree of freedom: the square of a normal variable


# end solution
