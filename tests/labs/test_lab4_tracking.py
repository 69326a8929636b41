"""The checks of lab 4: one idea each. What they judge with is in `lab4_judges`."""

from __future__ import annotations

import pytest
from lab4_judges import assignment, experiments, exposures, gate, repeats, sweeps, tables, training
from lab4_judges import following as following_rules
from lab4_judges import versions as version_rules

from labkit.checks import exercise

# 4.1 log_training


@pytest.fixture(scope="module")
def logged(new_lab, template, module_rng):
    """Two trainings that were logged, and the store after them."""
    return training.log_two(new_lab("4.1"), template, module_rng)


@pytest.fixture(scope="module")
def failed(logged, module_rng):
    """Trainings that raised, in the same worker: in `fit` or in `predict`, at once or after all folds."""
    return {where: training.log_broken(logged.first, module_rng, where) for where in training.BROKEN}


@exercise("4.1")
def test_a_training_is_one_finished_run(logged):
    """Each training is one finished run of the experiment; its id comes back, and `model` stays untrained."""
    training.judge_run(logged)


@exercise("4.1")
def test_the_settings_are_parameters(logged):
    """Each of `params` is a parameter of the run."""
    training.judge_params(logged)


@exercise("4.1")
def test_the_metrics_are_those_of_test(logged):
    """`rmse`, `mae` and `r2` are those on `test`, of a model that has the settings and learned from `train`."""
    training.judge_metrics(logged)


@exercise("4.1")
def test_each_fold_has_its_metrics(logged):
    """`cv_rmse`, `cv_mae` and `cv_r2` of each fold are logged with the fold as step."""
    training.judge_folds(logged)


@exercise("4.1")
def test_the_run_says_which_data_and_which_code(logged):
    """The tags say which data and which code the run is made of."""
    training.judge_tags(logged)


@exercise("4.1")
def test_the_signature_names_the_features(logged):
    """The model's signature names the columns that it takes, and no others."""
    training.judge_signature(logged)


@exercise("4.1")
def test_example_and_packages_lie_with_the_model(logged):
    """An example of its input lies with the model, and its packages with their versions."""
    training.judge_example(logged)
    training.judge_requirements(logged)


@exercise("4.1")
def test_the_logged_model_is_the_one_that_was_judged(logged):
    """Loaded again, the model gives the prices that the metrics are made of."""
    training.judge_model(logged)


@exercise("4.1")
def test_two_plots_lie_with_the_run(logged):
    """Two plots of `test` lie with the run."""
    training.judge_plots(logged)


@exercise("4.1")
@pytest.mark.parametrize("where", training.BROKEN)
def test_a_training_that_raises_has_failed(failed, where):
    """A training that raises ends as FAILED with its error as a tag, and the caller hears of it."""
    training.judge_failure(failed[where])


# 4.2 sweep, compare_runs, reproduce


@pytest.fixture(scope="module")
def swept(new_lab, template, module_rng):
    """One search that was logged; lab 1's search answers at once."""
    return sweeps.sweep(new_lab("4.2"), template, module_rng)


@pytest.fixture(scope="module")
def repeatable(new_lab, template, module_rng):
    """A training that was logged, to be repeated."""
    return repeats.log(new_lab("4.2"), template, module_rng)


@exercise("4.2")
def test_a_search_is_one_run(swept):
    """`sweep` is one finished run that says what was searched, on which data, and how good the best one is."""
    sweeps.judge_parent(swept)


@exercise("4.2")
def test_each_candidate_is_a_nested_run(swept):
    """Each candidate is a nested, finished run with its own settings and metrics."""
    sweeps.judge_children(swept)


@exercise("4.2")
def test_all_finished_runs_are_compared(lab, template, rng):
    """`compare_runs` lists each finished run of the experiment, and no other, the smallest `rmse` first."""
    sweeps.judge_comparison(lab, template, rng)


@exercise("4.2")
def test_a_training_can_be_repeated(repeatable):
    """`reproduce` gets the same metrics from the record, also when newer sales have come, and logs nothing."""
    repeats.judge_same(repeatable)


@exercise("4.2")
@pytest.mark.parametrize("what", repeats.DATA)
def test_other_data_is_noticed(repeatable, rng, what):
    """Where the data is not that of then, `reproduce` raises a ValueError."""
    repeats.judge_data(repeatable, rng, what)


@exercise("4.2")
@pytest.mark.parametrize("name", ["GIT_COMMIT", "GIT_DIRTY", "GIT_DIFF"])
def test_other_code_is_noticed(repeatable, name):
    """Where the code is not that of then, `reproduce` raises a ValueError."""
    repeats.judge_code(repeatable, name)


