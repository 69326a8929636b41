"""Judges `split_valid` (5.2): which rows are in which part, as what, and what is said about them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from lab5_judges import months
from lab5_judges.months import Fault, Generator
from labkit.checks import LabHandle, LearnerError, expect, fail

# What `split_valid` sees by itself, because it fits into no type or is told by the key.
WITHOUT_CONTRACT = ("missing", "half", "key", "twin")
NOT_ASKED = (
    "So the contract is not asked, or its answer is not used: let `HouseSales.validate(…, lazy=True)` judge. The error "
    "that it raises has `failure_cases`, the rows that it refuses."
)
NOT_A_ROW = "ContractError is for the table. A row that breaks the contract goes into quarantine, and the others go on."


@dataclass(frozen=True)
class Parted:
    """A month with faults, and what `split_valid` made of it. Both parts have the place of each row as `place`."""

    frame: pd.DataFrame
    faults: dict[int, list[Fault]]
    good: pd.DataFrame
    quarantined: pd.DataFrame


def draw_frame(rng: Generator) -> tuple[pd.DataFrame, dict[int, list[Fault]]]:
    """A month with rows that break the contract, and for each place what is wrong there."""
    sales = months.draw_month(rng, 90)
    pool = months.faults(rng, sales)
    planted = [pool[int(place)] for place in rng.choice(len(pool) - 5, 6, replace=False)] + pool[-5:]
    gaps = ["bedrooms", "yr_renovated", str(rng.choice(["sqft_lot", "condition", "grade", "price", "zipcode"]))]
    # Whether a house was built up to the year after its sale cannot be told of a sale without a date.
    also = {"date": months.IN_YEARS, "lat": months.PLACE}
    planted += [
        Fault("missing", {name: None}, (name,), also.get(name, ())) for name in (*gaps, "lat", "date", "waterfront")
    ]
    half = str(rng.choice([name for name in ("view", "condition", "grade", "zipcode") if name not in gaps]))
    planted += [Fault("half", {half: float(sales[half].mode()[0]) + 0.5}, (half,))]
    places = [int(place) for place in rng.choice(len(sales), len(planted) + 5, replace=False)]
    both, empty, area, twice, twin = places[-5:]
    faults = {place: [fault] for fault, place in zip(planted, places, strict=False)}
    faults[area] = [months.area_fault(rng, sales.loc[area], int(rng.choice([-1, 1])))]
    # Two rules of one row are two reasons.
    faults[both] = [
        Fault("range of bedrooms", {"bedrooms": 400}, ("bedrooms",)),
        Fault("range of lat", {"lat": 0.0}, months.PLACE),
    ]
    faults[empty] = [Fault("missing", {name: None}, (name,)) for name in ("lat", "long")]
    frame = sales.astype({name: "float64" for name in (*gaps, half)}).astype({"waterfront": object})
    for place, wrong in faults.items():
        for fault in wrong:
            for name, value in fault.sets.items():
                frame.loc[place, name] = pd.NaT if name == "date" and value is None else value
    again = frame.loc[[twice]].assign(price=frame.loc[twice, "price"] + 5_000)
    gap = frame.loc[[twin]].assign(long=np.nan)
    frame = pd.concat([frame, gap, again], ignore_index=True)
    faults[twice] = faults[len(frame) - 1] = [Fault("key", {"id": int(frame.loc[twice, "id"])}, months.KEY)]
    faults[twin] = [Fault("twin", {"id": int(frame.loc[twin, "id"])}, months.KEY)]
    faults[len(frame) - 2] = [Fault("missing", {"long": None}, ("long",), (*months.KEY, *months.PLACE))]
    return frame.set_axis(months.odd_index(rng, len(frame), list(faults))), faults


def part(lab: LabHandle, frame: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Let the learner's code split a table; fail where the parts are no tables."""
    lab._called("contract", "split_valid")
    try:
        answer = lab.make("mlops_probes.pipeline:split", "lab5_pipeline.contract", frame, doing="`split_valid(…)`")
    except LearnerError as error:
        if error.is_a("ContractError"):
            error.help = error.help or NOT_A_ROW
        raise
    expect.that(
        isinstance(answer, tuple) and len(answer) == 3,
        expected="`split_valid` returns a Split",
        found=expect.shown(answer),
    )
    good = expect.frame(answer[0], "`split.good`", columns=list(frame.columns))
    quarantined = expect.frame(answer[1], "`split.quarantined`", columns=[*frame.columns, "reasons"])
    return good, quarantined, expect.frame(answer[2], "`frame` after the call")


