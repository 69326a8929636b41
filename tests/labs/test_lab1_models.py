"""The checks of lab 1: one idea each. Samples and judgements are in `lab1_judges`."""

from __future__ import annotations

import pytest
from lab1_judges import (
    confusion,
    customers,
    evaluation,
    flowers,
    folds,
    market,
    market_rules,
    reports,
    search,
    segments,
    splits,
)

from labkit.checks import exercise, expect

# 1.1 split_by_time


@pytest.fixture(scope="module")
def split(new_lab, module_rng):
    """One split of real sales, looked at by several checks."""
    sales, cutoff = splits.draw_split(module_rng)
    return splits.split(new_lab("1.1"), sales, cutoff)


@exercise("1.1")
def test_train_is_before_the_cutoff_and_test_from_it_on(split):
    """`train` holds sales from before the cutoff only, `test` sales from the cutoff on."""
    splits.judge_time(split)


@exercise("1.1")
def test_a_house_sold_on_both_sides_is_in_test_only(split):
    """A house that was sold before and after the cutoff is in `test` only."""
    splits.judge_houses(split)


@exercise("1.1")
def test_no_other_sale_is_lost(split):
    """Every other sale is there, once, also that of a house sold twice on the same side."""
    splits.judge_completeness(split)


@exercise("1.1")
def test_rows_keep_their_order_and_sales_is_not_changed(split):
    """The rows keep their order, and the table that was passed in is not changed."""
    splits.judge_order(split)


@exercise("1.1")
@pytest.mark.parametrize("side", ["train", "test", "train, because all its houses are sold again"])
def test_an_empty_side_raises_value_error(lab, rng, side):
    """Where one side would have no row, `split_by_time` raises a ValueError."""
    splits.judge_empty_side(lab, rng, side)


# 1.2 build_model


@pytest.fixture(scope="module")
def priced(new_lab, module_rng):
    """The learner's model, trained on one market."""
    return market.open_market(new_lab("1.2"), module_rng)


@exercise("1.2")
def test_build_model_returns_an_untrained_estimator(lab):
    """`build_model` returns one scikit-learn estimator that can be copied and has not learned anything yet."""
    market.judge_untrained(lab)


@exercise("1.2")
def test_predictions_are_prices_in_dollars(priced):
    """Trained on the raw sales, the model prices new houses in dollars, better than one price for all."""
    market.judge_dollars(priced)


@exercise("1.2")
def test_the_model_learns_in_fit_from_the_given_sales(priced):
    """`fit` learns from the sales that it is given, and neither `fit` nor `predict` changes them."""
    market_rules.judge_given_rows(priced)


@exercise("1.2")
def test_a_price_does_not_depend_on_the_other_houses(priced, rng):
    """A house gets the same price alone and among others: `predict` learns nothing."""
    market_rules.judge_batches(priced, rng)


@exercise("1.2")
def test_features_name_what_the_model_needs(priced):
    """Where `main` trains with `FEATURES`, the list names columns that the model may use, and no other kind."""
    market_rules.judge_features(priced)


@exercise("1.2")
def test_an_unseen_zipcode_gets_a_price(priced):
    """A house in a zipcode that was not in the training data gets a sensible price."""
    market.judge_unseen_zipcode(priced)


@exercise("1.2")
def test_zipcode_is_a_name_not_a_number(priced):
    """The model learns what each zipcode is worth, and does not read it as a quantity."""
    market.judge_zipcode(priced)


@exercise("1.2")
def test_columns_that_are_no_features_change_nothing(priced, rng):
    """`id`, `price`, columns derived from the price and all that is not in `FEATURES` change no prediction."""
    market.judge_leaks(priced, rng)


@exercise("1.2")
def test_the_model_learns_log_prices(priced, rng):
    """The model learns log prices: 10 % too much counts alike for a cottage and a villa."""
    market.judge_log_target(priced.lab, rng)


# 1.3 cross_validate_model


@pytest.fixture(scope="module")
def validation_lab(new_lab):
    """The worker of 1.3."""
    return new_lab("1.3")


@pytest.fixture(scope="module")
def validated(validation_lab, module_rng):
    """One cross-validation of a model that tells which rows it was given."""
    return folds.cross_validate(validation_lab, module_rng)


@exercise("1.3")
def test_one_row_per_fold(validated, validation_lab, rng):
    """The answer has one row per fold with `rmse`, `mae` and `r2`."""
    folds.judge_table(validated)
    folds.judge_table(folds.cross_validate(validation_lab, rng, 2))


@exercise("1.3")
def test_a_house_is_never_in_two_folds(validated):
    """Each sale is judged once, by a model that never saw its house."""
    folds.judge_houses(validated)


@exercise("1.3")
def test_each_fold_trains_on_all_other_rows(validated):
    """The model of a fold is trained anew, on all the rows outside the fold."""
    folds.judge_training_rows(validated)


@exercise("1.3")
def test_metrics_are_in_dollars_on_unseen_rows(validated):
    """Each metric is measured in dollars, on the rows of the fold that the model was not trained on."""
    folds.judge_metrics(validated)


