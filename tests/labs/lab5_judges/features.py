"""Judges the features (5.3): a sale sees what was known before its day, in training as in serving."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from lab5_judges import months
from lab5_judges.months import Generator
from labkit.checks import LabHandle, expect, fail

NAMES = ("zip_price_sqft", "zip_sales")
DAY = pd.Timedelta(days=1)


@dataclass(frozen=True)
class Trained:
    """Sales, and what `training_frame` makes of them, in the order of the sales."""

    lab: LabHandle
    sales: pd.DataFrame
    frame: pd.DataFrame


def draw_sales(rng: Generator) -> pd.DataFrame:
    """Every sale of five zipcodes in some months, shuffled, with labels that come twice; days with several of them."""
    sales = months.all_sales()
    first = pd.Timestamp("2014-05-02") + int(rng.integers(0, 200)) * DAY
    chosen = rng.choice(sales["zipcode"].value_counts().index[:40], 5, replace=False)
    sales = sales[sales["zipcode"].isin(chosen) & sales["date"].between(first, first + 140 * DAY)]
    sales = sales.sample(frac=1, random_state=rng)
    # Prices in steps of a dollar of their own: no two sales cost the same per square foot.
    sales = sales.assign(price=sales["price"] + rng.permutation(len(sales)))
    return sales.set_axis(pd.Index(rng.integers(0, len(sales), len(sales)), name="line"))


def expected(sales: pd.DataFrame, day: pd.Timestamp, first: int = 90, last: int = 1) -> pd.DataFrame:
    """The features of each zipcode, from the sales of `first` to `last` days before."""
    back = (day - sales["date"]) // DAY
    known = sales[(back <= first) & (back >= last)]
    ratio = (known["price"] / known["sqft_living"]).groupby(known["zipcode"])
    return pd.DataFrame({"zip_price_sqft": ratio.median(), "zip_sales": ratio.size()})


def call(lab: LabHandle, function: str, sales: pd.DataFrame, *args: Any) -> pd.DataFrame:
    """Call a function of the learner's; fail where it changes its argument or answers with no table."""
    lab._called("features", function)
    told = lab.make(
        "mlops_probes.prepare:call", f"lab5_pipeline.features:{function}", sales, *args, doing=f"`{function}(…)`"
    )
    good = isinstance(told, tuple) and len(told) == 2 and isinstance(told[1], tuple) and len(told[1]) == 1 + len(args)
    expect.that(good, expected=f"`{function}(…)` leaves its process as it was", found="an answer of another form")
    after = told[1][0]
    expect.that(
        isinstance(after, pd.DataFrame) and after.equals(sales) and after.index.equals(sales.index),
        expected="`sales` is the same after the call as before",
        found="it was changed",
        help="`sales.assign(…)` makes a new table; `sales['x'] = …` writes into that of the caller.",
    )
    return expect.frame(told[0], f"`{function}(…)`", columns=NAMES)


def known_at(lab: LabHandle, sales: pd.DataFrame, as_of: Any) -> pd.DataFrame:
    """What the learner's code knows about each zipcode, by zipcode. Here no label of a sale comes twice."""
    table = call(lab, "zipcode_features", sales.set_axis(pd.RangeIndex(len(sales))[::-1]), as_of)
    names = table.get("zipcode", table.index)
    zipcodes = expect.array(list(names), "`zipcode`", help="The index is the zipcode.")
    numbers = {name: expect.array(table[name], f"`{name}` of `zipcode_features`", finite=False) for name in NAMES}
    expect.that(
        len(np.unique(zipcodes)) == len(zipcodes), expected="one row per zipcode", found=f"{len(zipcodes)} rows"
    )
    return pd.DataFrame(numbers, index=zipcodes.astype(int))


def middle_day(rng: Generator, sales: pd.DataFrame) -> pd.Timestamp:
    """A day of a sale with 90 days before it that have sales, and some after it."""
    days = np.sort(sales["date"].unique())
    return pd.Timestamp(days[int(rng.integers(int(0.7 * len(days)), int(0.9 * len(days))))])