def open_month(lab: LabHandle, rng: Generator) -> Parted:
    """Split a month that has everything wrong with it."""
    frame, faults = draw_frame(rng)
    good, quarantined, after = part(lab, frame)
    expect.that(
        after.equals(frame) and after.index.equals(frame.index),
        expected="`frame` is the same after the call as before",
        found="it was changed",
        help="Whoever called may still need it: work on a copy.",
    )
    return Parted(frame, faults, good, quarantined)


def judge_completeness(found: Parted) -> None:
    """Each row is in one part, under its own label, in its order."""
    good, bad, frame = found.good, found.quarantined, found.frame
    expect.that(
        len(good) + len(bad) == len(frame),
        expected=f"each of the {len(frame)} rows is in one of the two parts",
        found=f"{len(good)} good and {len(bad)} in quarantine",
        help="No `dropna`, no `drop_duplicates`, no filter: what is dropped in silence is missed by "
        "nobody, for months. "
        "And find rows by their place: two rows of this table have the same label.",
    )
    labels = sorted([*good.index, *bad.index]), sorted(frame.index)
    expect.that(
        labels[0] == labels[1] and list(good.index.names) == list(frame.index.names),
        expected=f"both parts keep the index of `frame`: labels from {labels[1][0]} to "
        f"{labels[1][-1]}, `{frame.index.name}`",
        found=f"labels from {labels[0][0]} to {labels[0][-1]}",
        help="The label says which line of the delivered file it was. Without it nobody can ask the "
        "supplier about a row.",
    )
    for words, is_bad, rows in (("good", False, good), ("quarantined", True, bad)):
        wanted = frame[[(place in found.faults) == is_bad for place in range(len(frame))]]
        if len(wanted) == len(rows) and sorted(wanted.index) == sorted(rows.index):
            expect.that(
                list(wanted.index) == list(rows.index),
                expected=f"the {words} rows are in the order of `frame`",
                found="in another order",
            )


def judge_sides(found: Parted) -> None:
    """Exactly the rows that break the contract are in quarantine."""
    judge_completeness(found)
    wanted = np.array([place in found.faults for place in range(len(found.frame))])
    quarantined = _places(found.frame, found.quarantined)
    for_the_contract = {place for place, wrong in found.faults.items() if wrong[0].rule not in WITHOUT_CONTRACT}
    is_asked = bool(for_the_contract.intersection(quarantined))
    for place, wrong in found.faults.items():
        if place not in quarantined:
            fault = wrong[0]
            fail(
                expected=f"a row with {fault.words} is in quarantine"
                + (", and so is the other row of that sale" if fault.rule == "key" else "")
                + (": the other row of that sale has a missing value" if fault.rule == "twin" else ""),
                found="it is among the good ones"
                + (
                    ""
                    if is_asked
                    else f", and so are all {len(for_the_contract)} rows that only the contract can refuse"
                ),
                help=_help(fault) if is_asked else NOT_ASKED,
            )
    extra = [place for place in quarantined if not wanted[place]]
    expect.that(
        not extra,
        expected=f"only the {int(wanted.sum())} rows that break the contract are in quarantine",
        found=f"{len(extra)} others as well",
        help="One bad row is no reason to keep the month: judge row by row, and by place: a label may come twice.",
    )


def _help(fault: Fault) -> str:
    if fault.rule == "missing":
        return "A missing value is not 0: nobody knows it. `fillna(0)` makes a house of 0 bedrooms."
    if fault.rule == "half":
        return "`astype(int)` cuts off what is behind the point. Look before you convert."
    if fault.rule == "key":
        return "Which of the two is right? You do not know, so keep none: both rows go into quarantine."
    if fault.rule == "twin":
        return (
            "The sale comes twice, also where one of its rows has a gap and is out already: look for such rows in "
            "all of `frame`."
        )
    help = "Let `HouseSales.validate(…, lazy=True)` judge: `failure_cases` has the rows that it refuses."
    if fault.rule in months.HELP:
        help += f" Does it refuse this one? {months.HELP[fault.rule]}"
    return help


