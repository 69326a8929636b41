"""Has the world changed? Drift of the features, the error as prices become known, and a diagnosis.

Features are known at once, and prices 30 to 60 days later. So there are two questions, and neither answers the other:
do the houses look different, and are the prices still right?
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from mlops_lab.files import write_atomically

# A change is reported where it is real (p below ALPHA, corrected for the number of columns) and large (PSI).
ALPHA = 0.05
LEAST_PSI = 0.2
# A table of more rows is sampled.
MOST_ROWS = 50_000

# So many days after its end, all prices of a month are known.
DAYS_UNTIL_KNOWN = 60

# In log price: 0.03 is a price that is 3 % too high.
MOST_BIAS = 0.03
# What no market does within a month, and what a changed unit, a lost column or a broken export do.
MOST_MISSING = 0.05
MOST_SCALE = 3.0
MOST_BROKEN_SUMS = 0.01
MOST_COMMON = 0.9

Verdict = Literal["none", "data bug", "covariate", "concept"]
NEXT_STEPS: dict[Verdict, str] = {
    "none": "keep watching",
    "data bug": "mend the data at its source, and price these houses again",
    "covariate": "compare the error on the new rows as soon as their prices are known; then retrain with them",
    "concept": "retrain on the newest complete months",
}


@dataclass(frozen=True)
class DriftReport:
    """What `feature_drift` found.

    `table` has a row for each column, in the order of the reference: `column`, `kind` ("number" or "category"), `test`
    ("ks" or "chisquare"), `p_value`, `p_adjusted`, `psi`, `drifted`. `rows` says how many rows there were and how many
    were looked at: `reference`, `current`, `reference_used`, `current_used`. `html` is Evidently's page.
    """

    table: pd.DataFrame
    rows: dict[str, int]
    html: str

    def drifted(self) -> list[str]:
        """Return the names of the columns that have drifted."""
        return list(self.table.loc[self.table["drifted"], "column"])

    def to_json(self) -> str:
        """Return `{"rows": …, "columns": [a row of the table, …]}` as JSON."""
        columns = json.loads(self.table.to_json(orient="records", double_precision=15))
        return json.dumps({"rows": self.rows, "columns": columns}, allow_nan=False)

    def write_html(self, path: str | Path) -> Path:
        """Write Evidently's page to one file that needs no network; return its path."""
        return write_atomically(path, self.html)


def feature_drift(
    reference: pd.DataFrame, current: pd.DataFrame, *, categories: Sequence[str] = ("zipcode",)
) -> DriftReport:
    """Compare the columns of two tables of features, with Evidently.

    A column is a category if `categories` names it or if its values are no numbers (texts, booleans); all others are
    numbers. Numbers are compared by the test of Kolmogorov and Smirnov ("ks"), categories by "chisquare". The p-values
    are corrected for the number of columns by Holm's method. The size of a change is Evidently's "psi". A column has
    drifted where its corrected p-value is below `ALPHA` and its PSI is `LEAST_PSI` or more.

    Of a table with more than `MOST_ROWS` rows so many are looked at, the same ones at each call, drawn from the whole
    table. The tables are not changed.

    Raises ValueError where a table has no row, where the two do not have the same columns (it names those), or where a
    column has no value at all (it names this one).
    """
    # solution 6.4
    from evidently import DataDefinition, Dataset, Report
    from evidently.metrics import ValueDrift

    _refuse_what_cannot_be_compared(reference, current)
    names = list(reference.columns)
    in_words = [name for name in names if name in categories or not _is_number(reference[name])]
    kinds = ["category" if name in in_words else "number" for name in names]
    tests = ["chisquare" if kind == "category" else "ks" for kind in kinds]
    used = [_readable(table[names], in_words) for table in (reference, current)]

    definition = DataDefinition(
        numerical_columns=[name for name in names if name not in in_words], categorical_columns=in_words
    )
    pairs = zip(names, tests, strict=True)
    asked = [ValueDrift(column=name, method=method) for name, test in pairs for method in (test, "psi")]
    before, after = (Dataset.from_pandas(table, data_definition=definition) for table in used)
    with np.errstate(divide="ignore"):  # a category that the reference does not have is expected 0 times
        snapshot = Report(asked).run(after, before)
    values = [float(metric["value"]) for metric in snapshot.dict()["metrics"]]

    table = pd.DataFrame({"column": names, "kind": kinds, "test": tests, "p_value": values[::2]})
    table["p_adjusted"] = holm(table["p_value"])
    table["psi"] = values[1::2]
    table["drifted"] = (table["p_adjusted"] < ALPHA) & (table["psi"] >= LEAST_PSI)
    rows = {
        "reference": len(reference),
        "current": len(current),
        "reference_used": len(used[0]),
        "current_used": len(used[1]),
    }
    return DriftReport(table, rows, snapshot.get_html_str(as_iframe=False))
    # end solution


