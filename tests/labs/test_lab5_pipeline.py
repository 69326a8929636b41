"""The checks of lab 5: one idea each. Samples and judgements are in `lab5_judges`."""

from __future__ import annotations

import pytest
from lab5_judges import backfill, batches, contract, features, monthly, quarantine, tuning, watching, world
from lab5_judges.prefect_api import Prefect

from labkit.checks import exercise

# 5.1 HouseSales


@pytest.fixture(scope="module")
def contract_lab(new_lab):
    """The learner's contract."""
    return new_lab("5.1")


@exercise("5.1")
def test_every_sale_of_the_data_keeps_the_contract(contract_lab, rng):
    """Each of the 21,613 sales passes, in any order of the columns, and `validate` returns them unchanged."""
    contract.judge_real_sales(contract_lab, rng)


@exercise("5.1")
def test_sales_of_these_days_keep_the_contract(contract_lab, rng):
    """A sale of the last days passes, and a house that is finished in the year after its sale."""
    contract.judge_fresh_sales(contract_lab, rng)


@exercise("5.1")
def test_values_that_cannot_be_are_refused(contract_lab, rng):
    """A value that no house has, and a missing one, is refused in its row, and no other row is."""
    contract.judge_faults(contract_lab, rng, "ranges")


@exercise("5.1")
def test_days_that_cannot_be_are_refused(contract_lab, rng):
    """A day in the future, the year 1970 and a day with a time are refused."""
    contract.judge_faults(contract_lab, rng, "dates")


@exercise("5.1")
def test_today_is_asked_each_time(lab, rng):
    """A sale of the day that `today()` says at that moment passes, one of the day after does not."""
    contract.judge_today(lab, rng)


@exercise("5.1")
def test_columns_that_contradict_each_other_are_refused(contract_lab, rng):
    """Areas that do not add up are refused, and a house that is built two years after its sale."""
    contract.judge_faults(contract_lab, rng, "columns")


@exercise("5.1")
def test_a_sale_is_there_once(contract_lab, rng):
    """The key is `id` and `date`: a house that is sold on two days passes, a sale that comes twice does not."""
    contract.judge_key(contract_lab, rng)


@exercise("5.1")
@pytest.mark.parametrize("what", contract.TYPES)
def test_another_type_is_refused(contract_lab, rng, what):
    """A column of another type is refused and not converted."""
    contract.judge_types(contract_lab, rng, what)


@exercise("5.1")
@pytest.mark.parametrize("what", ["missing", "renamed", "extra"])
def test_other_columns_are_refused(contract_lab, rng, what):
    """A table with a column less, another one or one more is refused, and the column is named."""
    contract.judge_columns(contract_lab, rng, what)


# 5.2 split_valid, check_batch


@pytest.fixture(scope="module")
def batch_lab(new_lab):
    """The learner's quarantine."""
    return new_lab("5.2")


@pytest.fixture(scope="module")
def parted(batch_lab, module_rng):
    """A month with bad rows of every kind, looked at by several checks."""
    return quarantine.open_month(batch_lab, module_rng)


@exercise("5.2")
def test_no_row_is_lost(parted):
    """Each row is in one of the two parts, under its own label and in its order."""
    quarantine.judge_completeness(parted)


@exercise("5.2")
def test_bad_rows_are_in_quarantine_and_no_others(parted):
    """Exactly the rows that break the contract are in quarantine, also those with a missing value."""
    quarantine.judge_sides(parted)


@exercise("5.2")
def test_good_rows_have_the_types_of_the_contract(parted):
    """The good rows have the types of the contract and the values that were delivered."""
    quarantine.judge_good(parted)


@exercise("5.2")
def test_quarantined_rows_are_as_they_were_delivered(parted):
    """The rows in quarantine have the values that were delivered."""
    quarantine.judge_quarantined(parted)


@exercise("5.2")
def test_each_quarantined_row_says_why(parted):
    """`reasons` names each column that is wrong, says the value, and names no other column."""
    quarantine.judge_reasons(parted)


@exercise("5.2")
@pytest.mark.parametrize(
    "what",
    ["a column is missing", "a column is unknown", "a column is renamed", "numbers are text", "one number is text",
     "days have a time zone", "truth values are numbers"],
)  # fmt: skip
def test_a_table_of_another_shape_raises_contract_error(batch_lab, rng, what):
    """Where the table is wrong and not a row, `split_valid` raises a ContractError that names the columns."""
    quarantine.judge_table(batch_lab, rng, what)


@exercise("5.2")
@pytest.mark.parametrize(
    "what",
    ["no row", "one good row", "one bad row", "good rows only", "bad rows only", "inf as a number of bedrooms"],
)
def test_small_tables_are_split_as_well(batch_lab, rng, what):
    """A table of no row, of one row, of good or bad rows only, or with an infinite number is split like any other."""
    quarantine.judge_small(batch_lab, rng, what)