def _places(frame: pd.DataFrame, rows: pd.DataFrame) -> list[int]:
    """Where the rows stand in the frame: by label and, where a label comes twice, by what is in the row."""
    places: dict[Any, list[int]] = {}
    for place, label in enumerate(frame.index):
        places.setdefault(label, []).append(place)
    found = []
    for row, label in enumerate(rows.index):
        open_ones = places.get(label, [])
        alike = [place for place in open_ones if _alike(frame.iloc[place], rows.iloc[row])]
        chosen = (alike or open_ones or [-1])[0]
        if chosen >= 0:
            open_ones.remove(chosen)
            found.append(chosen)
    return found


def _alike(one: pd.Series, other: pd.Series) -> bool:
    return all(_same(one[name], other[name]) for name in one.index)


def _same(one: object, other: object) -> bool:
    if pd.isna(one) or pd.isna(other):  # type: ignore[call-overload]
        return bool(pd.isna(one) and pd.isna(other))  # type: ignore[call-overload]
    return bool(one == other)


def judge_good(found: Parted) -> None:
    """The good rows have their values, and the types of the contract."""
    judge_sides(found)
    wanted = found.frame[[place not in found.faults for place in range(len(found.frame))]]
    for name in found.frame.columns:
        dtype = found.good[name].dtype
        kind = "M" if name == "date" else "b" if name == "waterfront" else "f" if name in months.FLOATS else "i"
        expect.that(
            getattr(dtype, "kind", "") == kind and not (kind == "i" and str(dtype) != "int64"),
            expected=f"`good` has the types of the contract: `{name}` is {_TYPES[kind]}",
            found=str(dtype),
            help="One missing value turns a column of whole numbers into floats, and one of truth "
            "values into objects. When "
            "the rows with the gaps are out, `astype` and `infer_objects` turn the rest back.",
        )
        same = [_same(one, other) for one, other in zip(wanted[name], found.good[name], strict=True)]
        expect.that(
            all(same),
            expected=f"`{name}` of the good rows is as it was delivered",
            found=f"{len(same) - sum(same)} values are others",
            help="A contract decides. It repairs nothing.",
        )


_TYPES = {"M": "datetime64", "b": "bool", "f": "float64", "i": "int64"}


def judge_quarantined(found: Parted) -> None:
    """The rows in quarantine have the values that were delivered, in their types."""
    judge_sides(found)
    wanted = found.frame[[place in found.faults for place in range(len(found.frame))]]
    for name in found.frame.columns:
        expect.that(
            found.quarantined[name].dtype == wanted[name].dtype,
            expected=f"a column in quarantine has the type of `frame`: `{name}` is {wanted[name].dtype}",
            found=str(found.quarantined[name].dtype),
            help="It is what they sent. Take the rows out of `frame` itself, and convert none of them.",
        )
        for one, other in zip(wanted[name], found.quarantined[name], strict=True):
            expect.that(
                _same(one, other),
                expected=f"a row in quarantine is as it was delivered: {name} = {one}",
                found=f"{other}",
                help="Whoever looks into the quarantine asks: what did they send? Take the rows out of `frame` itself.",
            )


def judge_reasons(found: Parted) -> None:
    """Each row in quarantine says which columns are wrong, and what is wrong with them."""
    judge_quarantined(found)
    for place, reasons in zip(sorted(found.faults), found.quarantined["reasons"], strict=True):
        text = expect.text(reasons, "`reasons` of a row in quarantine")
        parts = [part.partition(":") for part in text.split("; ")]
        named = {name.strip() for name, colon, said in parts if colon and said.strip()}
        allowed = {name for fault in found.faults[place] for name in (*fault.columns, *fault.also)}
        for fault in found.faults[place]:
            if not named & set(fault.columns):
                fail(
                    expected=f"`reasons` of a row with {fault.words} has a part that begins with `{fault.columns[0]}:`",
                    found=f"`{text[:200]}`",
                    help="`failure_cases` has a line for each broken rule of each row: keep all of "
                    "them, not the first one. "
                    "A column, a colon, a few words; parts are joined by `; `.",
                )
        for fault in found.faults[place]:
            value = next(iter(fault.sets.values()))
            if fault.rule.startswith("range") and not _says(text, value):
                fail(
                    expected=f"`reasons` of a row with {fault.words} says the value",
                    found=f"`{text[:200]}`",
                    help="Who reads it wants to write to the supplier, and not to look the row up: "
                    "`failure_case` has it. Keep all reasons of a row, not the first one.",
                )
        strangers = named - allowed
        expect.that(
            not strangers,
            expected=f"`reasons` of a row with {found.faults[place][0].words} names no column that is fine",
            found=f"`{text[:200]}`",
            help="A rule about the whole row is reported once for each of its 21 columns: group them by rule.",
        )


