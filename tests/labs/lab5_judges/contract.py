"""Judges the contract of a row (5.1): what `HouseSales` accepts, and what it refuses."""

from __future__ import annotations

import re

import pandas as pd

from lab5_judges import months
from lab5_judges.months import Fault, Generator
from labkit.checks import LabHandle, expect, fail

Cases = list[tuple[int | None, str, str]]


def violations(lab: LabHandle, frame: pd.DataFrame, today: str | None = None) -> Cases | None:
    """What the learner's contract has against a table, None where it accepts it; `today` is what `today()` says."""
    lab._called("contract", "HouseSales")
    found = lab.make(
        "mlops_probes.pipeline:violations",
        "lab5_pipeline.contract:HouseSales",
        frame,
        today,
        doing="`HouseSales.validate(…, lazy=True)`",
    )
    if found is None:
        return None
    good = isinstance(found, list) and all(
        isinstance(case, tuple)
        and len(case) == 3
        and isinstance(case[0], int | None)
        and all(isinstance(text, str) for text in case[1:])
        for case in found
    )
    expect.that(good, expected="`HouseSales.validate` returns the table or raises SchemaErrors", found="something else")
    return list(found)


def told(cases: Cases) -> str:
    """The first cases in words."""
    return "; ".join(f"{column}: {said}" for _, column, said in cases[:3])


def judge_real_sales(lab: LabHandle, rng: Generator) -> None:
    """Every sale of the data passes, also in another order of the columns."""
    sales = months.all_sales().sample(frac=1, random_state=rng).reset_index(drop=True)
    sales = sales[list(rng.permutation(sales.columns))]
    cases = violations(lab, sales)
    if cases:
        place, column, said = cases[0]
        value = (
            "" if place is None or column not in sales or place not in sales.index else f" ({sales.loc[place, column]})"
        )
        fail(
            expected="`HouseSales` accepts each of the sales of the course, and returns the table as it was",
            found=f"{column or 'the table'}: {said}{value}",
            help=_help_for(column, said),
        )


def _help_for(column: str, said: str) -> str:
    if "not returned as it was" in said:
        return "A contract looks and decides. It changes nothing: no `coerce`, no `strict = 'filter'`, no parser."
    if "unique" in said:
        return months.HELP["key"]
    # A rule about several columns fails for each column of the table: its own words name those that it is about.
    named = [name for name in re.findall(r"\w+", said) if name in months.COLUMNS]
    return months.HELP.get(named[0] if named else column, "Choose limits that hold the data, and somewhat more.")


def judge_fresh_sales(lab: LabHandle, rng: Generator) -> None:
    """A sale of the last days passes, and a house that is built in the year after its sale."""
    sales = months.draw_month(rng, 6)
    recent = pd.Timestamp.now().normalize() - pd.Timedelta(days=int(rng.integers(2, 9)))
    for values, help_text in (
        ({"date": recent}, months.HELP["date: future"]),
        ({"date": pd.Timestamp("2014-12-30"), "yr_built": 2015, "yr_renovated": 0}, months.HELP["built"]),
        ({"date": recent, "yr_built": recent.year + 1, "yr_renovated": 0}, months.HELP["built"]),
    ):
        cases = violations(lab, months.with_faults(sales, [Fault("", values, ())], [3]))
        if cases:
            words = " and ".join(f"{name} = {value}" for name, value in values.items())
            fail(expected=f"`HouseSales` accepts {words}", found=told(cases), help=help_text)


