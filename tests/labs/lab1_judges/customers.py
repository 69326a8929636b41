"""Judges the description of customers (1.7)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from lab1_judges.answers import few, on_day
from lab1_judges.samples import Generator, draw_purchases
from labkit.checks import LabHandle, expect, fail

COLUMNS = ("recency_days", "frequency", "monetary")
COUNTS_DAYS = "This counts days: two rows of a day are two purchases."
LOOK_AHEAD = "Nothing after `as_of` may be seen: drop those purchases first, before anything is counted."


@dataclass(frozen=True)
class Described:
    """Purchases, a day, and how the learner's code describes the customers on it (index: the customer)."""

    purchases: pd.DataFrame
    as_of: pd.Timestamp
    table: pd.DataFrame

    @property
    def known(self) -> pd.DataFrame:
        """The purchases up to the day."""
        return self.purchases[self.purchases["date"] <= self.as_of]


def draw_customers(rng: Generator) -> tuple[pd.DataFrame, pd.Timestamp]:
    """Purchases, of whom some customers come later only, and a day on which nobody bought anything."""
    purchases = draw_purchases(rng, 150)
    as_of = pd.Timestamp("1997-02-20") + pd.Timedelta(days=int(rng.integers(0, 20)))
    purchases = purchases[purchases["date"] != as_of]
    return purchases, as_of


def draw_last_day(rng: Generator) -> tuple[pd.DataFrame, pd.Timestamp]:
    """Purchases of some customers, and a day on which one of them bought again, and one for the first time."""
    purchases = draw_purchases(rng, 60).drop_duplicates()  # rows that look alike are asked for in `draw_later`
    dates = purchases.groupby("customer_id")["date"]
    first, last = dates.min(), dates.max()
    as_of = last[(first < last) & (last < "1998-06-01")].mode().iloc[0]
    once = purchases["customer_id"] == first.index[(first == last)][0]
    return purchases.assign(date=purchases["date"].where(~once, as_of)), as_of


def draw_later(rng: Generator) -> tuple[pd.DataFrame, pd.Timestamp]:
    """All purchases of some customers, and a day a year later: some rows are alike, some cost nothing."""
    purchases = draw_purchases(rng, 120)
    as_of = pd.Timestamp("1998-04-01") + pd.Timedelta(days=int(rng.integers(0, 60)))
    purchases = purchases[purchases["date"] != as_of]
    known = purchases[purchases["date"] < as_of]
    again = known.sample(3, random_state=rng)
    free = known.drop_duplicates("customer_id").sample(3, random_state=rng)
    free = free.assign(customer_id=purchases["customer_id"].max() + np.arange(1, 4), dollar_value=0.0)
    everything = pd.concat([purchases, again, free], ignore_index=True)
    return everything.sample(frac=1, random_state=rng), as_of


def judge_last_day(lab: LabHandle, rng: Generator) -> None:
    """Fail where a purchase on the day itself is not counted: that day is known when it ends."""
    found = describe(lab, *draw_last_day(rng))
    wanted = found.known.groupby("customer_id")["dollar_value"].sum()
    is_seen = (found.known["date"] == found.as_of) & (found.known["dollar_value"] > 0)
    that_day = found.known.loc[is_seen, "customer_id"].unique()
    there = found.table["monetary"].reindex(wanted.index)
    # Without what they spent on that day: another difference has another reason.
    rest = wanted - found.known[found.known["date"] == found.as_of].groupby("customer_id")["dollar_value"].sum()
    wrong = [one for one in that_day if np.isnan(there[one]) or np.isclose(there[one], rest[one], atol=0.006)]
    expect.that(
        not wrong,
        expected=f"a purchase on {found.as_of.date()} counts as of {found.as_of.date()}, with a recency of 0 days",
        found=f"that of customer {few(wrong)} is left out",
        help="`as_of` is seen at the end of the day: compare with `<=`. What comes after it is unknown.",
    )
    judge_recency(found)
    groups = found.known.groupby("customer_id")
    words = "the number of purchases, those of that day too"
    _amount(found, "frequency", groups.size(), {COUNTS_DAYS: groups["date"].nunique()}, words)
    _amount(found, "monetary", wanted, {}, "what all purchases cost (USD), those of that day too")


