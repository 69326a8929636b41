"""The checks of lab 4."""

from __future__ import annotations

from lab4_judges import assignment, experiments

from labkit.checks import exercise

# 4.6 assignment


@exercise("4.6")
def test_a_unit_keeps_its_arm(lab, rng):
    """A unit has the same arm whenever it is asked for, in every process."""
    assignment.judge_same_everywhere(lab, rng)


@exercise("4.6")
def test_the_challenger_gets_its_share(lab, rng):
    """`share` of the units get the challenger: half of 100,000 within 1 %, and small shares as well."""
    assignment.judge_share(lab, rng)


@exercise("4.6")
def test_experiments_are_independent(lab, rng):
    """What a unit gets in one experiment says nothing about what it gets in another."""
    assignment.judge_independent(lab, rng)


@exercise("4.6")
def test_a_growing_share_takes_nobody_back(lab, rng):
    """A larger share moves units from the champion to the challenger, and none back."""
    assignment.judge_growing(lab, rng)


@exercise("4.6")
def test_a_share_is_no_percentage(lab):
    """`assign` raises ValueError where `share` is not between 0 and 1."""
    assignment.judge_refused(lab)


# 4.7 experiments


@exercise("4.7")
def test_the_sample_size_gives_the_power(lab, rng):
    """`sample_size` says how many units each arm needs, for a two-sided test with that power."""
    experiments.judge_sample_size(lab, rng)


@exercise("4.7")
def test_the_figures_of_a_verdict_are_right(lab, rng):
    """Difference, interval and the p-value of the sizes are those that the docstring of `analyse` defines."""
    experiments.judge_figures(lab, rng)


@exercise("4.7")
def test_a_unit_counts_once(lab, rng):
    """A unit with several answers counts once, with their mean."""
    experiments.judge_units(lab, rng)


@exercise("4.7")
def test_a_clear_difference_is_decided(lab, rng):
    """The arm with the smaller error is chosen where the interval is clear of 0, and with `FEWEST` units at least."""
    experiments.judge_decisions(lab, rng)


@exercise("4.7")
def test_broken_experiments_are_told(lab, rng):
    """Where the sizes of the arms cannot be chance, the decision is "mismatch", measured against `share`."""
    experiments.judge_mismatch(lab, rng)


@exercise("4.7")
def test_looking_each_day_raises_no_false_alarms(lab, rng):
    """A/A tests that would mislead a plain test on some day stay undecided."""
    experiments.judge_peeking(lab, rng)


@exercise("4.7")
def test_a_fixed_horizon_is_fixed(lab, rng):
    """What comes after `planned` units of each arm changes nothing."""
    experiments.judge_later(lab, rng)


@exercise("4.7")
def test_what_is_no_experiment_is_refused(lab, rng):
    """`analyse` raises ValueError where a unit is in both arms, and where an arm has fewer than two units."""
    experiments.judge_refused(lab, rng)