@exercise("1.3")
def test_model_and_sales_stay_as_they_were(validated):
    """`model` itself stays untrained, and `sales` is not changed."""
    folds.judge_unchanged(validated)


@exercise("1.3")
def test_evaluate_measures_a_trained_model(validation_lab, rng):
    """`evaluate` judges a trained model on other sales: `rmse` and `mae` in dollars, `r2`."""
    evaluation.judge_evaluate(validation_lab, rng)


# 1.4 tune_model


@pytest.fixture(scope="module")
def tuned(new_lab, module_rng):
    """One search, in which it was recorded which rows the candidates got."""
    return search.draw_search(new_lab("1.4"), module_rng)


@exercise("1.4")
def test_validation_is_later_than_training(tuned):
    """Each candidate is validated on sales that are later than those it was trained on."""
    search.judge_time(tuned)


@exercise("1.4")
def test_every_candidate_is_tried_and_listed(tuned, rng):
    """As many settings as `n_candidates` says are tried, and `results` shows them."""
    search.judge_candidates(tuned)
    search.judge_many(tuned.lab, rng)


@exercise("1.4")
def test_candidates_are_settings_of_build_model(tuned):
    """Each candidate is `build_model()` with other settings."""
    search.judge_settings(tuned)


@exercise("1.4")
def test_errors_are_those_of_the_validation_folds(tuned):
    """`rmse` and `rmse_std` of each candidate are mean and spread over its validation folds, in dollars."""
    search.judge_errors(tuned)


@exercise("1.4")
def test_the_best_candidate_learns_from_all_sales(tuned):
    """The model that comes back has the best settings and is trained on all the sales that were given."""
    search.judge_best(tuned)


@exercise("1.4")
def test_the_search_does_not_change_sales(tuned):
    """The table that was passed in is not changed."""
    search.judge_unchanged(tuned)


@exercise("1.4")
def test_the_seed_decides_the_candidates(tuned, rng):
    """The same seed tries the same candidates, another seed tries others."""
    search.judge_seed(tuned.lab, rng)


# 1.5 compare_classifiers


@pytest.fixture(scope="module")
def iris_lab(new_lab):
    """The worker of 1.5."""
    return new_lab("1.5")


@pytest.fixture(scope="module")
def compared(iris_lab, module_rng):
    """One comparison, in which it was recorded which flowers the models got."""
    return flowers.compare(iris_lab, module_rng, seed=0)


@exercise("1.5")
def test_the_table_names_three_kinds_of_models(compared):
    """The table has a row for each model: a dummy, logistic regression and a tree ensemble, at least."""
    flowers.judge_table(compared)


@exercise("1.5")
def test_the_dummy_is_right_for_a_third(compared):
    """The dummy, which knows nothing, is right for about a third of the flowers."""
    flowers.judge_dummy(compared)


@exercise("1.5")
def test_folds_are_stratified_shuffled_and_repeated(compared):
    """The folds are shuffled, have as many flowers of each species, and are drawn several times."""
    flowers.judge_folds(compared)


@exercise("1.5")
def test_no_column_gives_the_species_away(compared):
    """The models learn from the measures: no column gives the species away."""
    flowers.judge_leaks(compared)


@exercise("1.5")
def test_a_scaler_sees_training_flowers_only(compared):
    """Nothing has learned from the flowers that a model is judged on."""
    flowers.judge_inside(compared)


@exercise("1.5")
def test_accuracy_is_that_of_the_test_folds(compared):
    """`accuracy_mean` and `accuracy_std` are those of the test folds."""
    flowers.judge_accuracy(compared)


@exercise("1.5")
def test_the_seed_decides_the_folds(compared, iris_lab, rng):
    """The same seed gives the same folds, another seed gives others."""
    again, other = (flowers.compare(iris_lab, rng, seed=seed) for seed in (0, 4))
    flowers.judge_seed(compared, again, other)


# 1.6 confusion


@pytest.fixture(scope="module")
def confusion_lab(new_lab):
    """The worker of 1.6."""
    return new_lab("1.6")


@pytest.fixture(scope="module")
def counted(confusion_lab, module_rng):
    """The confusion matrix of a model whose mistakes are known."""
    return confusion.count(confusion_lab, module_rng, seed=0)


@exercise("1.6")
def test_every_flower_is_named_by_a_model_that_never_saw_it(counted):
    """Each of the 150 flowers is counted once, named by a model that was not trained on it."""
    confusion.judge_unseen(counted)


@exercise("1.6")
def test_rows_are_true_and_columns_predicted(counted, confusion_lab, rng):
    """Rows are the true species, columns the predicted ones, both by name, also of a species that is never named."""
    confusion.judge_sides(counted)
    confusion.judge_sides(confusion.count(confusion_lab, rng, seed=1, never=str(rng.choice(confusion.NAMES))))


@exercise("1.6")
def test_the_model_that_was_passed_in_stays_untrained(counted):
    """`model` itself stays untrained."""
    confusion.judge_untrained(counted)