def judge_faults(lab: LabHandle, rng: Generator, kind: str) -> None:
    """Each row that cannot be is refused, and no other row."""
    sales = months.draw_month(rng, 150)
    if kind == "ranges":
        planted = [fault for fault in months.faults(rng, sales) if fault.rule.startswith("range")]
        planted += [Fault("missing", {name: float("nan")}, (name,)) for name in months.FLOATS]
        planted += [Fault("missing", {"date": pd.NaT}, ("date",))]
    elif kind == "dates":
        planted = [fault for fault in months.faults(rng, sales) if fault.rule.startswith("date")]
    else:
        planted = [fault for fault in months.faults(rng, sales) if fault.rule == "built"]
    places = [int(place) for place in rng.choice(len(sales), len(planted) + 2, replace=False)]
    if kind == "columns":
        planted += [
            months.area_fault(rng, sales.loc[place], sign, off=1)
            for place, sign in zip(places[1:], (1, -1), strict=True)
        ]
        # Each row has a date of its own: beside the house of 2016 that was sold in 2014, one is sold in 2015.
        untouched = next(place for place in range(len(sales)) if place not in places)
        sales.loc[untouched, "date"] = pd.Timestamp("2015-05-27")
    judge_places(lab, months.with_faults(sales, planted, places[: len(planted)]), planted, places)


def judge_places(lab: LabHandle, frame: pd.DataFrame, planted: list[Fault], places: list[int]) -> None:
    """The rows at these places are refused, and no other row."""
    cases = violations(lab, frame) or []
    refused = {place for place, _, _ in cases}
    for fault, place in zip(planted, places, strict=False):
        if place not in refused:
            name = fault.columns[0]
            fail(
                expected=f"`HouseSales` refuses a row with {fault.words}",
                found="accepted" if None not in refused else f"not that row, but the table: {told(cases)}",
                help=months.HELP.get(fault.rule) or months.HELP.get(name) or f"Give `{name}` limits: `pa.Field(ge=…)`.",
            )
    others = [case for case in cases if case[0] is not None and case[0] not in places[: len(planted)]]
    expect.that(
        not others,
        expected="the rows of the data that nobody touched keep the contract",
        found=f"refused: {told(others)}",
        help="A rule with a Series as its answer judges each row; one with a single truth value judges all of them.",
    )


def judge_today(lab: LabHandle, rng: Generator) -> None:
    """What is future is asked of `today()` each time, and the day of today is not future."""
    sales = months.draw_month(rng, 6)
    for day in pd.Timestamp("2031-03-01") + pd.to_timedelta(sorted(rng.choice(400, 2, replace=False)), unit="D"):
        for off, accepted in ((0, True), (1, False)):
            sold = day + pd.Timedelta(days=off)
            frame = months.with_faults(sales, [Fault("", {"date": sold}, ())], [3])
            cases = violations(lab, frame, str(day.date()))
            expect.that(
                (cases is None) is accepted,
                expected=f"`HouseSales` {'accepts' if accepted else 'refuses'} a sale of {sold.date()} where `today()` "
                f"says {day.date()}",
                found="accepted" if cases is None else told(cases),
                help="A program may run for weeks: call `today()` in a rule of your own, at each look, and not as a "
                "limit of a field. And the clock of a server may be in another time zone: `today()` knows ours.",
            )


def judge_key(lab: LabHandle, rng: Generator) -> None:
    """The same house twice on a day is refused; the same house on two days, and two houses on a day, are not."""
    sales = months.draw_month(rng, 40)
    again, other, day = (int(place) for place in rng.choice(len(sales), 3, replace=False))
    flip = sales.loc[[again]].assign(date=sales.loc[again, "date"] - pd.Timedelta(days=1))
    neighbour = sales.loc[[day]].assign(id=sales["id"].max() + 7)
    fine = pd.concat([sales, flip, neighbour], ignore_index=True)
    cases = violations(lab, fine)
    if cases:
        fail(
            expected="`HouseSales` accepts a house that is sold on two days, and two houses on one day",
            found=told(cases),
            help=months.HELP["key"],
        )
    twice = pd.concat([fine, sales.loc[[other]].assign(price=sales.loc[other, "price"] + 1_000)], ignore_index=True)
    cases = violations(lab, twice) or []
    refused = {place for place, _, _ in cases}
    expect.that(
        {other, len(fine)} <= refused,
        expected="`HouseSales` refuses both rows of one house on one day, also with two prices",
        found="accepted" if not cases else f"refused: {told(cases)}",
        help=f"{months.HELP['key']} The same file twice would train the model on each sale twice, and nobody knows "
        "which of the two is right.",
    )


