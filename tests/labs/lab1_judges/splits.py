"""Judges a split by time (1.1): which rows are on which side, and which mistake explains it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from lab1_judges.answers import explain, on_day
from lab1_judges.samples import Generator, draw_sales
from labkit.checks import LabHandle, LearnerError, expect, fail

USUAL_CUTOFF = pd.Timestamp("2015-01-01")
FIRST_DAY = "The cutoff is the first day of the test set: compare with `<` for train and `>=` for test."


@dataclass(frozen=True)
class Split:
    """What was split, and what came back: row numbers in `sales` per side, the sides, and `sales` after the call."""

    sales: pd.DataFrame
    cutoff: pd.Timestamp
    train: np.ndarray
    test: np.ndarray
    train_frame: pd.DataFrame
    test_frame: pd.DataFrame
    after: Any

    @property
    def is_late(self) -> np.ndarray:
        """Which sales belong to test."""
        return (self.sales["date"] >= self.cutoff).to_numpy()

    @property
    def is_early(self) -> np.ndarray:
        """Which sales belong to train: the earlier ones, without the houses of test."""
        resold = self.sales["id"].isin(self.sales.loc[self.is_late, "id"]).to_numpy()
        return ~self.is_late & ~resold

    @property
    def is_resold(self) -> np.ndarray:
        """Which early sales are of a house that is sold again later."""
        return ~self.is_late & ~self.is_early


def draw_split(rng: Generator) -> tuple[pd.DataFrame, pd.Timestamp]:
    """Sales with houses sold on both sides of the cutoff (some twice before it) and on one, and on the cutoff day."""
    while True:
        sales = draw_sales(rng, 260, sold_twice=70)
        is_twice = sales["id"].duplicated(keep=False)
        cutoff = pd.Timestamp(sales.loc[~is_twice, "date"].sort_values().to_numpy()[int(rng.integers(60, 80))])
        if abs(cutoff - USUAL_CUTOFF) < pd.Timedelta(days=7):
            continue  # a cutoff that is typed in would be right by chance
        late = (sales.loc[is_twice, "date"] >= cutoff).groupby(sales["id"]).sum()
        if late.value_counts().reindex([0, 1, 2], fill_value=0).min() > 1:
            # Some houses are sold three times: twice before the cutoff, and from it on.
            houses = late.index[late == 1][:4]
            early = sales.index[~is_twice & (sales["date"] < cutoff)]
            sales.loc[early[: len(houses)], "id"] = houses.to_numpy()
            return sales, cutoff


def split(lab: LabHandle, sales: pd.DataFrame, cutoff: pd.Timestamp) -> Split:
    """Let the learner's code split; fail where the answer is not two tables of rows of `sales`."""
    try:
        answer, after = on_day(lab, "house_price", "split_by_time", sales, cutoff)
    except LearnerError as error:
        if "ValueError" in error.base_names and not error.help:
            error.help = (
                f"Sales before {cutoff:%Y-%m-%d} are there, and sales from it on: no side is empty. Is the cutoff used "
                "to the day?"
            )
        raise
    sides = expect.pair(answer, "`split_by_time(…)`", names=("train", "test"))
    frames = [
        expect.frame(side, f"`{name}`", columns=list(sales.columns))
        for name, side in zip(("train", "test"), sides, strict=True)
    ]
    rows = [_rows(frame, sales, name) for frame, name in zip(frames, ("train", "test"), strict=True)]
    return Split(sales, cutoff, rows[0], rows[1], frames[0], frames[1], after)


def judge_empty_side(lab: LabHandle, rng: Generator, side: str) -> None:
    """Fail where a side without a row is no ValueError, or one of pandas' own by accident."""
    sales, cutoff = draw_empty_side(rng, side)
    what = f"a split that leaves no row in {side}"
    help_text = "Nobody can learn from no rows, or be judged on none: look at both sides before you return them."
    with expect.raises("ValueError", what=what, help=help_text):
        try:
            lab.house_price.split_by_time(sales, cutoff)
        except LearnerError as error:
            explain(error)
            if error.help:
                found = f"{error.type_name}: {error.message[:200]}"
                fail(expected=f"{what} raises a ValueError of your own", found=found, help=error.help)
            raise


