"""The checks of lab 6: one idea each. Samples and judgements are in `lab6_judges`."""

from __future__ import annotations

import pytest
from lab6_judges import (
    dashboards,
    diagnoses,
    drift_rules,
    late_prices,
    metrics,
    prediction_logs,
    queries,
    routing,
    rules,
    scrapes,
)

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
def test_workers_say_one_moment(lab, rng):
    """With several workers, a model was made at one moment; the arm and the commit have their defaults."""
    metrics.judge_two_workers(lab, rng)


@exercise("6.1")
def test_each_version_counts_for_itself(lab, rng):
    """Each house counts for the version that priced it, an odd method as `other`, and an error goes on."""
    metrics.judge_versions(lab, rng)


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
    """One feature that drifts is noticed and named; some odd reports are not."""
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


# 6.4 feature_drift


@pytest.fixture(scope="module")
def compared(new_lab, module_rng):
    """A month of newer houses, compared with a reference by the learner's code."""
    return drift_rules.compare_month(new_lab("6.4"), module_rng)


@exercise("6.4")
def test_each_column_has_a_test_of_its_kind(compared):
    """Numbers are compared by Kolmogorov and Smirnov, categories by chi-square; a zipcode is a category."""
    drift_rules.judge_kinds(compared)


@exercise("6.4")
def test_the_size_of_a_change_is_the_psi(compared):
    """The size of a change is Evidently's Population Stability Index."""
    drift_rules.judge_psi(compared)


@exercise("6.4")
def test_p_values_are_corrected(compared):
    """The p-values are corrected for the number of columns, by Holm's method."""
    drift_rules.judge_holm(compared)


@exercise("6.4")
def test_p_values_keep_their_place(lab, rng):
    """`holm` leaves the order and the index of the p-values, and no corrected value is below that of a smaller one."""
    drift_rules.judge_holm_alone(lab, rng)


@exercise("6.4")
def test_a_change_is_real_and_large(compared):
    """A column has drifted where its corrected p-value is below ALPHA and its PSI is LEAST_PSI or more."""
    drift_rules.judge_rule(compared)


@exercise("6.4")
def test_what_has_drifted_is_named(compared):
    """Newer houses are named as drift, and nothing else is."""
    drift_rules.judge_newer_houses(compared)


@exercise("6.4")
def test_many_rows_make_no_drift(lab, rng):
    """A small change is no drift, however many rows there are."""
    drift_rules.judge_many_rows(lab, rng)


@exercise("6.4")
def test_few_rows_make_no_drift(lab, rng):
    """A large PSI is no drift where it may be chance, also one of many columns."""
    drift_rules.judge_few_rows(lab, rng)


@exercise("6.4")
def test_another_shape_is_drift(lab, rng):
    """The same mean with another spread is drift."""
    drift_rules.judge_shape(lab, rng)


@exercise("6.4")
def test_new_categories_are_drift(lab, rng):
    """Zipcodes that the reference does not have are drift; what `categories` names is a category."""
    drift_rules.judge_new_categories(lab, rng)


@exercise("6.4")
def test_a_large_table_is_sampled(lab, rng):
    """Of a table with more than MOST_ROWS rows so many are looked at, drawn from all, and the report says so."""
    drift_rules.judge_sample(lab, rng)


@exercise("6.4")
def test_what_cannot_be_compared_is_refused(lab, rng):
    """No rows, other columns or a column without a value are a ValueError that names them."""
    drift_rules.judge_refusals(lab, rng)


@exercise("6.4")
def test_some_missing_values_are_no_reason(lab, rng):
    """A column that has some values is compared."""
    drift_rules.judge_gaps(lab, rng)


@exercise("6.4")
def test_the_report_is_json(compared):
    """`to_json` says what the table says, with plain numbers."""
    drift_rules.judge_json(compared)


@exercise("6.4")
def test_the_report_is_a_page(new_lab, rng):
    """`write_html` writes one page that shows each column and needs no network."""
    lab = new_lab("6.4")
    drift_rules.judge_html(lab, drift_rules.compare(lab, *drift_rules.draw_small(rng), pictures=True))


@exercise("6.4")
def test_tables_are_not_changed(lab, rng):
    """The tables are as they were."""
    drift_rules.judge_unchanged(lab, rng)


@exercise("6.4")
def test_the_reference_stays(lab, rng):
    """`drift_by_month` compares every month with the same reference, so that a slow change is seen."""
    drift_rules.judge_fixed_reference(lab, rng)


# 6.5 performance_drift


@pytest.fixture(scope="module")
def year(module_rng):
    """Predictions of a year, and prices that become known late."""
    return late_prices.draw_year(module_rng)


@pytest.fixture(scope="module")
def months(new_lab, year):
    """The learner's answer for them, and the wanted one."""
    return late_prices.ask(new_lab("6.5"), year)