def holm(p_values: pd.Series) -> pd.Series:
    """Correct p-values for their number (Holm 1979).

    The smallest of n is multiplied by n, the next one by n - 1, and so on. No corrected value is above 1, or below that
    of a smaller p-value. Order and index stay.
    """
    # solution 6.4
    rising = p_values.sort_values()
    factors = np.arange(len(rising), 0, -1)
    return (rising * factors).cummax().clip(upper=1.0).reindex(p_values.index)
    # end solution


# solution 6.4
def _is_number(column: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)


def _refuse_what_cannot_be_compared(reference: pd.DataFrame, current: pd.DataFrame) -> None:
    if reference.empty or current.empty:
        raise ValueError(f"nothing to compare: {len(reference)} rows before, {len(current)} now")
    if differing := sorted(set(reference.columns) ^ set(current.columns)):
        raise ValueError(f"only one of the tables has {', '.join(map(str, differing))}")
    for table, when in ((reference, "the reference"), (current, "the current table")):
        if gone := [str(name) for name in table.columns if table[name].isna().all()]:
            raise ValueError(f"no value at all in {', '.join(gone)} of {when}")


def _readable(table: pd.DataFrame, in_words: list[str]) -> pd.DataFrame:
    """At most MOST_ROWS rows, with categories as texts: 98101 is a name."""
    if len(table) > MOST_ROWS:
        table = table.sample(MOST_ROWS, random_state=0)
    return table.assign(**{name: table[name].astype(str) for name in in_words}).reset_index(drop=True)


# end solution


def drift_by_month(
    reference: pd.DataFrame, sales: pd.DataFrame, *, categories: Sequence[str] = ("zipcode",)
) -> pd.DataFrame:
    """Compare each month of `sales` with the same reference; return a row for each month, oldest first.

    The columns that are compared are those of `reference`. `sales` has them too, and `date`. The answer has `month`
    (its first day), `rows`, `drifted` (how many columns) and `columns` (their names with ", " between them).
    """
    # solution 6.4
    rows = []
    for month, part in sales.groupby(sales["date"].dt.to_period("M")):
        found = feature_drift(reference, part[list(reference.columns)], categories=categories).drifted()
        rows.append((month.to_timestamp(), len(part), len(found), ", ".join(found)))
    return pd.DataFrame(rows, columns=["month", "rows", "drifted", "columns"])
    # end solution


def performance_drift(predictions: pd.DataFrame, labels: pd.DataFrame, as_of: str | pd.Timestamp) -> pd.DataFrame:
    """Return the error of each month's predictions, as far as it was known at the end of the day `as_of`.

    Args:
        predictions: `prediction_id` (unique), `date`, `predicted` (USD).
        labels: `prediction_id`, `price` (USD), `known_on` (the day on which this price became known). A price that was
            corrected comes again, with a later day. The order of the rows means nothing. A price for an id that is not
            among the predictions is left out.
        as_of: what became known later is not seen; of two prices for one id, the one that became known last counts.

    Returns:
        A row for each month in which something was predicted up to `as_of`, oldest first: `month` (its first day),
        `predictions`, `known` (how many of their prices are known), `mae` (mean absolute error in USD) with `mae_low`
        and `mae_high`, `bias` (mean of log predicted minus log price; above 0: too dear) with `bias_low` and
        `bias_high`, `complete` (whether `DAYS_UNTIL_KNOWN` days have passed since its last day). Low and high are
        95 % confidence limits of the mean. What cannot be computed (no price, or for limits only one) is NaN.

    Raises ValueError where a `prediction_id` comes twice among the predictions.
    """
    # solution 6.5
    as_of = pd.Timestamp(as_of).normalize()
    if predictions["prediction_id"].duplicated().any():
        raise ValueError("a prediction_id comes twice: its price would count twice")
    # What was known on that day, and of each price its newest form.
    known = labels[labels["known_on"].dt.normalize() <= as_of].sort_values("known_on", kind="stable")
    known = known.drop_duplicates("prediction_id", keep="last")
    made = predictions[predictions["date"].dt.normalize() <= as_of]
    # By id and never by position. A prediction without a price stays: it counts in `predictions`.
    joined = made.merge(known[["prediction_id", "price"]], on="prediction_id", how="left", validate="one_to_one")
    joined["error"] = (joined["predicted"] - joined["price"]).abs()
    joined["ratio"] = np.log(joined["predicted"]) - np.log(joined["price"])

    rows = []
    for month, part in joined.groupby(joined["date"].dt.to_period("M")):
        rows.append(
            {
                "month": month.to_timestamp(),
                "predictions": len(part),
                "known": int(part["price"].notna().sum()),
                **_mean_with_limits(part["error"], "mae"),
                **_mean_with_limits(part["ratio"], "bias"),
                # The labels of a month come in over weeks. Those that come first need not be like the others.
                "complete": (month + 1).to_timestamp() + pd.Timedelta(days=DAYS_UNTIL_KNOWN - 1) <= as_of,
            }
        )
    names = ["mae", "mae_low", "mae_high", "bias", "bias_low", "bias_high"]
    # Without a type, the column of an empty table could not choose rows.
    return pd.DataFrame(rows, columns=["month", "predictions", "known", *names, "complete"]).astype({"complete": bool})
    # end solution