def draw_empty_side(rng: Generator, side: str) -> tuple[pd.DataFrame, pd.Timestamp]:
    """Sales and a cutoff that leaves no row on one side."""
    sales = draw_sales(rng, 60, sold_twice=20)
    if side == "train":
        return sales, sales["date"].min()
    if side == "test":
        return sales, sales["date"].max() + pd.Timedelta(days=1)
    dates = sales.groupby("id")["date"]
    twice = sales[dates.transform("min") < dates.transform("max")]
    return twice, twice.groupby("id")["date"].max().min()


def _rows(frame: pd.DataFrame, sales: pd.DataFrame, name: str) -> np.ndarray:
    keys = pd.Index(sales["sqft_lot"])
    rows = keys.get_indexer(expect.array(frame["sqft_lot"], f"`{name}['sqft_lot']`"))
    if (rows < 0).any():
        fail(
            expected=f"`{name}` holds rows of `sales` as they are",
            found=f"{int((rows < 0).sum())} of its {len(rows)} rows have values that are not in `sales`",
            help="Split first; whatever changes values (scaling, encoding) belongs into the estimator.",
        )
    return rows


def judge_time(found: Split) -> None:
    """Fail where a side holds sales of the other side's time."""
    is_late, cutoff_day = found.is_late, (found.sales["date"] == found.cutoff).to_numpy()
    train_late, test_early = is_late[found.train], ~is_late[found.test]
    wrong = int(train_late.sum() + test_early.sum())
    if not wrong:
        return
    expected = "`train` has the sales before the cutoff, `test` the sales from the cutoff on"
    late, early = int(train_late.sum()), int(test_early.sum())
    text = f"{late} rows of `train` are from the cutoff on, {early} rows of `test` before it"
    if train_late.all() and test_early.all():
        fail(expected=expected, found="the two sides are swapped", help="Return `train, test` in this order.")
    on_day = cutoff_day[found.train[train_late]].sum() + cutoff_day[found.test[test_early]].sum()
    if on_day == wrong:
        fail(
            expected="a sale on the cutoff day itself is in `test`",
            found=f"{wrong} of them are in `train`",
            help=FIRST_DAY,
        )
    if not train_late.any() and found.is_resold[found.test[test_early]].all():
        fail(
            expected=expected,
            found=text,
            help="The early sale of a house that is sold again belongs to neither side: it is not from the cutoff on.",
        )
    fail(expected=expected, found=text, help=_other_mistake(found))


def _other_mistake(found: Split) -> str:
    """Say what puts rows of the other time on a side."""
    dates, is_late = found.sales["date"].to_numpy(), found.is_late
    late = found.train[is_late[found.train]]
    if len(np.intersect1d(found.train, found.test)) > len(found.sales) // 2:
        return "Most sales are on both sides: is anything taken out of `sales`?"
    sold_before = np.isin(found.sales["id"].to_numpy()[late], found.sales["id"].to_numpy()[~is_late])
    if is_late[found.test].all() and sold_before.all():
        return "The later sale of a house sold before was moved to `train`: it is the earlier one that has to go."
    if len(found.train) and len(found.test):
        last, first = dates[found.train].max(), dates[found.test].min()
        if last < first:
            return (
                f"`train` ends on {pd.Timestamp(last):%Y-%m-%d}, `test` begins on {pd.Timestamp(first):%Y-%m-%d}, and "
                f"the cutoff is {found.cutoff:%Y-%m-%d}: is the argument `cutoff` used, and to the day?"
            )
    return (
        "This looks like a random split, or a split by row number (the rows are not sorted by date): the model would "
        "learn from the future. Compare the date of each row with the cutoff."
    )