def _says(text: str, value: Any) -> bool:
    numbers = [float(found) for found in re.findall(r"-?(?:\d+(?:\.\d+)?(?:e[+-]?\d+)?|inf)", text.replace(",", ""))]
    return float(value) in numbers


def judge_table(lab: LabHandle, rng: Generator, what: str) -> None:
    """A table of another shape raises ContractError, which names the columns."""
    sales = months.draw_month(rng, 10)
    if what == "numbers are text":
        for name in months.WHOLE:
            _judge_table(lab, sales.astype({name: str}), (name,), what)
        _judge_table(lab, sales.astype(dict.fromkeys(months.FLOATS, str)), months.FLOATS, what)
        return
    name = other = "sqft_lot"
    while name in other or other in name:  # whoever names `sqft_lot15` names `sqft_lot`, too
        name, other = (str(one) for one in rng.choice([one for one in months.WHOLE if one != "id"], 2, replace=False))
    frame, named = {
        "a column is missing": (sales.drop(columns=[name, other]), (name, other)),
        "a column is unknown": (sales.assign(agent=1), ("agent",)),
        "a column is renamed": (
            sales.rename(columns={name: f"{name}_new"}).astype({other: str}), (name, f"{name}_new", other)),
        "one number is text": (
            sales.assign(**{name: sales[name].astype(object).where(sales.index != 3, "n/a")}), (name,)),
        "days have a time zone": (sales.assign(date=sales["date"].dt.tz_localize("UTC")), ("date",)),
        "truth values are numbers": (sales.astype({"waterfront": "int64"}), ("waterfront",)),
    }[what]  # fmt: skip
    _judge_table(lab, frame, named, what)


def _judge_table(lab: LabHandle, frame: pd.DataFrame, named: tuple[str, ...], what: str) -> None:
    try:
        good, quarantined, _ = part(lab, frame)
    except LearnerError as error:
        if not error.is_a("ContractError"):
            raise
        missing = [one for one in named if one not in error.message]
        expect.that(
            not missing,
            expected=f"the ContractError names {' and '.join(f'`{one}`' for one in named)}",
            found=f"`{error.message[:200]}`",
            help="One message with all that is wrong saves the supplier a second try.",
        )
        return
    fail(
        expected=f"ContractError where {what} ({', '.join(f'`{one}`' for one in named)})",
        found=f"a Split of {len(good)} good rows and {len(quarantined)} in quarantine",
        help="Here not a row is wrong but the table: its supplier has changed something, and every "
        "row is another one now. "
        "`coerce`, `reindex` or `to_numeric` would hide it.",
    )


def judge_small(lab: LabHandle, rng: Generator, what: str) -> None:
    """Tables without a row, of one row, of good rows only and of bad rows only; and one with an infinite number."""
    sales = months.draw_month(rng, 8)
    bad = sales.assign(bedrooms=400)
    frame = {"no row": sales.iloc[:0], "one good row": sales.iloc[:1], "one bad row": bad.iloc[:1],
             "good rows only": sales, "bad rows only": bad,
             "inf as a number of bedrooms": sales.assign(bedrooms=[np.inf, *sales["bedrooms"][1:]])}[what]  # fmt: skip
    good, quarantined, _ = part(lab, frame)
    wanted = (7, 1) if "inf" in what else (0, len(frame)) if "bad" in what else (len(frame), 0)
    expect.that(
        (len(good), len(quarantined)) == wanted,
        expected=f"a table with {what} has {wanted[0]} good rows and {wanted[1]} in quarantine",
        found=f"{len(good)} and {len(quarantined)}",
    )
    others = [name for name in months.WHOLE if str(good[name].dtype) != "int64"] if wanted[0] else []
    expect.that(
        not others,
        expected=f"a table with {what}: the whole numbers of `good` are int64",
        found=", ".join(f"`{name}` is {good[name].dtype}" for name in others[:3]),
        help="Infinity makes floats of a column as a missing value does: turn the good rows back with `astype`.",
    )
