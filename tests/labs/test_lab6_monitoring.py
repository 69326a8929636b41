"""The checks of lab 6: one idea each. Samples and judgements are in `lab6_judges`."""

from __future__ import annotations

import pytest
from lab6_judges import metrics, prediction_logs, queries, routing, rules, scrapes

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


# 6.2 rules


@exercise("6.2")
def test_every_rule_is_there(documents):
    """Every rule is there once, and Prometheus can read its query."""
    queries.judge_there(documents)


@exercise("6.2")
def test_counters_are_asked_for_their_rate(documents):
    """Counters are asked for their rate, over windows that hold four scrapes or more."""
    queries.judge_rates(documents)


@exercise("6.2")
def test_the_quantile_is_taken_last(documents):
    """The 99th percentile comes from the buckets, which are added up before the quantile is taken."""
    queries.judge_quantile(documents)


@exercise("6.2")
def test_each_alert_waits_and_says_what_to_do(documents, submitted):
    """Each alert waits, says how urgent it is and what is wrong, and its runbook is there."""
    queries.judge_alerts(documents, submitted["runbooks.md"])


@exercise("6.2")
def test_what_is_gone_is_noticed(documents):
    """What rings when something is missing is told also when its series are gone."""
    queries.judge_absent(documents)


@exercise("6.2")
def test_the_budget_has_a_long_and_a_short_window(documents):
    """Each alert of the error budget looks at a long window and a short one."""
    queries.judge_windows(documents)


@exercise("6.2", needs=("promtool",))
def test_shares_are_those_of_the_requests(documents, submitted, rng):
    """The recorded rate and shares are those of the requests that count; 0 where none failed."""
    rules.judge(documents, submitted["rules.yml"], rng, "ratio")


@exercise("6.2", needs=("promtool",))
def test_the_quantile_is_that_of_all_answers(documents, submitted, rng):
    """The recorded 99th percentile is that of all answers together."""
    rules.judge(documents, submitted["rules.yml"], rng, "quantile")


@exercise("6.2", needs=("promtool",))
def test_a_fast_burn_wakes_somebody(documents, submitted, rng):
    """Many errors ring while they last; few errors, short ones and those that are over do not."""
    rules.judge(documents, submitted["rules.yml"], rng, "fast")


@exercise("6.2", needs=("promtool",))
def test_a_slow_burn_is_a_ticket(documents, submitted, rng):
    """Some errors for hours make a ticket while they last; fewer do not."""
    rules.judge(documents, submitted["rules.yml"], rng, "slow")


@exercise("6.2", needs=("promtool",))
def test_slow_answers_are_noticed(documents, submitted, rng):
    """A few slow answers among many fast ones are noticed, and a slow moment is not."""
    rules.judge(documents, submitted["rules.yml"], rng, "latency")


@exercise("6.2", needs=("promtool",))
def test_no_traffic_is_noticed(documents, submitted, rng):
    """No traffic is noticed, also where the series are gone; a short pause is not."""
    rules.judge(documents, submitted["rules.yml"], rng, "traffic")


@exercise("6.2", needs=("promtool",))
def test_a_service_that_is_down_is_noticed(documents, submitted, rng):
    """A service that is down is noticed, also where nobody scrapes it; one bad scrape is not."""
    rules.judge(documents, submitted["rules.yml"], rng, "down")


@exercise("6.2", needs=("promtool",))
def test_an_old_model_is_noticed(documents, submitted, rng):
    """A model whose newest version is old is noticed, whatever the others are."""
    rules.judge(documents, submitted["rules.yml"], rng, "stale")


@exercise("6.2", needs=("promtool",))
def test_a_feature_that_drifts_is_noticed(documents, submitted, rng):
    """One feature that drifts is noticed and named; one odd report is not."""
    rules.judge(documents, submitted["rules.yml"], rng, "drift")


# 6.3 alertmanager


@exercise("6.3")
def test_pages_and_tickets_find_their_way(documents, rng):
    """Pages go to the pager alone, everything else to the tickets, also what nobody thought of."""
    routing.judge_routes(documents, rng)


@exercise("6.3")
def test_receivers_are_told_of_begin_and_end(documents):
    """Both receivers are webhooks of ours, and are told when it is over."""
    routing.judge_receivers(documents)


@exercise("6.3")
def test_one_message_for_many_instances(documents, rng):
    """Many instances of an alert are one message; a page leaves at once, a ticket comes once a day."""
    routing.judge_groups(documents, rng)


@exercise("6.3")
def test_consequences_are_silent_and_pages_never(documents, rng):
    """What follows from an alert is silent while it rings; nothing else is, and never a page."""
    routing.judge_inhibitions(documents, rng)


@exercise("6.3", needs=("amtool",))
def test_alertmanager_accepts_the_file(documents, submitted):
    """Alertmanager itself can read the file."""
    routing.judge_amtool(documents, submitted["alertmanager.yml"])


# 6.8 logs


@pytest.fixture(scope="module")
def logging_service(new_lab, module_rng):
    """The learner's service, writing lines."""
    return scrapes.start(new_lab("6.8", listen=True), module_rng, {})


@exercise("6.8")
def test_each_price_is_a_line(logging_service, rng):
    """Each price is one line of JSON on stdout with exactly the fields, and the answer has its id."""
    prediction_logs.judge_single(logging_service, rng)


@exercise("6.8")
def test_each_house_of_a_batch_is_a_line(logging_service, rng):
    """Each house of a batch is a line, in its order and with an id of its own."""
    prediction_logs.judge_batch(logging_service, rng)


@exercise("6.8")
def test_nobody_is_named(logging_service, rng):
    """No line has what a caller sent as an id, nor what names a house."""
    prediction_logs.judge_nobody_is_named(logging_service, rng)


@exercise("6.8")
def test_no_price_no_line(listening, rng):
    """Where no price was given, there is neither a line nor an id."""
    prediction_logs.judge_without_price(listening, rng)


@exercise("6.8")
def test_a_log_becomes_a_table(lab, rng):
    """The predictions of a log become a table, each once, whatever other lines there are."""
    prediction_logs.judge_reading(lab, rng)


@exercise("6.8")
def test_late_labels_find_their_prediction(lab, rng):
    """Labels that come late, in any order and twice find their prediction by its id; the others stay."""
    prediction_logs.judge_joining(lab, rng)