def judge_later(lab: LabHandle, rng: Generator) -> None:
    """Fail where rows are left out that are purchases as well: of long ago, for nothing, or like another one."""
    found = describe(lab, *draw_later(rng))
    judge_customers(found)
    judge_recency(found)
    groups = found.known.groupby("customer_id")
    days = {COUNTS_DAYS: groups["date"].nunique()}
    words = "the number of all purchases, those of long ago, those that cost nothing, and those that look alike"
    _amount(found, "frequency", groups.size(), days, words)
    _amount(found, "monetary", groups["dollar_value"].sum(), {}, "what all purchases cost (USD), those of long ago too")


def describe(lab: LabHandle, purchases: pd.DataFrame, as_of: pd.Timestamp) -> Described:
    """Let the learner's code describe; fail where the answer is not one row per customer."""
    answer, after = on_day(lab, "customers", "rfm", purchases, as_of)
    expect.that(
        isinstance(after, pd.DataFrame) and after.equals(purchases),
        expected="`purchases` is the same after the call as before",
        found="it was changed",
        help="Whoever called may still need it: work on a copy, without `inplace=True`.",
    )
    table = expect.frame(answer, "`rfm(…)`", columns=COLUMNS)
    expect.that(
        table.index.name == "customer_id",
        expected="`rfm` names the customers in its index `customer_id`",
        found="a column of that name" if "customer_id" in table.columns else f"an index named `{table.index.name}`",
        help="`set_index('customer_id')`: whoever looks up a customer writes `table.loc[customer]`.",
    )
    numbers = {name: _numbers(table[name], name) for name in COLUMNS}
    customers = expect.array(list(table.index), "`customer_id`", help="The index `customer_id` names the customer.")
    if len(np.unique(customers)) < len(customers):
        fail(
            expected="`rfm` has one row per customer",
            found=f"{len(customers) - len(np.unique(customers))} customers come again",
            help="Group the purchases by `customer_id`.",
        )
    return Described(purchases, as_of, pd.DataFrame(numbers, index=customers.astype(int)).sort_index())


def _numbers(values: pd.Series, name: str) -> np.ndarray:
    if pd.api.types.is_timedelta64_dtype(values) or pd.api.types.is_datetime64_any_dtype(values):
        fail(
            expected=f"`{name}` is a number",
            found=f"values of type {values.dtype}",
            help="A difference of dates is a Timedelta: `.dt.days` makes it a number of days.",
        )
    if any(isinstance(value, str) for value in values):
        fail(expected=f"`{name}` is a number", found="text", help="Leave the numbers as they are: no `astype(str)`.")
    return expect.array(
        values, f"`{name}`", help="Whoever has not bought anything up to `as_of` has no row; all others have numbers."
    )


def judge_customers(found: Described) -> None:
    """Fail where a customer is missing, or is described before the first purchase."""
    known, there = np.unique(found.known["customer_id"]), found.table.index.to_numpy()
    strangers = np.setdiff1d(there, np.unique(found.purchases["customer_id"]))
    if len(strangers):
        fail(
            expected="each row is a customer of `purchases`",
            found=f"{len(strangers)} are not: {few(strangers)}",
            help="The index `customer_id` names the customer.",
        )
    early = np.setdiff1d(there, known)
    if len(early):
        fail(
            expected=f"only the {len(known)} customers that bought up to {found.as_of.date()} are described",
            found=f"{len(early)} others, whose first purchase is later",
            help=LOOK_AHEAD,
        )
    lost = np.setdiff1d(known, there)
    later = found.purchases.loc[found.purchases["date"] > found.as_of, "customer_id"]
    spent = found.known.groupby("customer_id")["dollar_value"].sum()
    if np.isin(lost, later).all():
        help_text = "They have bought again after `as_of`. Forget the later purchases, and not those who made them."
    elif (spent[lost] == 0).all():
        help_text = "They have paid nothing so far: a purchase for 0 dollars is one as well."
    else:
        help_text = "Group all purchases up to `as_of` by `customer_id`; leave nobody out."
    expect.that(
        not len(lost),
        expected=f"each of the {len(known)} customers that bought up to {found.as_of.date()} has a row",
        found=f"missing: {len(lost)} of them ({few(lost)})",
        help=help_text,
    )


