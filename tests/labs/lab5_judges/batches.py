"""Judges `check_batch` (5.2): which months are refused, and what the report says."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd

from lab5_judges import months
from lab5_judges.months import Generator
from labkit.checks import LabHandle, expect, fail

FIELDS = ("month", "rows", "good", "quarantined", "bad_share", "newest", "reasons", "problems", "accepted")
RULES = ("rows", "share", "month", "freshness", "volume")
HELP = {
    "rows": "An empty file is not a quiet month: nobody has sold nothing in King County.",
    "share": "Quarantined rows divided by all rows, good and bad; exactly 2 % is still agreed.",
    "month": "The months of the good rows: more than one, or one that is not after `previous.month`, "
    "and the file is not what "
    "was asked for.",
    "freshness": "From the newest good sale to the last day of its month; exactly 7 days are still "
    "agreed. Not to today: a "
    "backfill of last year is not stale.",
    "volume": "Rows per day of the calendar month, good and bad, of both months. A rule on the number of rows alone "
    "wakes somebody each February.",
}


def sales_of(rng: Generator, month: str, rows: int, last: int | None = None) -> pd.DataFrame:
    """So many sales of a month, the newest of them on the day `last` (the last day of the month where it is None)."""
    period = pd.Period(month, "M")
    days = 1 + rng.integers(0, last or period.days_in_month, rows)
    days[0] = last or period.days_in_month
    sales = months.all_sales().sample(rows, random_state=rng, replace=rows > 20_000)
    dates = period.start_time.as_unit("us") + pd.to_timedelta(days - 1, unit="D")
    return sales.assign(date=dates.as_unit("us")).sample(frac=1, random_state=rng)


WRONG = "09:30 is no day: it has a time"
"""What is said of a column in quarantine: with colons of its own, as a time has them."""


def quarantine(rng: Generator, rows: int, names: tuple[str, ...] = ("bedrooms",)) -> pd.DataFrame:
    """Rows in quarantine, of any date."""
    sales = months.all_sales().sample(rows, random_state=rng)
    return sales.assign(date=pd.Timestamp("2031-01-01"), reasons="; ".join(f"{name}: {WRONG}" for name in names))


def before(month: str, rows: int) -> dict[str, Any]:
    """The report of an earlier month, a tenth of whose rows was bad."""
    bad = rows // 10
    newest = str(pd.Period(month, "M").end_time.date())
    return {"month": month, "rows": rows, "good": rows - bad, "quarantined": bad,
            "bad_share": bad / rows if rows else 0.0, "newest": newest,
            "reasons": {}, "problems": []}  # fmt: skip


def report(
    lab: LabHandle, good: pd.DataFrame, quarantined: pd.DataFrame, previous: dict[str, Any] | None = None
) -> tuple[dict[str, Any], Any, Any]:
    """What the learner's code says about a batch; fail where it has another form."""
    lab._called("contract", "check_batch")
    answer = lab.make(
        "mlops_probes.pipeline:report", "lab5_pipeline.contract", good, quarantined, previous, doing="`check_batch(…)`"
    )
    fields = answer[0] if isinstance(answer, tuple) and len(answer) == 3 else None
    good_form = isinstance(fields, dict) and all(name in fields for name in FIELDS)
    expect.that(good_form, expected="`check_batch` returns a BatchReport", found=expect.shown(answer))
    assert isinstance(answer, tuple) and isinstance(fields, dict)
    problems = fields["problems"]
    expect.that(
        isinstance(problems, tuple) and all(isinstance(one, str) for one in problems),
        expected="`problems` is a tuple of sentences",
        found=expect.shown(problems),
    )
    for sentence in problems:
        name, colon, words = sentence.partition(":")
        expect.that(
            name in RULES and colon and len(words.split()) >= 2,
            expected=f"each problem is the name of a rule ({', '.join(RULES)}), a colon and a sentence",
            found=f"`{sentence[:200]}`",
        )
    expect.that(
        fields["accepted"] is (not problems),
        expected="`accepted` where there are no problems",
        found=fields["accepted"],
    )
    return fields, answer[1], answer[2]


def broken(fields: dict[str, Any]) -> set[str]:
    """The rules that the problems name."""
    return {sentence.partition(":")[0] for sentence in fields["problems"]}


def judge(
    lab: LabHandle, words: str, wanted: set[str], good: pd.DataFrame, bad: pd.DataFrame, previous: Any = None
) -> None:
    """Fail unless exactly these rules are broken."""
    fields, _, _ = report(lab, good, bad, previous)
    found = broken(fields)
    for rule in RULES:
        if (rule in found) == (rule in wanted):
            continue
        said = "; ".join(one for one in fields["problems"] if one.startswith(rule)) or "no such problem"
        fail(
            expected=f"{words}: {'refused' if rule in wanted else 'nothing wrong'} by the rule `{rule}`",
            found=f"`{said[:200]}`" if rule in found else said,
            help=HELP[rule],
        )