@exercise("5.2")
def test_too_many_bad_rows_refuse_the_batch(batch_lab, rng):
    """Up to 2 % of all rows may be in quarantine."""
    batches.judge_share(batch_lab, rng)


@exercise("5.2")
def test_an_empty_batch_is_refused(batch_lab, rng):
    """A batch without rows is refused."""
    batches.judge_empty(batch_lab, rng)


@exercise("5.2")
def test_a_month_that_ends_early_is_refused(batch_lab, rng):
    """The newest good sale lies at most 7 days before the end of its month."""
    batches.judge_freshness(batch_lab, rng)


@exercise("5.2")
def test_volume_is_compared_per_day(batch_lab, rng):
    """The rows per day of the month are from half to double those of the month before, in February too."""
    batches.judge_volume(batch_lab, rng)


@exercise("5.2")
def test_a_batch_is_one_new_month(batch_lab, rng):
    """The good rows are of one month, and of a later one than the month before."""
    batches.judge_month(batch_lab, rng)


@exercise("5.2")
def test_the_report_counts_what_is_in_the_batch(batch_lab, rng):
    """The report has the figures of the batch, and a problem for each rule that is broken."""
    batches.judge_figures(batch_lab, rng)


@exercise("5.2")
def test_the_report_is_json(batch_lab, rng):
    """`to_json` says the same, and `from_json` reads it back."""
    batches.judge_json(batch_lab, rng)


@exercise("5.2")
def test_the_real_year_passes_and_its_cut_month_does_not(batch_lab):
    """The months from May 2014 to April 2015 are accepted; May 2015, which breaks off, is refused."""
    batches.judge_real_year(batch_lab)


# 5.3 zipcode_features, training_frame


@pytest.fixture(scope="module")
def trained(new_lab, module_rng):
    """One training table, looked at by several checks."""
    return features.open_training(new_lab("5.3"), module_rng)


@exercise("5.3")
def test_a_feature_looks_back_90_days(lab, rng):
    """The features are median and number of the sales from 90 days before to the day before."""
    features.judge_window(lab, rng)


@exercise("5.3")
def test_the_hour_changes_nothing(lab, rng):
    """`as_of` may be text or have an hour: what counts is when its day began."""
    features.judge_hour(lab, rng)


@exercise("5.3")
def test_what_is_not_known_has_no_row(lab, rng):
    """A zipcode without sales on these days has no row."""
    features.judge_gaps(lab, rng)


@exercise("5.3")
def test_each_sale_has_the_features_of_its_day(trained):
    """The training table has each sale, unchanged and in its order, with the features of its zipcode on its day."""
    features.judge_training(trained)


@exercise("5.3")
def test_later_prices_change_nothing(trained, rng):
    """A sale's own price, those of its day and later ones change none of its features."""
    features.judge_future(trained, rng)


@exercise("5.3")
def test_training_and_serving_agree(trained, rng):
    """As of the day of a sale, serving computes what training has seen."""
    features.judge_agreement(trained, rng)


# 5.4 the month's flow


@pytest.fixture(scope="module")
def worlds():
    """The worlds of this run, one for each exercise."""
    return {}


def the_world(worlds, number, new_lab, doors, template, rng):
    if number not in worlds:
        worlds[number] = world.World.build(new_lab(number), doors["prefect"], template("mlflow"), rng)
    return worlds[number]


@pytest.fixture
def month(worlds, new_lab, doors, template, module_rng):
    """A landing folder, a warehouse and a registry for 5.4."""
    return the_world(worlds, "5.4", new_lab, doors, template, module_rng)


REFUSED = ["too many bad rows", "too few rows", "no row", "the month before again", "the month after",
           "a file that is cut off", "no file"]  # fmt: skip


@exercise("5.4")
def test_one_run_of_a_month_at_a_time(month):
    """A month is run by one process at a time, other months beside it; who fails or is killed holds nothing."""
    monthly.judge_lock(month)


@exercise("5.4")
def test_a_month_becomes_a_version(month):
    """A month's file becomes partitions, figures that agree with them, and one version in the registry."""
    monthly.judge_version(month)


@exercise("5.4")
def test_the_seven_steps_are_tasks(month):
    """Ingest, validate, features, train, evaluate, gate and register are tasks, and run in this order."""
    monthly.judge_steps(month)


@exercise("5.4")
def test_the_month_is_held_while_it_runs(month):
    """While a month is run, nobody else gets it."""
    monthly.judge_lock_is_used(month)


