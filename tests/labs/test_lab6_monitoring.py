"""The checks of lab 6: one idea each. Samples and judgements are in `lab6_judges`."""

from __future__ import annotations

import pytest
from lab6_judges import metrics, scrapes

from labkit.checks import exercise

# 6.1 metrics


@pytest.fixture(scope="module")
def monitored(new_lab, module_rng):
    """The learner's service, counting."""
    return scrapes.start(new_lab("6.1", listen=True), module_rng, {})


@exercise("6.1")
def test_requests_are_counted(monitored, rng):
    """Each request is counted by its method, the template of its route, and its status."""
    metrics.judge_requests(monitored, rng)


@exercise("6.1")
def test_made_up_values_make_no_series(monitored, rng):
    """Paths, methods, zipcodes and ids that a caller makes up make no new series."""
    metrics.judge_cardinality(monitored, rng)


@exercise("6.1")
def test_failures_are_counted(listening, rng):
    """A request that breaks the service is counted as 500, timed, and is no prediction."""
    metrics.judge_failures(listening, rng)


@exercise("6.1")
def test_durations_are_seconds(listening, rng):
    """The time of each request is in the histogram of its route, in seconds."""
    metrics.judge_durations(listening, rng)


@exercise("6.1")
def test_a_bucket_ends_at_the_budget(monitored, rng):
    """A bucket of the durations ends at the budget, and others lie on both sides."""
    metrics.judge_buckets(monitored, rng)


@exercise("6.1")
def test_predictions_are_counted(monitored, rng):
    """Each house that is priced is counted by the version and the arm of its model, also in a batch."""
    metrics.judge_predictions(monitored, rng)


@exercise("6.1")
def test_features_and_prices_are_observed(monitored, rng):
    """The histograms of features and prices hold what was asked and what was answered."""
    metrics.judge_values(monitored, rng)


@exercise("6.1")
def test_unseen_zipcodes_are_counted(monitored, rng):
    """Houses in a zipcode that the model has never seen are counted, and the zipcode is not named."""
    metrics.judge_unseen(monitored, rng)


@exercise("6.1")
def test_it_says_when_each_model_was_made(monitored):
    """`/metrics` says when each model was made, and which commit is running."""
    metrics.judge_models(monitored)


@exercise("6.1")
def test_metrics_answer_while_models_load(listening, rng):
    """While models load `/metrics` answers already, without those models."""
    metrics.judge_while_loading(listening, rng)


@exercise("6.1")
def test_several_workers_are_added_up(listening, rng):
    """With several workers each one answers for all of them."""
    metrics.judge_workers(listening, rng)


@exercise("6.1")
def test_two_apps_count_apart(lab):
    """Two apps in one process count apart."""
    metrics.judge_two_apps(lab)
