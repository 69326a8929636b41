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
    # TODO 4.6: Divide the traffic
    raise NotImplementedError


def sample_size(effect: float, *, power: float = 0.8, alpha: float = 0.05, sd: float) -> int:
    """Return how many units each arm needs to find a difference of `effect` between the means, or a larger one.

    The test is two-sided, at the level `alpha`; it finds the difference with the probability `power`. `sd` is the
    standard deviation of the outcomes, in the unit of `effect`. With the quantiles z of the normal distribution:

        n = 2 · ((z(1 - alpha / 2) + z(power)) · sd / effect)², rounded up
    """
    # TODO 4.7: Count enough, and look only as often as you may
    raise NotImplementedError


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
    # TODO 4.7: Count enough, and look only as often as you may
    raise NotImplementedError


# TODO 4.7: Count enough, and look only as often as you may