def judge_window(lab: LabHandle, rng: Generator) -> None:
    """Median and number of the sales from 90 days before to the day before."""
    sales = draw_sales(rng)
    day = middle_day(rng, sales)
    # Sales on each edge of the window, cheap or dear enough that they move the median.
    edge = [sales.sample(9, random_state=rng).assign(date=day - back * DAY) for back in (-1, 0, 1, 90, 91)]
    edge = [rows.assign(price=rows["price"] * factor) for rows, factor in zip(edge, (9, 8, 7, 6, 5), strict=True)]
    sales = pd.concat([sales, *edge], ignore_index=True).sample(frac=1, random_state=rng)
    compare(known_at(lab, sales, day), sales, day)


def compare(found: pd.DataFrame, sales: pd.DataFrame, day: pd.Timestamp) -> None:
    """Fail where the features of a day are others, and say which mistake explains it."""
    wanted = expected(sales, day)
    lost = [zipcode for zipcode in wanted.index if zipcode not in found.index]
    expect.that(
        not lost,
        expected=f"each zipcode with sales on the 90 days before {day.date()} has a row",
        found=f"no row of {lost[0] if lost else ''}",
        help="The window begins 90 days before the day, and its last day is the day before.",
    )
    extra = [zipcode for zipcode in found.index if zipcode not in wanted.index]
    expect.that(
        not extra,
        expected=f"a zipcode without sales on the 90 days before {day.date()} has no row",
        found=f"{extra[0] if extra else ''} has one",
        help="What is not known is not in the table: who looks it up decides what that means.",
    )
    for name in NAMES:
        if np.allclose(found[name].reindex(wanted.index), wanted[name], rtol=1e-6):
            continue
        place = int(np.argmax(~np.isclose(found[name].reindex(wanted.index), wanted[name], rtol=1e-6)))
        zipcode = wanted.index[place]
        fail(
            expected=f"`{name}` of {zipcode} as of {day.date()} is {wanted[name].iloc[place]:,.6g}",
            found=f"{found.loc[zipcode, name]:,.6g}",
            help=_explain(found[name], sales, day, name),
        )


def _explain(found: pd.Series, sales: pd.DataFrame, day: pd.Timestamp, name: str) -> str:
    windows = {
        (90, 0): "Sales of the day itself are seen: nobody knows them when the day begins. Compare with `<`.",
        (91, 1): "The window is a day too long: the first day that counts is 90 days before.",
        (89, 1): "The window is a day too short: the day 90 days before counts.",
        (10_000, 1): "Sales of all times are seen: only those of the 90 days before count.",
        (10_000, -10_000): "All sales are seen, also later ones: that is a look-ahead.",
        (90, -10_000): "Later sales are seen: that is a look-ahead. Forget them before anything is counted.",
    }
    for (first, last), words in windows.items():
        other = expected(sales, day, first, last)[name]
        if found.index.isin(other.index).all() and np.allclose(other.reindex(found.index), found, rtol=1e-6):
            return words
    back = (day - sales["date"]) // DAY
    known = sales[(back <= 90) & (back >= 1)]
    groups = known.groupby("zipcode")
    ratio = known["price"] / known["sqft_living"]
    mistakes = {
        "This is the mean. One villa moves it: take the median.": ratio.groupby(known["zipcode"]).mean(),
        "This is all the dollars by all the feet: divide for each sale, then take the median.": groups["price"].sum()
        / groups["sqft_living"].sum(),
        "This is the ratio of two medians: divide for each sale first.": groups["price"].median()
        / groups["sqft_living"].median(),
    }
    for words, other in mistakes.items():
        if np.allclose(other.reindex(found.index), found, rtol=1e-6):
            return words
    return "Filter by day first; then `price / sqft_living` of each sale, grouped by zipcode."