@exercise("5.4")
def test_retries_where_the_reason_may_lie_outside(month):
    """What depends on something outside is tried three times more, with growing and varying waits; nothing else is."""
    monthly.judge_policies(month)


@exercise("5.4")
def test_the_page_of_the_run_shows_figures_and_plot(month):
    """The run has a table with its figures and a plot as artifacts."""
    monthly.judge_page(month)


@exercise("5.4")
def test_a_rerun_computes_nothing(month):
    """The same month again: all that was computed is kept, one partition, one version."""
    monthly.judge_again(month)


@exercise("5.4")
def test_a_lost_cache_costs_time_only(month):
    """Where the results of tasks are gone, the month is computed again, and there is still one version."""
    monthly.judge_memory_lost(month)


@exercise("5.4")
def test_another_content_is_other_work(month):
    """A file with another content under the same name replaces the partition and makes a version of its own."""
    monthly.judge_corrected(month)


@exercise("5.4")
def test_a_replaced_file_is_noticed(month):
    """A file that is replaced while it is read is refused."""
    monthly.judge_replaced(month)


@exercise("5.4")
def test_a_file_is_read_once(month):
    """What `ingest` keeps is what its sha256 is of, also where the file is replaced after the first look at it."""
    monthly.judge_read_once(month)


@exercise("5.4")
def test_changed_code_computes_again(month):
    """A task whose code has changed computes again, though its inputs are the same, and for no other reason."""
    monthly.judge_other_code(month)


@exercise("5.4")
def test_a_lost_answer_makes_no_second_version(month):
    """A connection that breaks after the work was done costs a retry: one version, and nobody is woken up."""
    monthly.judge_lost_answer(month)


@exercise("5.4")
def test_a_bug_is_not_tried_again(month):
    """An error of our own code fails the flow at once."""
    monthly.judge_own_bug(month)


@exercise("5.4")
def test_a_failure_is_told_in_one_line(month):
    """A flow that fails sends one message, with the month and the reason, in one line."""
    monthly.judge_notified(month)


@exercise("5.4")
@pytest.mark.parametrize("what", REFUSED)
def test_a_bad_month_is_refused(month, what):
    """A month that breaks the contract, or is none, fails with its reason: no partition, no version, nothing lost."""
    monthly.judge_refused(month, what)


@exercise("5.4")
def test_the_gate_needs_a_better_model(month):
    """The gate refuses a model with over 90 % of the error of the best guess, or without a figure: its month fails."""
    monthly.judge_gate(month)


@exercise("5.4")
def test_a_later_month_changes_no_earlier_one(month):
    """An earlier month that is run again, after a later one, knows nothing of that one: nothing is computed."""
    monthly.judge_earlier_month(month)


@exercise("5.4")
def test_a_month_learns_from_all_before_it(month):
    """The model of the third month has learned from the good rows of both months before it."""
    monthly.judge_third_month(month)


@exercise("5.4")
def test_what_failed_outside_is_known(month):
    """`failed_outside` is true for an OSError, and for an error of MLflow's with such a cause, and no other."""
    monthly.judge_outside(month.lab)


@exercise("5.4")
def test_each_task_has_a_limit(month):
    """Each task has a limit of time."""
    monthly.judge_limits(month.lab)


# 5.5 many months, and every month


@pytest.fixture(scope="module")
def bars():
    """Where the progress bar stood at each training."""
    return []


@pytest.fixture
def months(worlds, bars, new_lab, doors, template, module_rng):
    """A landing folder, a warehouse and a registry for 5.5, in which a backfill was killed and run again."""
    if "5.5" not in worlds:
        lab = new_lab("5.5")
        prefect = Prefect(doors["prefect"].url)

        def note() -> None:
            bars.append(backfill.bar_now(prefect))

        worlds["5.5"] = world.World.build(lab, doors["prefect"], template("mlflow"), module_rng, note)
    return worlds["5.5"]


@exercise("5.5")
def test_a_killed_backfill_is_resumed(months):
    """A backfill that was killed in the middle is run again: each month has one version, and nothing is done twice."""
    backfill.judge_resumed(months)


@exercise("5.5")
def test_killed_runs_count_as_crashed(months):
    """The runs that were killed are CRASHED, and none is RUNNING for ever."""
    backfill.judge_dead(months)


@exercise("5.5")
def test_a_living_run_is_left_alone(months):
    """The run of a month that somebody else holds is not told to have crashed, and the backfill says who failed."""
    backfill.judge_living(months)


@exercise("5.5")
def test_a_bar_shows_how_far_it_is(months, bars):
    """A progress artifact moves with each month, from 0 to 100."""
    backfill.judge_bar(months, bars)