def judge_houses(found: Split) -> None:
    """Fail where a house is on both sides, or the wrong side has lost it."""
    ids = found.sales["id"].to_numpy()
    both = np.intersect1d(ids[found.train], ids[found.test])
    if len(both):
        fail(
            expected="a house that was sold on both sides of the cutoff is in `test` only",
            found=f"{len(both)} houses are on both sides (by their `id`)",
            help="The model would be asked for a house that it has learned by heart: take the houses of `test` out of "
            "`train`, by `id`.",
        )
    lost = np.setdiff1d(np.flatnonzero(found.is_late), found.test)
    again = np.isin(ids[lost], ids[found.is_resold])
    if again.any():
        fail(
            expected="a house that was sold on both sides of the cutoff stays in `test`",
            found=f"{int(again.sum())} sales of such houses are missing from `test`",
            help="Remove the earlier sale from `train`, not the later one from `test`.",
        )


def judge_completeness(found: Split) -> None:
    """Fail where rows are lost or come twice."""
    sides: list[tuple[str, np.ndarray, np.ndarray]] = [
        ("train", found.train, np.flatnonzero(found.is_early)),
        ("test", found.test, np.flatnonzero(found.is_late)),
    ]
    counts = found.sales["id"].value_counts()
    for name, rows, wanted in sides:
        expect.that(
            len(np.unique(rows)) == len(rows),
            expected=f"each sale is once in `{name}`",
            found=f"{len(rows) - len(np.unique(rows))} rows come again",
        )
        lost = np.setdiff1d(wanted, rows)
        if len(lost):
            twice = (counts[found.sales["id"].to_numpy()[lost]] > 1).all()
            expect.that(
                not (found.sales["date"].iloc[lost] == found.cutoff).all(),
                expected="a sale on the cutoff day itself is in `test`",
                found=f"{len(lost)} of them are on neither side",
                help=FIRST_DAY,
            )
            fail(
                expected=f"`{name}` has {len(wanted)} rows",
                found=f"{len(lost)} of them are missing",
                help="A house that was sold twice on the same side keeps both sales: only a house on both sides has to "
                "give way." if twice else "Nothing else is dropped: an odd row is the model's business, not the "
                "split's.",
            )  # fmt: skip


def judge_order(found: Split) -> None:
    """Fail where the order of the rows, a value, or the table that was passed in has changed."""
    for name, rows, frame in (("train", found.train, found.train_frame), ("test", found.test, found.test_frame)):
        if (np.diff(rows) < 0).any():
            by_date = frame["date"].is_monotonic_increasing
            fail(
                expected=f"the rows of `{name}` are in the order of `sales`",
                found="they are sorted by date" if by_date else "they are in another order",
                help="A mask such as `sales[sales['date'] < cutoff]` keeps the order; there is no need to sort.",
            )
        _same_values(frame, found.sales.iloc[rows], f"`{name}` has the values of `sales`")
    table = expect.frame(
        found.after, "`sales` after the call", columns=list(found.sales.columns), rows=len(found.sales)
    )
    help_text = "`inplace=True`, or an assignment to a column of `sales`, changes the caller's table: work on a copy."
    same_rows = np.array_equal(expect.array(table["sqft_lot"], "`sales['sqft_lot']`"), found.sales["sqft_lot"])
    expect.that(
        same_rows and table.shape == found.sales.shape,
        expected="`sales` is the same after the call",
        found="its rows or columns have changed",
        help=help_text,
    )
    expect.that(
        table.index.equals(found.sales.index),
        expected="`sales` is the same after the call",
        found="its index has changed",
        help=help_text,
    )
    for name in found.sales.columns:
        expect.that(
            table[name].dtype == found.sales[name].dtype,
            expected="`sales` is the same after the call",
            found=f"`{name}` has the type {table[name].dtype} and had {found.sales[name].dtype}",
            help=help_text,
        )
    _same_values(table, found.sales, "`sales` is the same after the call", help_text)


def _same_values(found: pd.DataFrame, wanted: pd.DataFrame, expected: str, help_text: str = "") -> None:
    for name in wanted.columns:
        changed = _changed(found[name], wanted[name])
        if changed:
            fail(expected=expected, found=f"{changed} values of `{name}` have changed", help=help_text)


def _changed(found: pd.Series, wanted: pd.Series) -> int:
    if wanted.dtype.kind == "M" and found.dtype.kind != "M":
        return len(wanted)  # dates that became text
    try:
        return int((np.asarray(found).astype(wanted.dtype) != wanted.to_numpy()).sum())
    except (TypeError, ValueError):
        return len(wanted)
