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
    # TODO 6.4: Ask whether the houses have changed
    raise NotImplementedError


def holm(p_values: pd.Series) -> pd.Series:
    """Correct p-values for their number (Holm 1979).

    The smallest of n is multiplied by n, the next one by n - 1, and so on. No corrected value is above 1, or below that
    of a smaller p-value. Order and index stay.
    """
    # TODO 6.4: Ask whether the houses have changed
    raise NotImplementedError


# TODO 6.4: Ask whether the houses have changed


def drift_by_month(
    reference: pd.DataFrame, sales: pd.DataFrame, *, categories: Sequence[str] = ("zipcode",)
) -> pd.DataFrame:
    """Compare each month of `sales` with the same reference; return a row for each month, oldest first.

    The columns that are compared are those of `reference`. `sales` has them too, and `date`. The answer has `month`
    (its first day), `rows`, `drifted` (how many columns) and `columns` (their names with ", " between them).
    """
    # TODO 6.4: Ask whether the houses have changed
    raise NotImplementedError


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
    # TODO 6.5: Judge a month when its prices are in
    raise NotImplementedError


# TODO 6.5: Judge a month when its prices are in


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
    # TODO 6.6: Tell a bug from drift, and drift from another market
    raise NotImplementedError


# TODO 6.6: Tell a bug from drift, and drift from another market