@exercise("6.5")
def test_only_what_was_known_counts(months, year):
    """Each prediction up to `as_of` counts once, and each price that was known by the end of that day."""
    late_prices.judge_counts(*months, year.as_of)


@exercise("6.5")
def test_prices_are_joined_by_id(months):
    """The error of a month is that of each prediction and its own price, in its newest form."""
    late_prices.judge_errors(*months)


@exercise("6.5")
def test_the_bias_is_in_log_price(months):
    """The bias is the mean of log predicted minus log price: above 0 is too dear."""
    late_prices.judge_bias(*months)


@exercise("6.5")
def test_limits_are_those_of_the_mean(months):
    """Low and high are 95 % limits of the mean."""
    late_prices.judge_limits(*months)


@exercise("6.5")
def test_a_month_is_complete_after_60_days(lab, rng):
    """A month is complete DAYS_UNTIL_KNOWN days after its last day, and not before."""
    late_prices.judge_complete(lab, rng)


@exercise("6.5")
def test_an_id_that_comes_twice_is_refused(lab, rng):
    """A prediction_id that comes twice is a ValueError."""
    late_prices.judge_twice(lab, rng)


@exercise("6.5")
def test_the_day_ends_at_midnight(lab, rng):
    """`as_of` may be text and means the end of that day; the tables are as they were."""
    late_prices.judge_inputs(lab, rng)


# 6.6 diagnose


@exercise("6.6")
def test_calm_months_ring_no_bell(lab, rng):
    """Months drawn from the training period have no diagnosis."""
    diagnoses.judge_calm(lab, rng)


@exercise("6.6")
@pytest.mark.parametrize("bug", sorted(diagnoses.BUGS))
def test_a_data_bug_is_told_first(lab, rng, bug):
    """A changed unit, a broken sum, lost values, a constant or a lost column is a data bug, and is not retrained."""
    diagnoses.judge_signs_of_a_bug(lab, rng, bug)


@exercise("6.6")
def test_what_was_always_so_is_no_bug(lab, rng):
    """What was missing, broken or rare in the reference already is no data bug."""
    diagnoses.judge_no_bug(lab, rng)


@exercise("6.6")
@pytest.mark.parametrize("bias", [0.004, -0.08])
def test_other_houses_are_covariate_drift(lab, rng, bias):
    """Houses that the model has not seen are covariate drift, with and without an error that rises."""
    diagnoses.judge_other_houses(lab, rng, bias)


@exercise("6.6")
def test_one_column_is_enough(lab, rng):
    """One column that has drifted is covariate drift, also one with values on both sides of 0."""
    diagnoses.judge_one_column(lab, rng)


@exercise("6.6")
def test_another_market_is_concept_drift(lab, rng):
    """The same houses at other prices are concept drift: the bias of the newest complete month is beyond 3 %."""
    diagnoses.judge_another_market(lab, rng)


@exercise("6.6")
@pytest.mark.parametrize("case", sorted(diagnoses.NOT_YET))
def test_a_bias_that_is_not_sure_waits(lab, rng, case):
    """A month that is not complete, a bias within its limits, or one that is over is no concept drift."""
    diagnoses.judge_not_yet(lab, rng, case)


# 6.7 dashboard


@exercise("6.7")
def test_panels_ask_for_what_is_there(lab):
    """Each panel asks for metrics that there are, and that answer its question."""
    dashboards.judge_metrics(lab)


@exercise("6.7")
def test_counters_are_shown_as_rates(lab):
    """Counters are asked for their rate, over Grafana's own window, and gauges as they are; nothing is left out."""
    dashboards.judge_rates(lab)


@exercise("6.7")
def test_answers_have_the_labels_of_their_question(lab):
    """All instances are added up, by the labels of the question alone."""
    dashboards.judge_labels(lab)


@exercise("6.7")
def test_quantiles_come_from_summed_buckets(lab):
    """A quantile is computed from the sum of the buckets."""
    dashboards.judge_quantiles(lab)


@exercise("6.7")
def test_shares_are_shares(lab):
    """Errors and unseen zipcodes are shares of all, or nothing; only the service's own failures are errors."""
    dashboards.judge_shares(lab)


@exercise("6.7")
def test_the_age_is_a_time_span(lab):
    """The age of a model is that of its newest version; neither ages nor scores are summed."""
    dashboards.judge_age(lab)


@exercise("6.7")
def test_the_dashboard_has_these_panels(lab, rng):
    """The dashboard is the same at each call, and has a panel for each question, with its unit and its data source."""
    dashboards.judge_board(lab, rng)


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
def test_two_requests_at_a_time(lab):
    """Two requests at a time have ids of their own; lines go through `write`, with the version that is served."""
    prediction_logs.judge_two_at_a_time(lab)


@exercise("6.8")
def test_two_processes(new_lab):
    """Two processes make other ids, and the arm is the champion where nobody says another."""
    prediction_logs.judge_two_processes(new_lab("6.8"), new_lab("6.8"))


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