def judge_recency(found: Described) -> None:
    """Fail where `recency_days` is not the time from the last purchase to the day."""
    judge_customers(found)
    last = found.known.groupby("customer_id")["date"].max()
    wanted = (found.as_of - last).dt.days.to_numpy()
    recency = found.table["recency_days"].to_numpy()
    if np.allclose(recency, wanted):
        return
    shift = np.unique(recency - wanted)
    first = (found.as_of - found.known.groupby("customer_id")["date"].min()).dt.days.to_numpy()
    future = (
        found.purchases[found.purchases["customer_id"].isin(found.table.index)].groupby("customer_id")["date"].max()
    )
    if np.allclose(-recency, wanted):
        help_text = "The difference is the wrong way round: `as_of` minus the last purchase."
    elif (recency < 0).any() or np.allclose(recency, (found.as_of - future).dt.days.to_numpy()):
        help_text = LOOK_AHEAD
    elif len(shift) == 1 and shift[0] > 1:
        help_text = f"Count to `as_of`, not to the last day of the file: {LOOK_AHEAD}"
    elif len(shift) == 1 and shift[0] == (found.known["date"].max() - found.as_of).days:
        help_text = "Count to `as_of`, not to the day of the last purchase of all: shops have quiet days."
    elif np.allclose(recency, first):
        help_text = "This counts from the first purchase; recency counts from the last one."
    else:
        help_text = "Recency is `as_of` minus the date of the customer's last purchase, in days."
    wrong = int((~np.isclose(recency, wanted)).sum())
    worst = int(np.argmax(~np.isclose(recency, wanted)))
    fail(
        expected=f"`recency_days` of customer {found.table.index[worst]}, last there on {last.iloc[worst].date()}, is "
        f"{wanted[worst]} on {found.as_of.date()}",
        found=f"{recency[worst]:,.6g} ({wrong} of {len(wanted)} customers are wrong)",
        help=help_text,
    )


def judge_amounts(found: Described) -> None:
    """Fail where `frequency` is not the number of purchases, or `monetary` not what they cost in all."""
    judge_customers(found)
    groups = found.known.groupby("customer_id")["dollar_value"]
    known = found.known
    times_discs = (known["dollar_value"] * known["number_of_cds"]).groupby(known["customer_id"]).sum()
    everything = found.purchases[found.purchases["customer_id"].isin(found.table.index)].groupby("customer_id")
    _amount(
        found,
        "frequency",
        groups.size(),
        {
            LOOK_AHEAD: everything.size(),
            "These are repeat purchases: the first purchase counts as well.": groups.size() - 1,
            COUNTS_DAYS: found.known.groupby("customer_id")["date"].nunique(),
            "This counts discs: count purchases.": found.known.groupby("customer_id")["number_of_cds"].sum(),
        },
        "the number of purchases",
    )
    _amount(
        found,
        "monetary",
        groups.sum(),
        {
            LOOK_AHEAD: everything["dollar_value"].sum(),
            "This is the mean per purchase: add up what the customer has spent.": groups.mean(),
            "This is the largest purchase: add them up.": groups.max(),
            "This is the last purchase: add them up.": known.sort_values("date", kind="stable")
            .groupby("customer_id")["dollar_value"]
            .last(),
            "`dollar_value` is what the whole purchase cost, not one of its discs: do not multiply.": times_discs,
        },
        "what all purchases cost (USD)",
    )


def _amount(found: Described, name: str, wanted: pd.Series, mistakes: dict[str, pd.Series], words: str) -> None:
    values = found.table[name].to_numpy()
    wrong = ~np.isclose(values, wanted.to_numpy(), rtol=1e-4, atol=0.006)
    if not wrong.any():
        return
    help_text = next(
        (text for text, other in mistakes.items() if np.allclose(values, other.to_numpy(), atol=0.006)), ""
    )
    place = int(np.argmax(wrong))
    fail(
        expected=f"`{name}` of customer {found.table.index[place]} is {words}: {wanted.iloc[place]:,.6g}",
        found=f"{values[place]:,.6g} ({int(wrong.sum())} of {len(values)} customers are wrong)",
        help=help_text
        or "Group all purchases up to `as_of` by customer, and leave none out: rows that look alike are two purchases.",
    )


def judge_future(lab: LabHandle, rng: Generator) -> None:
    """Fail where purchases after the day change what is said about the day."""
    purchases, as_of = draw_customers(rng)
    now = describe(lab, purchases, as_of).table
    then = describe(lab, purchases[purchases["date"] <= as_of], as_of).table
    if now.shape == then.shape and np.array_equal(now.index, then.index) and np.allclose(now, then):
        return
    changed = [name for name in COLUMNS if len(now) != len(then) or not np.allclose(now[name], then[name])]
    fail(
        expected=f"purchases after {as_of.date()} change nothing in `rfm(purchases, '{as_of.date()}')`",
        found=f"without them, {', '.join(f'`{name}`' for name in changed) or 'the list of customers'} is different",
        help=f"This is a look-ahead. {LOOK_AHEAD}",
    )