def judge_share(lab: LabHandle, rng: Generator) -> None:
    """2 % in quarantine are agreed, more are not."""
    hundreds = int(rng.integers(2, 6))
    none = quarantine(rng, 3).iloc[:0]
    for bad, refused in ((0, False), (2 * hundreds, False), (2 * hundreds + 1, True), (50 * hundreds, True)):
        good = sales_of(rng, "2014-10", 100 * hundreds - bad)
        words = f"{bad} of {100 * hundreds} rows in quarantine"
        judge(lab, words, {"share"} if refused else set(), good, quarantine(rng, bad) if bad else none)
    everything = quarantine(rng, 40)
    fields, _, _ = report(lab, everything.drop(columns="reasons").iloc[:0], everything)
    expect.that(broken(fields) == {"share"}, expected="refused by `share` alone where all rows are in quarantine",
                found=fields["problems"], help=HELP["share"])  # fmt: skip


def judge_empty(lab: LabHandle, rng: Generator) -> None:
    """A batch without rows is refused."""
    none = quarantine(rng, 3).iloc[:0]
    good = none.drop(columns="reasons")
    judge(lab, "a batch without rows", {"rows"}, good, none)
    fields, _, _ = report(lab, good, none, before("2014-09", 1_000))
    expect.that(
        broken(fields) in ({"rows"}, {"rows", "volume"}),  # no rows are also fewer than before
        expected="a batch without rows after one of 1,000: refused by the rule `rows`",
        found=fields["problems"],
        help=HELP["rows"],
    )
    fields, _, _ = report(lab, good, none)
    expect.that(
        fields["bad_share"] == 0 and fields["month"] == "" and fields["newest"] == "",
        expected="without rows `bad_share` is 0, and `month` and `newest` are empty",
        found=f"{fields['bad_share']}, {fields['month']!r} and {fields['newest']!r}",
        help="0 / 0 is NaN, and NaN is no JSON.",
    )


def judge_freshness(lab: LabHandle, rng: Generator) -> None:
    """The newest good sale lies at most 7 days before the end of its month."""
    none = quarantine(rng, 3).iloc[:0]
    # Of 29 days: whoever takes each month for one of 31, 30 or 28 days is wrong here.
    month = str(rng.choice(["2004-02", "2008-02", "2012-02", "2016-02"]))
    days = pd.Period(month, "M").days_in_month
    for missing, refused in ((0, False), (7, False), (8, True), (20, True)):
        good = sales_of(rng, month, 60, days - missing)
        words = f"the newest sale {missing} days before the end of {month}"
        judge(lab, words, {"freshness"} if refused else set(), good, none)
    stale = sales_of(rng, month, 60, days - 12)
    judge(lab, "a bad row of another day says nothing about freshness", {"freshness"}, stale, quarantine(rng, 1))


