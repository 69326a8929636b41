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

    # solution 5.1
    id: int = pa.Field(ge=1)
    date: pd.Timestamp = pa.Field(ge=pd.Timestamp("2000-01-01"))
    price: int = pa.Field(ge=1_000, le=100_000_000)
    bedrooms: int = pa.Field(ge=0, lt=40)
    bathrooms: float = pa.Field(ge=0, le=20)
    sqft_living: int = pa.Field(ge=100, le=50_000)
    sqft_lot: int = pa.Field(ge=100, le=10_000_000)
    floors: float = pa.Field(ge=1, le=6)
    waterfront: bool
    view: int = pa.Field(ge=0, le=4)
    condition: int = pa.Field(ge=1, le=5)
    grade: int = pa.Field(ge=1, le=13)
    sqft_above: int = pa.Field(ge=100, le=50_000)
    sqft_basement: int = pa.Field(ge=0, le=20_000)
    yr_built: int = pa.Field(ge=1850, le=2100)
    yr_renovated: int = pa.Field(ge=0, le=2100)
    zipcode: int = pa.Field(ge=10_000, le=99_999)
    lat: float = pa.Field(ge=47.1, le=47.8)
    long: float = pa.Field(ge=-122.6, le=-121.0)
    sqft_living15: int = pa.Field(ge=100, le=50_000)
    sqft_lot15: int = pa.Field(ge=100, le=10_000_000)

    class Config:
        """No column more and none less, no conversion, and no sale twice."""

        strict = True
        unique = ["id", "date"]  # noqa: RUF012

    @pa.check("date", error="a day: it has a time, so it went through a time zone")
    def is_a_day(cls, date: pd.Series) -> pd.Series:
        """Midnight in Seattle is 08:00 or 07:00 in UTC."""
        return date == date.dt.normalize()

    @pa.check("date", error="a day up to today")
    def is_past(cls, date: pd.Series) -> pd.Series:
        """A sale of tomorrow has not happened."""
        return date <= today()

    @pa.dataframe_check(error="sqft_living: it is not sqft_above + sqft_basement")
    def areas_add_up(cls, sales: pd.DataFrame) -> pd.Series:
        """What is above ground and what is below it make the whole."""
        return sales["sqft_above"] + sales["sqft_basement"] == sales["sqft_living"]

    @pa.dataframe_check(error="yr_built: more than a year after the sale")
    def built_in_time(cls, sales: pd.DataFrame) -> pd.Series:
        """A house may be sold before it is finished, a year ahead."""
        return sales["yr_built"] <= sales["date"].dt.year + 1
    #~ id: int
    #~ date: pd.Timestamp
    #~ price: int
    #~ bedrooms: int
    #~ bathrooms: float
    #~ sqft_living: int
    #~ sqft_lot: int
    #~ floors: float
    #~ waterfront: bool
    #~ view: int
    #~ condition: int
    #~ grade: int
    #~ sqft_above: int
    #~ sqft_basement: int
    #~ yr_built: int
    #~ yr_renovated: int
    #~ zipcode: int
    #~ lat: float
    #~ long: float
    #~ sqft_living15: int
    #~ sqft_lot15: int
    # end solution
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
    # solution 5.2
    # Places, not labels: two rows may have the same label.
    rows = frame.reset_index(drop=True)
    reasons: dict[int, list[str]] = {}
    # What has no value, or half a one, fits into no type: it comes out first, with its reason.
    agreed = {str(name): str(one.dtype) for name, one in HouseSales.to_schema().columns.items() if name in rows}
    for column in agreed:
        for place in rows.index[rows[column].isna()]:
            reasons.setdefault(place, []).append(f"{column}: missing")
    floats = [name for name, dtype in agreed.items() if dtype == "int64" and rows[name].dtype == "float64"]
    for column in floats:
        for place in rows.index[rows[column].notna() & (rows[column] % 1 != 0)]:  # infinity leaves no rest at all
            reasons.setdefault(place, []).append(f"{column}: {rows[column].array[place]} is not a whole number")
    full = rows.drop(index=list(reasons)).infer_objects().astype(dict.fromkeys(floats, "int64"))
    # The contract judges the rest.
    try:
        HouseSales.validate(full, lazy=True)
    except pa.errors.SchemaErrors as broken:
        _raise_for_the_table(broken.failure_cases)
        for place, reason in _reasons_of_rows(broken.failure_cases):
            reasons.setdefault(place, []).append(reason)
    # A row with a gap was not judged. The other row of its sale is no better known for that.
    keyed = rows.dropna(subset=HouseSales.Config.unique)
    for place in keyed.index[keyed.duplicated(HouseSales.Config.unique, keep=False)]:
        if TWICE not in reasons.setdefault(place, []):
            reasons[place].append(TWICE)
    is_bad = rows.index.isin(list(reasons))
    told = ["; ".join(reasons[place]) for place in sorted(reasons)]
    quarantined = frame[is_bad].assign(reasons=told)
    good = full.drop(index=full.index.intersection(list(reasons)))
    return Split(good.set_axis(frame.index[~is_bad]), quarantined)
    # end solution