@exercise("1.6")
def test_the_folds_are_shuffled_by_the_seed(counted, confusion_lab, rng):
    """The folds are stratified and shuffled: another seed gives other folds."""
    confusion.judge_seed(counted, *(confusion.count(confusion_lab, rng, seed=seed) for seed in (0, 6)))


# 1.7 rfm


@pytest.fixture(scope="module")
def described(new_lab, module_rng):
    """Real customers, described as of a day on which some have not bought anything yet."""
    return customers.describe(new_lab("1.7"), *customers.draw_customers(module_rng))


@exercise("1.7")
def test_every_customer_known_by_then_has_one_row(described):
    """Each customer that bought up to `as_of` has one row, and nobody else has."""
    customers.judge_customers(described)


@exercise("1.7")
def test_recency_counts_from_the_last_purchase_to_as_of(described):
    """`recency_days` is the number of days from the last purchase to `as_of`."""
    customers.judge_recency(described)


@exercise("1.7")
def test_frequency_and_monetary_add_up_purchases(described):
    """`frequency` is the number of purchases, `monetary` what they cost in all."""
    customers.judge_amounts(described)


@exercise("1.7")
def test_purchases_after_as_of_change_nothing(lab, rng):
    """Purchases after `as_of` change nothing: nobody knows them on that day."""
    customers.judge_future(lab, rng)


@exercise("1.7")
def test_every_purchase_counts(lab, rng):
    """Each purchase counts: of `as_of` itself, of long ago, on a day with another one, or for nothing."""
    customers.judge_later(lab, rng)
    customers.judge_last_day(lab, rng)


# 1.8 segment_customers, choose_k, profile_segments


@pytest.fixture(scope="module")
def segment_lab(new_lab):
    """The worker of 1.8."""
    return new_lab("1.8")


@exercise("1.8")
def test_labels_are_ordered_by_what_customers_spend(segment_lab, rng):
    """Each customer has a label from 0 to k - 1; a higher label means more money."""
    segments.judge_rich(segment_lab, rng)
    for k in (8, 5, 4):
        table = segments.draw_real(rng)
        labels = segments.segment(segment_lab, table, k, seed=k)
        segments.judge_order(table, labels)
    segments.judge_seed(segment_lab, table, labels, k, seed=k)
    segments.judge_form(segment_lab, table)


@exercise("1.8")
def test_distances_are_measured_between_scaled_logarithms(segment_lab, rng):
    """`points_of` has the logarithms of the measures on one scale, and K-Means groups what is near there."""
    segments.judge_points(segment_lab, rng)


@exercise("1.8")
def test_money_does_not_decide_alone(segment_lab, rng):
    """Each measure counts alike: they are scaled before K-Means."""
    segments.judge_kinds(segment_lab, *segments.draw_unequal_scales(rng), 1, segments.NO_SCALING)
    segments.judge_each_measure(segment_lab, rng)


@exercise("1.8")
def test_a_few_large_customers_do_not_bend_the_segments(segment_lab, rng):
    """Customers that spend ten times as much are one step away, not ten: K-Means sees logarithms."""
    segments.judge_kinds(segment_lab, *segments.draw_long_tail(rng), 2, segments.NO_LOG)


@exercise("1.8")
def test_choose_k_shows_how_many_kinds_there_are(segment_lab, rng):
    """`choose_k` gives inertia and silhouette for each k, measured in the same space as the segments."""
    segments.judge_choice(segment_lab, rng)
    segments.judge_many(segment_lab, rng)


@exercise("1.8")
def test_the_profile_describes_each_segment(segment_lab, rng):
    """`profile_segments` has one row per segment, sorted: its size, its means and its share of the revenue."""
    segments.judge_profile(segment_lab, rng)


# 1.9 write_report


@pytest.fixture(scope="module")
def written(new_lab, module_rng):
    """Two reports on different data."""
    return reports.write_two(new_lab("1.9"), module_rng)


@exercise("1.9")
def test_the_report_is_a_markdown_file_in_the_folder(written):
    """`write_report` writes a Markdown file into the folder and returns its path."""
    for report in written:
        expect.text(report.text, "the report")


@exercise("1.9")
def test_four_plots_are_shown(written):
    """The report shows four plots that are PNG files in its folder."""
    reports.judge_plots(written)


@exercise("1.9")
def test_figures_are_computed_not_typed(written):
    """The report's figures follow the data: other data, other figures."""
    reports.judge_typed(written)


@exercise("1.9")
def test_house_prices_are_those_of_the_given_sales(written):
    """Counts of sales, and the errors of a mean price, a linear model and `build_model()`, are those of the data."""
    reports.judge_houses(written)


@exercise("1.9")
def test_classifiers_are_compared_by_the_seed(written):
    """Every classifier of the week is in the report with its accuracy, on the folds that `seed` draws."""
    reports.judge_flowers(written)


@exercise("1.9")
def test_segments_are_described_and_tested(written):
    """Numbers of segments, their profile, and who came back are those of the purchases that were given."""
    reports.judge_customers(written)


@exercise("1.9")
def test_plots_show_what_was_computed(written):
    """Each plot shows what was computed from the data that was given."""
    reports.judge_drawings(written)