def judge_volume(lab: LabHandle, rng: Generator) -> None:
    """Rows per day of the calendar month are from half to double those of the month before."""
    none = quarantine(rng, 3).iloc[:0]
    # Rows of the month before and of this month, the two months, whether it is refused.
    cases = [
        ("2015-01", 930, "2015-02", 430, False, "half as many per day, though less than half in all"),
        ("2015-02", 560, "2015-03", 1_200, False, "less than double per day, though more than double in all"),
        ("2015-01", 930, "2015-02", 400, True, "less than half"),
        ("2015-02", 280, "2015-03", 640, True, "more than double"),
        ("2015-01", 620, "2015-03", 310, False, "exactly half, after a month that is missing"),
        ("2015-01", 310, "2015-03", 620, False, "exactly double, after a month that is missing"),
        ("2015-03", 620, "2015-04", 302, False, "a little more than half per day"),
        ("2015-03", 310, "2015-04", 598, False, "a little less than double per day"),
    ]
    for month_before, rows_before, month, rows, refused, words in cases:
        bad = quarantine(rng, rows // 100) if refused is False else none
        good = sales_of(rng, month, rows - len(bad))
        text = f"{rows} rows in {month} after {rows_before} in {month_before}, {words}"
        judge(lab, text, {"volume"} if refused else set(), good, bad, before(month_before, rows_before))
    good = sales_of(rng, "2015-02", 40)
    judge(lab, "without a month before, nothing is compared", set(), good, none)
    for rows, named in ((0, ""), (0, "2015-01"), (930, "")):
        words = f"after a report of {rows} rows of the month `{named}`, nothing is compared"
        judge(lab, words, set(), good, none, before("2015-01", rows) | {"month": named})


def judge_month(lab: LabHandle, rng: Generator) -> None:
    """A batch is one month, and a later one than the month before."""
    none = quarantine(rng, 3).iloc[:0]
    may, june = sales_of(rng, "2014-05", 60), sales_of(rng, "2014-06", 90)
    two = pd.concat([may.head(3), june])
    judge(lab, "3 rows of May among 90 of June", {"month"}, two, none)
    judge(lab, "May after June", {"month"}, may, none, before("2014-06", 60))
    judge(lab, "June after June", {"month"}, june, none, before("2014-06", 90))
    judge(lab, "June after May", set(), june, none, before("2014-05", 80))
    judge(lab, "January after December", set(), sales_of(rng, "2015-01", 60), none, before("2014-12", 70))
    for month, batch in (("2014-06", two), ("2014-05", pd.concat([june.head(3), may]))):
        fields, _, _ = report(lab, batch, none)
        expect.that(
            fields["month"] == month,
            expected=f"`month` is that of most good rows, {month}",
            found=fields["month"],
            help="Three stray rows of another month are neither the first nor the last word.",
        )


def judge_figures(lab: LabHandle, rng: Generator) -> None:
    """The report counts what is in the batch."""
    good = sales_of(rng, "2014-08", int(rng.integers(60, 90)), int(rng.integers(2, 9)))
    counts = sorted((int(one) for one in rng.choice(np.arange(1, 12), 3, replace=False)), reverse=True)
    names = [str(name) for name in rng.permutation(["lat", "bedrooms", "price"])]
    names = names[::-1] if names == sorted(names) else names
    # The rows of the last name before those of the second: what comes first is not what comes most.
    bad = pd.concat(
        [quarantine(rng, counts[2], (names[0], names[2])), quarantine(rng, counts[1], (names[1], names[1])),
         quarantine(rng, counts[0] - counts[2], (names[0],))]
    )  # fmt: skip
    fields, _, _ = report(lab, good, bad)
    wanted = {
        "month": "2014-08", "rows": len(good) + len(bad), "good": len(good), "quarantined": len(bad),
        "newest": str(good["date"].max().date()), "reasons": dict(zip(names, counts, strict=True)),
    }  # fmt: skip
    once = "The number of rows that name the column: one with two reasons about it counts once."
    for name, value in wanted.items():
        expect.that(
            fields[name] == value,
            expected=f"`{name}` is {value}",
            found=fields[name],
            help=once if name == "reasons" else "",
        )
    expect.close(fields["bad_share"], len(bad) / (len(good) + len(bad)), "`bad_share`", help=HELP["share"])
    expect.that(
        list(fields["reasons"].items()) == list(wanted["reasons"].items()),  # type: ignore[attr-defined]
        expected=f"`reasons` has the largest number first: {wanted['reasons']}",
        found=fields["reasons"],
        help="Who is woken by it reads the first line.",
    )
    expect.that(
        broken(fields) == {"share", "freshness"},
        expected="a batch that breaks two rules has a problem for each: share, freshness",
        found=fields["problems"],
        help="Do not return at the first problem: who repairs one would be refused for the next.",
    )


def judge_json(lab: LabHandle, rng: Generator) -> None:
    """The report is JSON with the same content, and can be read back."""
    good, bad = sales_of(rng, "2014-08", 80, 9), quarantine(rng, int(rng.integers(3, 9)), ("lat", "id"))
    fields, text, again = report(lab, good, bad, before("2014-07", 20))
    told = json.loads(expect.text(text, "`report.to_json()`"))
    wanted = {name: list(value) if isinstance(value, tuple) else value for name, value in fields.items()}
    expect.that(told == wanted, expected=f"`to_json` says {wanted}", found=told)
    expect.that(again is True, expected="`BatchReport.from_json(report.to_json())` equals the report", found=again)


def judge_real_year(lab: LabHandle) -> None:
    """The real months are accepted one after the other; the cut one of May 2015 is refused."""
    none = quarantine(np.random.default_rng(0), 3).iloc[:0]
    previous = None
    for period in [*months.months(), pd.Period("2015-05", "M")]:
        fields, _, _ = report(lab, months.month_of(period), none, previous)
        wanted = {"volume"} if str(period) == "2015-05" else set()
        expect.that(
            broken(fields) == wanted,
            expected=f"{period} is {'refused by the rule `volume`' if wanted else 'accepted'}",
            found="; ".join(fields["problems"]) or "accepted",
            help=HELP["volume"],
        )
        previous = {name: value for name, value in fields.items() if name != "accepted"}
        previous["problems"] = list(previous["problems"])
