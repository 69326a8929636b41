"""The checks of lab 4: one idea each. What they judge with is in `lab4_judges`."""

from __future__ import annotations

import pytest
from lab4_judges import training

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
