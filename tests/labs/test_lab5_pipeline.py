"""The checks of lab 5: one idea each. Samples and judgements are in `lab5_judges`."""

from __future__ import annotations

import pytest
from lab5_judges import batches, contract, features, quarantine

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
def test_columns_that_contradict_each_other_are_refused(contract_lab, rng):
    """Areas that do not add up are refused, and a house that is built two years after its sale."""
    contract.judge_faults(contract_lab, rng, "columns")


@exercise("5.1")
def test_a_sale_is_there_once(contract_lab, rng):
    """The key is `id` and `date`: a house that is sold again on another day passes, the same sale twice does not."""
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
@pytest.mark.parametrize("what", ["no row", "one good row", "one bad row", "good rows only", "bad rows only"])
def test_small_tables_are_split_as_well(batch_lab, rng, what):
    """A table without rows, of one row, and one where all are good or all are bad, is split like any other."""
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
