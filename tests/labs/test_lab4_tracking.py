"""The checks of lab 4: one idea each. What they judge with is in `lab4_judges`."""

from __future__ import annotations

import pytest
from lab4_judges import gate, repeats, sweeps, training, versions

from labkit.checks import exercise

# 4.1 log_training


@pytest.fixture(scope="module")
def logged(new_lab, template, module_rng):
    """Two trainings that were logged, and the store after them."""
    return training.log_two(new_lab("4.1"), template, module_rng)


@pytest.fixture(scope="module")
def failed(logged, module_rng):
    """Two trainings that raised, in the same worker: one in `fit`, one in `predict`."""
    return {where: training.log_broken(logged.first.lab, module_rng, where) for where in ("fit", "predict")}


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
@pytest.mark.parametrize("where", ["fit", "predict"])
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
@pytest.mark.parametrize("name", ["GIT_COMMIT", "GIT_DIFF"])
def test_other_code_is_noticed(repeatable, name):
    """Where the code is not that of then, `reproduce` raises a ValueError."""
    repeats.judge_code(repeatable, name)


@exercise("4.2")
def test_what_does_not_come_out_again_is_noticed(repeatable):
    """A run that failed cannot be repeated, and one that comes out otherwise was not: a ValueError for both."""
    repeats.judge_unfinished(repeatable)
    repeats.judge_metrics(repeatable)


# 4.3 register


@pytest.fixture(scope="module")
def registered(new_lab, template, module_rng):
    """Two trainings that were registered, beside a champion."""
    return versions.register(new_lab("4.3"), template, module_rng)


@exercise("4.3")
def test_a_version_is_the_model_of_its_run(registered):
    """`register` makes the model of a run a version, and returns its number."""
    versions.judge_version(registered)


@exercise("4.3")
def test_a_new_version_is_the_challenger(registered):
    """The new version is the `challenger`, and `champion` stays where it is."""
    versions.judge_aliases(registered)


@exercise("4.3")
def test_a_version_has_its_lineage(registered):
    """The version says which data, which code, how good, and who."""
    versions.judge_tags(registered)


@exercise("4.3")
def test_a_run_is_registered_once(registered):
    """A run that is registered already gives the version that it has."""
    versions.judge_once(registered)


@exercise("4.3")
@pytest.mark.parametrize("status", ["FAILED", "RUNNING", "FINISHED"])
def test_a_run_without_a_finished_model_is_refused(registered, status):
    """A run that has not finished, or has no model, raises a ValueError."""
    versions.judge_refused(registered, status)


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
    gate.judge_two_at_once(new_lab("4.4"), new_lab("4.4"), rng)