def judge_hour(lab: LabHandle, rng: Generator) -> None:
    """The hour of `as_of` changes nothing, and text is a day as well."""
    sales = draw_sales(rng)
    day = middle_day(rng, sales)
    later = day + pd.Timedelta(hours=int(rng.integers(9, 22)))
    for as_of in (day.strftime("%Y-%m-%d"), later, later.strftime("%Y-%m-%d %H:%M")):
        found = known_at(lab, sales, as_of)
        wanted = expected(sales, day)
        same = found.index.equals(wanted.index) and np.allclose(found, wanted, rtol=1e-6)
        expect.that(
            same,
            expected=f"`zipcode_features(sales, {str(as_of)!r})` says what was known when {day.date()} began",
            found="other figures",
            help="Training asks as of midnight, and serving asks as of now: at 14:30 the sales of "
            "this morning would be seen, "
            "which no sale in training has seen. `.normalize()`.",
        )


def judge_gaps(lab: LabHandle, rng: Generator) -> None:
    """A zipcode that has sold nothing lately has no row; before all sales there is no row at all."""
    sales = draw_sales(rng)
    day = middle_day(rng, sales)
    quiet = int(sales["zipcode"].iloc[0])
    recent = (sales["zipcode"] == quiet) & (sales["date"] >= day - 95 * DAY) & (sales["date"] < day)
    compare(known_at(lab, sales[~recent], day), sales[~recent], day)
    nothing = call(lab, "zipcode_features", sales.set_axis(pd.RangeIndex(len(sales))), sales["date"].min())
    expect.that(len(nothing) == 0, expected="on the first day there is no row", found=f"{len(nothing)} rows")


def open_training(lab: LabHandle, rng: Generator) -> Trained:
    """Let the learner's code make a training table; fail where its rows are not the sales."""
    sales = draw_sales(rng)
    frame = call(lab, "training_frame", sales)
    expect.that(
        len(frame) == len(sales) and list(frame.index) == list(sales.index),
        expected=f"the {len(sales)} sales, with their index and in their order",
        found=f"{len(frame)} rows" if len(frame) != len(sales) else "another index or another order",
        help="`groupby` and `merge` sort and number anew: bring the rows back into the order of "
        "`sales`. Two of these sales "
        "have the same label.",
    )
    for name in sales.columns:
        expect.that(
            name in frame.columns and frame[name].dtype == sales[name].dtype and list(frame[name]) == list(sales[name]),
            expected=f"the column `{name}` of each sale is as it was",
            found="missing, or with other values or another type",
            help="The features stand beside the columns of the sales, in the same rows.",
        )
    return Trained(lab, sales, frame)


def numbers_of(found: Trained) -> pd.DataFrame:
    """Both features, as numbers."""
    sales_before = expect.array(found.frame["zip_sales"], "`zip_sales` of `training_frame`", help=_ZERO)
    ratio = expect.array(found.frame["zip_price_sqft"], "`zip_price_sqft` of `training_frame`", finite=False)
    return pd.DataFrame({"zip_price_sqft": ratio, "zip_sales": sales_before})


_OWN_PRICE = (
    "The sale itself is seen, and others of its day: its own price is in its feature. The model reads the answer."
)
_ZERO = "Without sales before, their number is known: 0. What they cost is not: NaN."


def wanted_of(sales: pd.DataFrame, first: int = 90, last: int = 1) -> pd.DataFrame:
    """The features of each sale, in the order of the sales."""
    rows = sales.reset_index(drop=True).sort_values("date", kind="stable")
    ratio, number = np.full(len(rows), np.nan), np.zeros(len(rows))
    for _, houses in rows.groupby("zipcode"):
        days = (houses["date"] - pd.Timestamp("2014-01-01")).dt.days.to_numpy()
        prices = (houses["price"] / houses["sqft_living"]).to_numpy()
        begins = np.searchsorted(days, days - first, side="left")
        ends = np.searchsorted(days, days - last, side="right")
        for place, begin, end in zip(houses.index, begins, ends, strict=True):
            number[place] = end - begin
            ratio[place] = np.median(prices[begin:end]) if end > begin else np.nan
    return pd.DataFrame({"zip_price_sqft": ratio, "zip_sales": number})


