"""The contract between those who deliver the sales and those who train on them: what a row is, and what a month is.

Areas are in square feet, prices in US dollars. Nothing here reads a file or a network.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any

import pandas as pd
import pandera.pandas as pa

# The contract of the batch, as both sides have agreed on it.
MAX_BAD_SHARE = 0.02
"""Share of the rows that may be in quarantine."""
MAX_DAYS_MISSING = 7
"""Days between the newest good sale and the last day of its month."""
MIN_VOLUME, MAX_VOLUME = 0.5, 2.0
"""Rows per day of the month, as a multiple of those of the month before."""


def today() -> pd.Timestamp:
    """The day of today where the houses stand. In Seoul it is already tomorrow."""
    return pd.Timestamp.now("America/Los_Angeles").tz_localize(None).normalize()


class ContractError(ValueError):
    """A table that is not what was agreed: a column is missing, unknown, or of another type."""


# fmt: off
class HouseSales(pa.DataFrameModel):
    """One row per sale of a house in King County. The key is the house (`id`) and the day of its sale (`date`).

    All sales of `load_house_sales()` pass unchanged, their columns in any order. What is refused:

    - a value that cannot be. No count, price, area or year is below 0, and `id`, `price`, `sqft_living` and `floors`
      are not 0 either. Nothing is fifty times as large as the largest in the data, and `bedrooms` is below 40.
      `yr_built` is not before 1800, and no year is 3000 or later. `view` is 0 to 4, `condition` 1 to 5, `grade` 1 to
      13; a `zipcode` has five digits; no place is far outside King County;
    - a missing value;
    - a `date` after `today()`, as it is at each validation, one in 1970, and one that has a time of day;
    - areas where `sqft_above + sqft_basement` is not `sqft_living`, and a `yr_built` later than the year after the
      sale;
    - all rows of a sale that comes twice;
    - a column of another type, which is not converted, and a column that is missing or unknown.
    """

    # TODO 5.1: Say what a sale is
    id: int
    date: pd.Timestamp
    price: int
    bedrooms: int
    bathrooms: float
    sqft_living: int
    sqft_lot: int
    floors: float
    waterfront: bool
    view: int
    condition: int
    grade: int
    sqft_above: int
    sqft_basement: int
    yr_built: int
    yr_renovated: int
    zipcode: int
    lat: float
    long: float
    sqft_living15: int
    sqft_lot15: int
# fmt: on


@dataclass(frozen=True)
class Split:
    """A table in two parts: what keeps the contract, and what does not, with a column `reasons` more."""

    good: pd.DataFrame
    quarantined: pd.DataFrame


@dataclass(frozen=True)
class BatchReport:
    """What is known about the batch of a month. It is accepted where it has no problems."""

    month: str
    """The month of most of the good rows, `2015-02`; empty where there is no good row."""
    rows: int
    """How many rows were delivered."""
    good: int
    quarantined: int
    bad_share: float
    """Share of the rows in quarantine, 0 to 1; 0 where there are no rows."""
    newest: str
    """The day of the newest good sale, `2015-02-28`; empty where there is no good row."""
    reasons: dict[str, int] = field(default_factory=dict)
    """For each column that `reasons` of the quarantined rows name: how many rows it stands in, the largest first."""
    problems: tuple[str, ...] = ()
    """Why the batch is refused: sentences, each behind the name of the rule that is broken, and a colon."""

    @property
    def accepted(self) -> bool:
        """Whether the good rows may go on."""
        return not self.problems

    def to_json(self) -> str:
        """The report for machines."""
        return json.dumps(asdict(self) | {"accepted": self.accepted}, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> BatchReport:
        """The report that `to_json` wrote."""
        told: dict[str, Any] = json.loads(text)
        told.pop("accepted")
        return cls(**told | {"problems": tuple(told["problems"])})


def split_valid(frame: pd.DataFrame) -> Split:
    """Put each row of `frame` to the good ones or into quarantine. Nothing is dropped, repaired or filled in.

    Both parts keep the index and the order of `frame`, which is not changed. All of `good` passes `HouseSales`, also in
    its types: where one value is missing, pandas turns a column of whole numbers into floats, and `good` has whole
    numbers again.

    `quarantined` has the rows as they were delivered, in the types of `frame`, and a column `reasons`: text that names
    each column with a wrong value, and says what is wrong, `bedrooms: 400 is not less than 40; lat: 0.0 is not …`. A
    rule about several columns goes under the name of one of them. Of a row with missing values it names at least those,
    `lat: missing`. Of a sale that comes twice, all rows are in quarantine, also where one of them has a missing value.

    Raises ContractError where not a row but the table is wrong: a column is missing, unknown, or of another type. The
    message names each such column.
    """
    # TODO 5.2: Quarantine rows, refuse months
    raise NotImplementedError


def check_batch(split: Split, previous: BatchReport | None = None) -> BatchReport:
    """Decide whether the good rows of a month may go on: the report has no problems, or a sentence for each one.

    The rules, by the names that their sentences begin with:
    `rows`: the batch has no row at all. `share`: more than `MAX_BAD_SHARE` of the rows are in quarantine. `month`: the
    good rows are of more than one month, or of a month that is not after that of `previous`. `freshness`: between the
    newest good sale and the end of its month lie more than `MAX_DAYS_MISSING` days. `volume`: the rows, good and bad,
    per day of the calendar month are less than `MIN_VOLUME` or more than `MAX_VOLUME` times those of `previous`.

    Without `previous`, or with one that has no rows or no month, nothing is compared with it.
    """
    # TODO 5.2: Quarantine rows, refuse months
    raise NotImplementedError


# TODO 5.2: Quarantine rows, refuse months