@exercise("5.5")
def test_a_refused_month_does_not_hold_up_the_others(months):
    """Where a month is refused, the others are run, and the backfill fails at the end with its reason."""
    backfill.judge_failed_month(months)


@exercise("5.5")
def test_a_backfill_of_no_month_is_refused(months):
    """A backfill from a later to an earlier month is refused."""
    backfill.judge_no_month(months)


@exercise("5.5")
def test_only_dead_runs_are_ended(lab, doors, rng):
    """`end_dead_runs` ends the running runs of that flow which have all of the parameters, and says how many."""
    backfill.judge_end_dead(lab, doors["prefect"], rng)


@exercise("5.5")
def test_the_month_before_is_due_in_seattle(lab, rng):
    """What is due is the month before, by the clock of Seattle; a moment without a time zone is refused."""
    backfill.judge_due(lab, rng)


@exercise("5.5")
def test_the_deployment_is_planned_for_each_month(lab, doors, rng):
    """`deploy` serves a deployment that is planned for 06:00 of each second day of the month in Seattle."""
    backfill.judge_deployed(lab, doors["prefect"], rng)


# 5.6 the watch


@exercise("5.6")
def test_a_new_file_starts_its_month(lab, rng):
    """Each file of a month starts its month, those that come together in their order; other names are left alone."""
    watching.judge_new(lab, rng)


@exercise("5.6")
def test_a_half_written_file_waits(lab, rng):
    """A file that still grows waits until it is whole, also one that was started before. Others do not wait for it."""
    watching.judge_growing(lab, rng)


@exercise("5.6")
def test_a_file_of_fixed_size_waits_too(lab, rng):
    """A file whose size is there from the beginning waits while its content is written."""
    watching.judge_same_size(lab, rng)


@exercise("5.6")
def test_a_file_with_an_old_time_waits_too(lab, rng):
    """A file that grows waits, whatever its time of change says."""
    watching.judge_old_time(lab, rng)


@exercise("5.6")
def test_stop_is_asked_before_each_look(lab, rng):
    """`stop()` is asked before each look, and `every` seconds lie between two looks."""
    watching.judge_stop(lab, rng)


@exercise("5.6")
def test_quiet_is_waited_for(lab, rng):
    """A file is whole after `quiet` seconds without a change, and not after one look."""
    watching.judge_quiet(lab, rng)


@exercise("5.6")
def test_each_content_is_started_once(lab, rng):
    """The same content starts once, also after a restart; a corrected file starts its month again."""
    watching.judge_once(lab, rng)


@exercise("5.6")
def test_a_refused_month_does_not_end_the_watch(lab, rng):
    """Where `start` raises, this is logged, the watch goes on, and does not try that file again, not even restarted."""
    watching.judge_failing(lab, rng)


@exercise("5.6")
def test_who_died_in_the_middle_starts_again(lab, rng):
    """A process that died while a month ran starts that month again."""
    watching.judge_killed(lab, rng)


@exercise("5.6")
def test_what_was_done_before_the_end_is_done(lab, rng):
    """A process that died while the second month of a look ran does not start the first one again."""
    watching.judge_killed_in_the_second(lab, rng)


@exercise("5.6")
def test_a_file_that_goes_away_is_no_end(lab, rng):
    """A file that goes away while the watch looks does not end it."""
    watching.judge_vanishing(lab, rng)


# 5.7 workers


@pytest.fixture(scope="module")
def searches():
    """The searches of this run: one with a candidate that fails, one in which a worker dies."""
    return {}


@pytest.fixture
def searched(searches, lab, doors, module_rng):
    """A search on two workers of Dask, with a candidate that fails."""
    if "well" not in searches:
        searches["well"] = tuning.search(lab, doors["prefect"], module_rng, deadly=False)
    return searches["well"]


@exercise("5.7")
def test_a_dead_worker_costs_time_only(lab, doors, rng):
    """A worker that is killed in the middle costs no score and not the run."""
    tuning.judge_killed(tuning.search(lab, doors["prefect"], rng, deadly=True))


@exercise("5.7")
def test_errors_are_in_order_and_the_best_is_found(searched):
    """The errors are in the order of the candidates, one that fails is NaN, and the smallest one is the best."""
    tuning.judge_errors(searched)


@exercise("5.7")
def test_workers_score_at_the_same_time(searched):
    """The workers of the given scheduler score, at the same time, and are left running."""
    tuning.judge_workers(searched)


@exercise("5.7")
def test_no_candidate_is_an_error(lab):
    """Without a candidate there is no answer."""
    tuning.judge_none(lab)


@exercise("5.7")
def test_workers_of_this_machine_are_processes(lab, rng):
    """Here: processes of one thread, their dashboard on loopback; with an address, those of the scheduler."""
    tuning.judge_runner(lab, rng)