# solution 6.5
def _mean_with_limits(values: pd.Series, name: str) -> dict[str, float]:
    """The mean of what is there, and where it lies with 95 % confidence."""
    half = 1.96 * values.std() / np.sqrt(values.count()) if values.count() > 1 else np.nan
    return {name: values.mean(), f"{name}_low": values.mean() - half, f"{name}_high": values.mean() + half}


# end solution


@dataclass(frozen=True)
class Diagnosis:
    """What is the matter, what shows it (a sentence for each sign), and what to do now."""

    verdict: Verdict
    evidence: tuple[str, ...]
    next_step: str


def diagnose(reference: pd.DataFrame, current: pd.DataFrame, performance: pd.DataFrame) -> Diagnosis:
    """Tell why predictions may be wrong: because of a data bug, of other houses, or of another market.

    Args:
        reference: the features on which the model was trained.
        current: the same columns, of the houses that are priced now.
        performance: what `performance_drift` returned. Only its complete months count.

    The verdict is the first of these that holds:

    - "data bug": a column is gone; in a column the share of missing values has risen by more than `MOST_MISSING`; a
      column has a single value now, which at most `MOST_COMMON` of it had before; in a column of numbers that were
      never below 0, the median of those above 0 is more than `MOST_SCALE` times as large or as small; or `sqft_above +
      sqft_basement` differs from `sqft_living` in more than `MOST_BROKEN_SUMS` of the rows (where these columns are
      there; a row of which a part is missing does not differ), while it did not before.
    - "covariate": `feature_drift` finds a column that has drifted.
    - "concept": the bias of the newest complete month lies beyond `MOST_BIAS`, above or below 0, with both its limits.
    - "none".

    `evidence` has a sentence for each sign of that verdict: for two columns that have drifted, two. It names the
    column, or the month as 2015-03. That of "none" is empty. `next_step` is that of `NEXT_STEPS`.
    """
    # solution 6.6
    verdict: Verdict
    if signs := _signs_of_a_bug(reference, current):
        verdict = "data bug"  # a test for drift would see it too, and call it a new kind of house
    elif signs := _signs_of_other_houses(reference, current):
        verdict = "covariate"
    elif signs := _signs_of_another_market(performance):
        verdict = "concept"
    else:
        verdict = "none"
    return Diagnosis(verdict, tuple(signs), NEXT_STEPS[verdict])
    # end solution


# solution 6.6
def _signs_of_a_bug(reference: pd.DataFrame, current: pd.DataFrame) -> list[str]:
    signs = []
    for name in reference.columns:
        if name not in current.columns:
            signs.append(f"{name}: the column is gone")
            continue
        before, now = reference[name], current[name]
        if now.isna().mean() - before.isna().mean() > MOST_MISSING:
            signs.append(f"{name}: {now.isna().mean():.0%} of it is missing, {before.isna().mean():.0%} before")
        left = now.dropna().unique()
        if len(left) == 1 and (before.dropna() == left[0]).mean() <= MOST_COMMON:
            signs.append(f"{name}: all values are {left[0]}, and {before.nunique()} different ones before")
        if _is_number(before) and before.min() >= 0:
            # Many houses have a basement of 0: half of a mix says little of its unit.
            scale = now[now > 0].median() / before[before > 0].median()
            if not np.isnan(scale) and not 1 / MOST_SCALE <= scale <= MOST_SCALE:
                signs.append(f"{name}: the median is {scale:.3g} times that of before: is it the same unit?")
    parts = ["sqft_above", "sqft_basement", "sqft_living"]
    if set(parts) <= set(reference.columns) & set(current.columns):
        broken, used_to_be = _broken_sums(current[parts]), _broken_sums(reference[parts])
        if broken > MOST_BROKEN_SUMS >= used_to_be:
            signs.append(f"sqft_living: it is not sqft_above + sqft_basement in {broken:.0%} of the rows")
    return signs


def _broken_sums(parts: pd.DataFrame) -> float:
    there = parts.dropna()
    broken = (there["sqft_above"] + there["sqft_basement"] - there["sqft_living"]).abs() > 0.5
    return float(broken.mean()) if len(there) else 0.0


def _signs_of_other_houses(reference: pd.DataFrame, current: pd.DataFrame) -> list[str]:
    report = feature_drift(reference, current)
    found = report.table[report.table["drifted"]]
    return [f"{row.column}: it has drifted (PSI {row.psi:.2f}, p {row.p_adjusted:.1g})" for row in found.itertuples()]


def _signs_of_another_market(performance: pd.DataFrame) -> list[str]:
    complete = performance[performance["complete"]].sort_values("month")
    if complete.empty:
        return []
    newest = complete.iloc[-1]
    # Where its limits are not known, it is beyond none.
    if newest["bias_low"] > MOST_BIAS or newest["bias_high"] < -MOST_BIAS:
        return [
            f"{newest['month']:%Y-%m}: prices are off by {np.expm1(newest['bias']):+.1%}, and the houses are the same"
        ]
    return []


# end solution