@exercise("4.2")
def test_what_does_not_come_out_again_is_noticed(repeatable):
    """A run that has not finished is not repeated, and one that comes out otherwise was not: a ValueError for both."""
    repeats.judge_unfinished(repeatable)
    repeats.judge_metrics(repeatable)


# 4.3 register


@pytest.fixture(scope="module")
def registered(new_lab, template, module_rng):
    """Two trainings that were registered, beside a champion."""
    return version_rules.register(new_lab("4.3"), template, module_rng)


@exercise("4.3")
def test_a_version_is_the_model_of_its_run(registered):
    """`register` makes the model of a run a version, and returns its number."""
    version_rules.judge_version(registered)


@exercise("4.3")
def test_a_new_version_is_the_challenger(registered):
    """The new version is the `challenger`, and `champion` stays where it is."""
    version_rules.judge_aliases(registered)


@exercise("4.3")
def test_a_version_has_its_lineage(registered):
    """The version says which data, which code, how good, and who."""
    version_rules.judge_tags(registered)


@exercise("4.3")
def test_a_run_is_registered_once(registered):
    """A run that is registered already gives the version that it has."""
    version_rules.judge_once(registered)


@exercise("4.3")
@pytest.mark.parametrize("status", ["FAILED", "RUNNING", "KILLED", "SCHEDULED", "FINISHED"])
def test_a_run_without_a_finished_model_is_refused(registered, status):
    """A run that has not finished, or has no model, raises a ValueError."""
    version_rules.judge_refused(registered, status)


# 4.4 promote, rollback


@pytest.fixture(scope="module")
def judged(new_lab, template, module_rng):
    """A champion, and a challenger of each kind, with what the gate decided."""
    return gate.open_gate(new_lab("4.4"), template, module_rng)


@exercise("4.4")
def test_better_means_by_more_than_luck(judged):
    """`better` is the upper end of the paired interval of the difference in MAE, on the newest month."""
    gate.judge_better(judged)


@exercise("4.4")
def test_no_group_becomes_much_worse(judged):
    """`groups` is the largest change in a zipcode with 30 sales or more, on all of `recent`."""
    gate.judge_groups(judged)


@exercise("4.4")
def test_a_slow_version_is_refused(judged):
    """`latency` is the median time for one house, in seconds."""
    gate.judge_latency(judged)


@exercise("4.4")
def test_another_signature_is_refused(judged):
    """`signature` refuses a version that asks for other inputs than the champion, and then nothing is measured."""
    gate.judge_signature(judged)


@exercise("4.4")
def test_a_version_that_passes_each_rule_is_promoted(judged):
    """`champion` moves to a version that passes each rule, and to no other one."""
    gate.judge_decision(judged)


@exercise("4.4")
def test_the_first_version_needs_no_rival(judged):
    """Without a champion there is nothing to compare with, and the first version is promoted."""
    gate.judge_first(judged)


@exercise("4.4")
def test_the_decision_is_kept_with_the_version(judged):
    """The version's tag `gate` holds the decision, also where it was refused."""
    gate.judge_kept(judged)


@exercise("4.4")
def test_a_rollback_goes_one_step_back(lab, template, rng):
    """`rollback` puts the former champion back, one step each time; nothing is deleted, and the history has it all."""
    gate.judge_way_back(lab, template, rng)


@exercise("4.4")
def test_one_of_two_promoters_wins(new_lab, doors, rng):
    """Of two processes that promote at once, one wins and the other is told."""
    gate.judge_two_at_once(new_lab("4.4"), new_lab("4.4"), doors["mlflow"], rng)


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
    """Another champion is taken while requests go on: none is lost, waits or mixes two versions; and back again."""
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


# 4.8 the versions of the data


@pytest.fixture
def versions(lab, template, rng):
    """A worker with a store of MLflow's."""
    return tables.world(lab, template, rng)


@exercise("4.8")
def test_a_pointer_is_read(versions):
    """`read_pointer` gives path, md5 and size of one file, and refuses a folder."""
    tables.judge_pointer(versions)


@exercise("4.8")
def test_a_run_is_linked_to_its_data(versions):
    """`link_run` tags a run with the md5 and the path of the table that it was trained on."""
    tables.judge_link(versions)


@exercise("4.8")
def test_what_does_not_agree_is_not_linked(versions):
    """Where run, `.dvc` file and table do not agree, `link_run` raises DataMismatch and sets no tag."""
    tables.judge_mismatches(versions)


@exercise("4.8")
def test_the_data_of_a_run_is_found_again(versions):
    """`data_of_run` gives the table of the run, from the store, by the tags of the run alone."""
    tables.judge_found_again(versions)


@exercise("4.8")
def test_a_store_is_not_trusted(versions):
    """What the store does not have, or has damaged, is told, and so is a run that was never linked."""
    tables.judge_store(versions)
