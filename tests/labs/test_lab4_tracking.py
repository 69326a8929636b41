"""The checks of lab 4."""

from __future__ import annotations

import pytest
from lab4_judges import assignment, experiments, exposures
from lab4_judges import following as following_rules

from labkit.checks import exercise

# 4.5 the service


@pytest.fixture
def following(listening, doors, rng):
    """A registry, and the learner's service in front of it."""
    with following_rules.world(listening, doors["mlflow"], rng) as world:
        yield world


@exercise("4.5")
def test_the_champion_serves(following):
    """Without a champion it is not ready; the first champion serves within 5 s, and state and version are told."""
    following_rules.judge_champion(following)


@exercise("4.5")
def test_another_champion_is_taken_without_losing_a_request(following):
    """Another champion is taken while requests go on: none is lost, none waits, none mixes two versions; back as well."""
    following_rules.judge_swap(following)


@exercise("4.5")
def test_it_goes_on_while_mlflow_is_down(following):
    """While MLflow is down, the last good model answers and `why_not_newer` says so; afterwards it follows again."""
    following_rules.judge_outage(following)


@exercise("4.5")
def test_a_bad_version_does_not_serve(following):
    """A version that cannot be loaded or cannot answer does not serve; the one before goes on, and it is said why."""
    following_rules.judge_bad_versions(following)


@exercise("4.5")
def test_it_starts_without_mlflow(following):
    """A service that was up before starts from its local copy where MLflow is down, and catches up later."""
    following_rules.judge_local_copy(following)


@exercise("4.5")
def test_a_copy_is_whole_or_no_copy(following):
    """A download that breaks off is no copy, a damaged copy is fetched anew, and the copies of the past are removed."""
    following_rules.judge_copies(following)


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


@exercise("4.6")
def test_the_service_answers_by_arm(lab, rng):
    """While there is a challenger, the service answers each unit by its arm, says which, and logs it."""
    exposures.judge_experiment(lab, rng)


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