def judge_training(found: Trained) -> None:
    """Each sale has the features of its zipcode on its day."""
    numbers, wanted = numbers_of(found), wanted_of(found.sales)
    for name in ("zip_sales", "zip_price_sqft"):
        wrong = ~np.isclose(numbers[name], wanted[name], rtol=1e-6, equal_nan=True)
        if not wrong.any():
            continue
        place = int(np.argmax(wrong))
        sale = found.sales.iloc[place]
        fail(
            expected=f"`{name}` of a sale in {sale['zipcode']} on {sale['date'].date()} is "
            f"{wanted[name].iloc[place]:,.6g}",
            found=f"{numbers[name].iloc[place]:,.6g} ({int(wrong.sum())} of {len(wrong)} sales are wrong)",
            help=_explain_training(numbers[name], found.sales, name),
        )


def _explain_training(found: pd.Series, sales: pd.DataFrame, name: str) -> str:
    wanted = wanted_of(sales)[name]
    if wanted.isna().any() and not found[wanted.isna()].isna().all():
        return _ZERO
    for (first, last), words in {
        (90, 0): _OWN_PRICE,
        (89, 0): _OWN_PRICE,
        (91, 1): "The window is a day too long.",
        (10_000, -10_000): "All sales are seen, also later ones: a look-ahead.",
        (10_000, 1): "All sales before are seen: only those of the 90 days before count.",
    }.items():
        if np.allclose(wanted_of(sales, first, last)[name], found, rtol=1e-6, equal_nan=True):
            return words
    return "Ask `zipcode_features` as of the day of each sale: then training and serving cannot differ."


def judge_future(found: Trained, rng: Generator) -> None:
    """Other prices from a day on change no feature of a sale up to that day."""
    day = middle_day(rng, found.sales)
    late = found.sales["date"] >= day
    early = (found.sales["date"] <= day).to_numpy()
    before = numbers_of(found)[early]
    # A median that sees one of them moves, where it becomes dear or where it becomes cheap.
    for other in (found.sales["price"] * 20, found.sales["price"] // 20):
        changed_sales = found.sales.assign(price=found.sales["price"].where(~late, other))
        again = Trained(found.lab, changed_sales, call(found.lab, "training_frame", changed_sales))
        expect.that(len(again.frame) == len(found.frame), expected="as many rows as before", found=len(again.frame))
        changed = int((~np.isclose(before, numbers_of(again)[early], rtol=1e-6, equal_nan=True)).any(axis=1).sum())
        expect.that(
            not changed,
            expected=f"other prices from {day.date()} on change no feature of a sale up to that day",
            found=f"{changed} of {int(early.sum())} sales have other features",
            help="That is a look-ahead: in production nobody knows these prices yet. It makes every metric better, "
            "until the model is used.",
        )
        same = np.isclose(numbers_of(found)[~early], numbers_of(again)[~early], rtol=1e-6, equal_nan=True)
        expect.that(
            not same.all(),
            expected=f"other prices from {day.date()} on change features of later sales",
            found="all are those of the table before",
            help="What was found for a day belongs to one table of sales: keep nothing between two calls.",
        )


def judge_agreement(found: Trained, rng: Generator) -> None:
    """For some sales, `zipcode_features` as of their day says what `training_frame` says."""
    numbers = numbers_of(found)
    for place in rng.choice(len(found.sales), 8, replace=False):
        sale = found.sales.iloc[int(place)]
        table = known_at(found.lab, found.sales, sale["date"])
        there = sale["zipcode"] in table.index
        served = table.loc[sale["zipcode"]] if there else pd.Series({"zip_price_sqft": float("nan"), "zip_sales": 0})
        for name in NAMES:
            expect.that(
                bool(np.isclose(numbers[name].iloc[int(place)], served[name], rtol=1e-9, equal_nan=True)),
                expected=f"training and serving say the same about {sale['zipcode']} as of {sale['date'].date()}",
                found=f"`{name}`: {numbers[name].iloc[int(place)]:,.6g} in training, {served[name]:,.6g} in serving",
                help="Two definitions of one feature drift apart. Let `training_frame` call `zipcode_features`.",
            )