def check_batch(split: Split, previous: BatchReport | None = None) -> BatchReport:
    """Decide whether the good rows of a month may go on: the report has no problems, or a sentence for each one.

    The rules, by the names that their sentences begin with:
    `rows`: the batch has no row at all. `share`: more than `MAX_BAD_SHARE` of the rows are in quarantine. `month`: the
    good rows are of more than one month, or of a month that is not after that of `previous`. `freshness`: between the
    newest good sale and the end of its month lie more than `MAX_DAYS_MISSING` days. `volume`: the rows, good and bad,
    per day of the calendar month are less than `MIN_VOLUME` or more than `MAX_VOLUME` times those of `previous`.

    Without `previous`, or with one that has no rows or no month, nothing is compared with it.
    """
    # solution 5.2
    bad, rows = len(split.quarantined), len(split.good) + len(split.quarantined)
    problems = [] if rows else ["rows: the batch is empty"]
    share = bad / rows if rows else 0.0
    if share > MAX_BAD_SHARE:
        problems.append(
            f"share: {bad} of {rows} rows ({share:.1%}) break the contract, at most {MAX_BAD_SHARE:.0%} may"
        )
    # A row in quarantine may have any date: it says nothing about the month.
    months = split.good["date"].dt.to_period("M")
    counts = months.value_counts()
    month = counts.index[0] if len(counts) else None
    newest = split.good["date"].max()
    if len(counts) > 1:
        others = ", ".join(f"{number} of {one}" for one, number in counts.items())
        problems.append(f"month: the rows are of several months: {others}")
    if month is not None:
        days_missing = (month.end_time.normalize() - newest.normalize()).days
        if days_missing > MAX_DAYS_MISSING:
            problems.append(
                f"freshness: the newest sale is of {newest.date()}, {days_missing} days before its month ends"
            )
    if month is not None and previous is not None and previous.month and previous.rows:
        before = pd.Period(previous.month, "M")
        if month <= before:
            problems.append(f"month: {month} is not after {before}, which was there already")
        # Per day: February has three days less, and that is no reason for an alarm.
        ratio = (rows / month.days_in_month) / (previous.rows / before.days_in_month)
        if not MIN_VOLUME <= ratio <= MAX_VOLUME:
            problems.append(
                f"volume: {rows / month.days_in_month:.1f} rows per day, {ratio:.2f} times those of {before}; "
                f"from {MIN_VOLUME:g} to {MAX_VOLUME:g} is agreed"
            )
    return BatchReport(
        month=str(month) if month is not None else "",
        rows=rows,
        good=len(split.good),
        quarantined=bad,
        bad_share=share,
        newest=str(newest.date()) if month is not None else "",
        reasons=_count_columns(split.quarantined["reasons"]),
        problems=tuple(problems),
    )
    # end solution


# solution 5.2
TWICE = "id: sold more than once on this day"


def _raise_for_the_table(cases: pd.DataFrame) -> None:
    """Raise ContractError where not a row but the table is wrong: its columns or their types."""
    told: dict[str, str] = {}
    for column, check, value in zip(cases["column"], cases["check"], cases["failure_case"], strict=True):
        if check in ("column_in_schema", "column_in_dataframe"):
            told[value] = f"`{value}` is {'missing' if check == 'column_in_dataframe' else 'unknown'}"
        elif check.startswith("dtype"):
            told[column] = f"`{column}` is not {check[7:-2]} but {value}"
    if told:
        raise ContractError(f"the table is not what was agreed: {'; '.join(told.values())}")


def _reasons_of_rows(cases: pd.DataFrame) -> list[tuple[int, str]]:
    """The place of each row that breaks a rule, with the reason, each once."""
    found: dict[tuple[int, str], None] = {}
    for place, context, column, check, value in zip(
        cases["index"], cases["schema_context"], cases["column"], cases["check"], cases["failure_case"], strict=True
    ):
        reason = f"{column}: {value} is not {str(check).replace('_', ' ').replace('(', ' ').rstrip(')')}"
        if context == "DataFrameSchema":  # reported once for each column of the table
            reason = TWICE if check == "multiple_fields_uniqueness" else str(check)
        found[int(place), reason] = None
    return list(found)


def _count_columns(reasons: pd.Series) -> dict[str, int]:
    """How many rows name each column, the largest number first."""
    columns = [{reason.partition(":")[0] for reason in row.split("; ")} for row in reasons]
    counts = pd.Series([name for row in columns for name in sorted(row)], dtype=str).value_counts()
    return {str(name): int(number) for name, number in counts.items()}


# end solution