TYPES = ("text in numbers", "dates as text", "half a bedroom", "0 and 1 for true", "a time zone", "a number as text")


def judge_types(lab: LabHandle, rng: Generator, what: str) -> None:
    """A column of another type is refused and not converted."""
    sales = months.draw_month(rng, 12)
    if what == "a number as text":
        area = str(rng.choice(months.AREAS))
        _judge_type(lab, sales, area, sales[area].astype(str))
        # The others at once: no rule about several columns speaks of them.
        others = [one for one in (*months.WHOLE, *months.FLOATS) if one not in (*months.AREAS, "id", "yr_built")]
        cases = violations(lab, sales.astype(dict.fromkeys(others, str))) or []
        for name in others:
            if not _is_named(name, cases):
                shown = f"`{name}` as text, such as {str(sales[name].iloc[4])!r}"
                fail(expected=f"`HouseSales` refuses {shown}", found="accepted", help=_CONVERTED)
        return
    if what == "text in numbers":
        name, values = "price", sales["price"].astype(object).where(sales.index != 4, "n/a")
    elif what == "dates as text":
        name, values = "date", sales["date"].dt.strftime("%Y-%m-%d")
    elif what == "half a bedroom":
        name, values = "bedrooms", sales["bedrooms"].where(sales.index != 4, 2.5)
    elif what == "a time zone":
        name, values = "date", sales["date"].dt.tz_localize("America/Los_Angeles")
    else:
        name, values = "waterfront", sales["waterfront"].astype("int64")
    _judge_type(lab, sales, name, values)


_CONVERTED = (
    "`coerce` hides that the type has changed. Whoever delivers has changed something: you want to know it now."
)


def _is_named(name: str, cases: Cases) -> bool:
    """Whether one of the cases is about the column, or names it."""
    return any(name in (column, *said.replace("'", " ").split()) for _, column, said in cases)


def _judge_type(lab: LabHandle, sales: pd.DataFrame, name: str, values: pd.Series) -> None:
    cases = violations(lab, sales.assign(**{name: values}))
    shown = f"`{name}` as {values.dtype}, such as {values.iloc[4]!r}"
    if not cases:
        fail(expected=f"`HouseSales` refuses {shown}", found="accepted", help=_CONVERTED)
    if not _is_named(name, cases):
        fail(expected=f"{shown} is refused because of `{name}`", found=told(cases))


def judge_columns(lab: LabHandle, rng: Generator, what: str) -> None:
    """A table with other columns is refused, and the column is named."""
    sales = months.draw_month(rng, 12)
    if what == "missing":
        for name in months.COLUMNS:
            _judge_columns(lab, sales.drop(columns=name), name, f"without `{name}`", what)
        return
    name = str(rng.choice(months.COLUMNS))
    new = f"{rng.choice(['note', 'agent', 'tax'])}_{rng.integers(10, 99)}"
    if what == "renamed":
        renamed = sales.rename(columns={name: name.upper()})
        _judge_columns(lab, renamed, name, f"with `{name.upper()}` in place of `{name}`", what)
    else:
        _judge_columns(lab, sales.assign(**{new: 1}), new, f"with a column more, `{new}`", what)


def _judge_columns(lab: LabHandle, frame: pd.DataFrame, named: str, words: str, what: str) -> None:
    cases = violations(lab, frame)
    help_text = (
        "`strict = True` in `Config` refuses what nobody has agreed on. `strict = 'filter'` drops it in silence."
        if what == "extra"
        else "Each column of the contract has to be there: no `Optional`, no default."
    )
    if not cases:
        fail(expected=f"`HouseSales` refuses a table {words}", found="accepted", help=help_text)
    if not any(named in f"{column} {said}" for _, column, said in cases):
        fail(expected=f"the table {words} is refused because of `{named}`", found=told(cases), help=help_text)
