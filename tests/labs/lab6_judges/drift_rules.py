"""Judges the comparison of two tables of features (6.4)."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from lab6_judges.houses import Generator, all_sales, draw_months
from labkit.checks import LabHandle, LearnerError, RemoteObject, expect, fail
from mlops_probes import drift_pictures

ALPHA, LEAST_PSI, MOST_ROWS = 0.05, 0.2, 50_000
COLUMNS = ("column", "kind", "test", "p_value", "p_adjusted", "psi", "drifted")
IN_WORDS = ("waterfront", "zipcode")
LEAVE_OUT = "mlops_probes.drift_pictures:leave_out"
BOTH = (
    "A column has drifted where both hold: the corrected p-value is below ALPHA, so the change is no chance, and the "
    "PSI is LEAST_PSI or more, so it is large."
)


@dataclass(frozen=True)
class Compared:
    """Two tables, what the learner's code found, and the figures for them."""

    reference: pd.DataFrame
    current: pd.DataFrame
    report: RemoteObject
    table: pd.DataFrame


def compare(
    lab: LabHandle, reference: pd.DataFrame, current: pd.DataFrame, *, pictures: bool = False, **options: object
) -> Compared:
    """Have the learner's code compare two tables; with `pictures`, Evidently draws them, too."""
    if not pictures:
        lab.make(LEAVE_OUT)
    report = expect.handle(
        lab.drift.feature_drift(reference, current, **options),
        "the answer of `feature_drift`",
        methods=("drifted", "to_json", "write_html"),
        help="return a `DriftReport`",
    )
    table = expect.frame(report.attr("table"), "`table`", columns=COLUMNS, rows=reference.shape[1])
    if list(table["column"]) != list(reference.columns):
        fail(
            expected=f"a row for each column, in the order of the reference: {', '.join(reference.columns)}",
            found=", ".join(map(str, table["column"])),
        )
    return Compared(reference, current, report, table.set_index("column"))


def compare_month(lab: LabHandle, rng: Generator) -> Compared:
    """A month with newer houses, a few more of them at the water: small and large changes, and none."""
    reference, current = draw_months(rng, 1_500)
    newer = current["yr_built"] + rng.integers(18, 24)
    current = current.assign(yr_built=newer, grade=current["grade"] + (rng.random(1_500) < 0.2))
    # In which order the current table has its columns says nothing.
    return compare(lab, reference, current[current.columns[::-1]])


def draw_small(rng: Generator) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Two small tables of two columns."""
    reference, current = draw_months(rng, 200)
    return reference[["zipcode", "lat"]], current[["zipcode", "lat"]]


def p_value(reference: pd.Series, current: pd.Series, kind: str) -> float:
    """The p-value of Kolmogorov and Smirnov, or of chi-square where the reference says what is expected."""
    from scipy import stats

    if kind == "number":
        return float(stats.ks_2samp(reference, current).pvalue)
    names = sorted({*reference.astype(str), *current.astype(str)})
    before, now = (values.astype(str).value_counts().reindex(names, fill_value=0) for values in (reference, current))
    with np.errstate(divide="ignore"):
        return float(stats.chisquare(now.to_numpy(), (before / before.sum() * now.sum()).to_numpy()).pvalue)


def psi(reference: pd.DataFrame, current: pd.DataFrame) -> dict[str, float]:
    """Evidently's PSI of each column."""
    from evidently import DataDefinition, Dataset, Report
    from evidently.metrics import ValueDrift

    drift_pictures.leave_out()
    names = list(reference.columns)
    words = [name for name in names if name in IN_WORDS]
    definition = DataDefinition(numerical_columns=[n for n in names if n not in words], categorical_columns=words)
    tables = [
        Dataset.from_pandas(
            table.assign(**{name: table[name].astype(str) for name in words}), data_definition=definition
        )
        for table in (current, reference)
    ]
    metrics = Report([ValueDrift(column=name, method="psi") for name in names]).run(*tables).dict()["metrics"]
    return {name: float(metric["value"]) for name, metric in zip(names, metrics, strict=True)}


def judge_kinds(found: Compared) -> None:
    """Fail where a column is compared by the test of another kind, or the figures are others."""
    for name, row in found.table.iterrows():
        kind, test = ("category", "chisquare") if name in IN_WORDS else ("number", "ks")
        why = (
            "98103 is no larger than 98101: a zipcode is a name." if name == "zipcode" else "Its values are no numbers."
        )
        expect.that(
            (row["kind"], row["test"]) == (kind, test),
            expected=f"`{name}` is a {kind}, compared by {test}",
            found=f"{row['kind']}, {row['test']}",
            help=why if kind == "category" else "A test of numbers sees how far a value has moved.",
        )
        wanted = p_value(found.reference[str(name)], found.current[str(name)], kind)
        turned = "`Report.run` takes the current table first, and then the reference."
        expect.close(row["p_value"], wanted, f"the p-value of `{name}` ({test})", rel=1e-4, abs=1e-12, help=turned)


def judge_psi(found: Compared) -> None:
    """Fail where the size of a change is not Evidently's PSI."""
    for name, wanted in psi(found.reference, found.current).items():
        expect.close(
            found.table.loc[name, "psi"],
            wanted,
            f"the PSI of `{name}`",
            rel=1e-6,
            abs=1e-9,
            help='`ValueDrift(column=…, method="psi")` of the current table, with the reference as reference.',
        )


def judge_holm(found: Compared) -> None:
    """Fail where the p-values are not corrected, or in another way."""
    p = found.table["p_value"].to_numpy(dtype=float)
    order = np.argsort(p, kind="stable")
    wanted = np.empty(len(p))
    wanted[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)), 1)
    said = found.table["p_adjusted"].to_numpy(dtype=float)
    if np.allclose(said, wanted, rtol=1e-6, atol=1e-12):
        return
    if np.allclose(said, p):
        why = f"{len(p)} tests at 5 % ring by chance in {1 - 0.95 ** len(p):.0%} of the months."
    elif np.allclose(said, np.minimum(p * len(p), 1)):
        why = (
            "This is Bonferroni's: Holm multiplies the smallest by n, the next one by n - 1, and is never more strict."
        )
    else:
        why = (
            "Holm: sort, multiply by n, n - 1, …, take the running maximum, nothing above 1, and back to the old order."
        )
    place = int(np.argmax(~np.isclose(said, wanted, rtol=1e-6, atol=1e-12)))
    name = found.table.index[place]
    fail(
        expected=f"the corrected p-value of `{name}` is {wanted[place]:.4g}",
        found=f"{said[place]:.4g} (uncorrected {p[place]:.4g})",
        help=why,
    )


def judge_holm_alone(lab: LabHandle, rng: Generator) -> None:
    """Fail where corrected p-values fall, pass 1, or have lost their place or index."""
    values = [0.011, 0.04, 0.9, 0.011, 0.0125, 0.041, 0.5]  # two are equal
    p = pd.Series(values, index=rng.permutation(90)[:7]).sample(frac=1, random_state=rng)
    wanted = pd.Series({0.011: 0.077, 0.0125: 0.077, 0.04: 0.16, 0.041: 0.16, 0.5: 1.0, 0.9: 1.0})
    found = expect.series(lab.drift.holm(p), "the answer of `holm`")
    expect.that(
        list(found.index) == list(p.index),
        expected=f"the index of the p-values, {list(p.index)}",
        found=list(found.index),
        help="Sort, correct, and go back: order and index stay.",
    )
    for value, one in zip(p, found, strict=True):
        why = (
            "No corrected value is above 1, or below that of a smaller p-value: `cummax`, and `clip(upper=1)`. Of two "
            "that are equal one is the smallest, and is multiplied by n."
        )
        expect.close(one, wanted[value], f"the corrected value of {value}, of {sorted(p)}", help=why)


def judge_rule(found: Compared) -> None:
    """Fail where `drifted` does not follow from the figures of its row, or `drifted()` from the table."""
    for name, row in found.table.iterrows():
        wanted = bool(row["p_adjusted"] < ALPHA and row["psi"] >= LEAST_PSI)
        expect.that(
            bool(row["drifted"]) == wanted,
            expected=f"drifted is {wanted} for `{name}`: p_adjusted {row['p_adjusted']:.3g}, PSI {row['psi']:.3g}",
            found=row["drifted"],
            help=BOTH,
        )
    wanted_names = [str(name) for name, row in found.table.iterrows() if row["drifted"]]
    expect.that(
        found.report.drifted() == wanted_names, expected=f"`drifted()` is {wanted_names}", found=found.report.drifted()
    )


def judge_newer_houses(found: Compared) -> None:
    """Fail where houses that are 20 years younger are no drift, or where unchanged columns are."""
    drifted = list(found.table.index[found.table["drifted"].astype(bool)])
    expect.that(
        drifted == ["yr_built"],
        expected="`yr_built` alone has drifted: the houses are some 20 years younger, and else nearly the same",
        found=", ".join(drifted) or "none",
        help=BOTH,
    )


def judge_many_rows(lab: LabHandle, rng: Generator) -> None:
    """Fail where a tiny change is drift because there are 20,000 rows."""
    sales = all_sales()
    reference = sales[["sqft_living", "lat"]].assign(depth=rng.normal(size=len(sales)))
    current = reference.sample(20_000, random_state=rng, replace=True).reset_index(drop=True)
    current = current.assign(
        sqft_living=(current["sqft_living"] * rng.uniform(1.04, 1.06)).round(),
        depth=rng.normal(rng.uniform(0.37, 0.4), 1, 20_000),
    )
    found = compare(lab, reference, current)
    row = found.table.loc["sqft_living"]
    expect.that(
        not row["drifted"],
        expected="houses that are 5 % larger are no drift, although 20,000 rows make p tiny",
        found=f"drifted, with p_adjusted {row['p_adjusted']:.2g} and PSI {row['psi']:.2g}",
        help="With enough rows every difference is significant. Ask for its size as well: the PSI.",
    )
    row = found.table.loc["depth"]
    expect.that(
        not row["drifted"],
        expected=f"no drift with a PSI of {row['psi']:.2f}, however sure it is",
        found="drifted",
        help=f"Large is a PSI of LEAST_PSI or more, {LEAST_PSI}.",
    )


def judge_few_rows(lab: LabHandle, rng: Generator) -> None:
    """Fail where a large PSI of a few rows is drift."""
    for _ in range(20):
        reference, current = draw_months(rng, 400)
        current = current.head(12)[["zipcode", "grade"]]
        reference = reference[["zipcode", "grade"]]
        if p_value(reference["zipcode"], current["zipcode"], "category") > 0.2:
            break
    found = compare(lab, reference, current)
    expect.that(
        not found.table.loc["zipcode", "drifted"],
        expected="12 houses in 12 of 70 zipcodes are no drift: they are drawn from the reference",
        found=f"drifted, with p_adjusted {found.table.loc['zipcode', 'p_adjusted']:.2g} and PSI "
        f"{found.table.loc['zipcode', 'psi']:.2g}",
        help="The PSI of a few rows is large by chance. The p-value knows how many rows there are: both must hold.",
    )
    # One column of three whose own p-value is below ALPHA, and the corrected one is not.
    names = list("abc")
    before = pd.DataFrame(rng.normal(size=(400, 3)), columns=names)
    while True:
        now = pd.DataFrame(rng.normal(size=(20, 3)), columns=names)
        now["a"] += rng.uniform(0.3, 0.8)
        p = [p_value(before[name], now[name], "number") for name in names]
        if 0.02 < p[0] < 0.045 and min(p[1:]) > 0.1:
            break
    row = compare(lab, before, now).table.loc["a"]
    expect.that(
        not row["drifted"],
        expected="no drift of one column of three whose p-value is below 0.05, and above it once it is corrected",
        found=f"drifted, with p {row['p_value']:.2g}, p_adjusted {row['p_adjusted']:.2g} and PSI {row['psi']:.2g}",
        help="Of three columns one is below 0.05 by chance in every seventh month: the corrected p-value counts.",
    )


def judge_shape(lab: LabHandle, rng: Generator) -> None:
    """Fail where a column with the same mean and another shape is no drift."""
    reference, current = draw_months(rng, 1_500)
    middle = reference["lat"].mean()
    spread = current.assign(lat=middle + (current["lat"] - current["lat"].mean()) * rng.uniform(2.4, 2.8))
    columns = ["lat", "grade", "zipcode"]
    found = compare(lab, reference[columns], spread[columns], categories=[])
    kind = found.table.loc["zipcode", "kind"]
    expect.that(
        kind == "number", expected="`zipcode` is a number, where `categories` does not name it", found=kind,
        help="Who calls says which columns are categories. Without a word it is `zipcode`: that is the default.",
    )  # fmt: skip
    expect.that(
        found.table.loc["lat", "drifted"],
        expected="`lat` has drifted: its mean is the same, and it is spread over more than twice the distance",
        found=f"no drift, with PSI {found.table.loc['lat', 'psi']:.2g}",
        help="Compare distributions and not means.",
    )


def judge_new_categories(lab: LabHandle, rng: Generator) -> None:
    """Fail where zipcodes that the reference does not have are no drift, or where another column named is a number."""
    sales = all_sales()
    here = sales["zipcode"].astype(str).str.startswith("981")
    reference = sales[here].sample(1_500, random_state=rng)[["zipcode", "grade"]].reset_index(drop=True)
    current = sales.sample(1_500, random_state=rng)[["zipcode", "grade"]].reset_index(drop=True)
    reference, current = (table.assign(heating=rng.choice(["gas", "oil"], 1_500)) for table in (reference, current))
    found = compare(lab, reference, current, categories=["grade", "zipcode"])
    expect.that(
        found.table.loc["zipcode", "drifted"],
        expected="`zipcode` has drifted: half of the houses lie where the reference has none",
        found=f"no drift, with p_adjusted {found.table.loc['zipcode', 'p_adjusted']:.2g}",
        help="A category that the reference does not have is the strongest sign there is.",
    )
    for name, why in (("grade", "`categories` names it"), ("heating", "its values are texts")):
        kind = found.table.loc[name, "kind"]
        expect.that(kind == "category", expected=f"`{name}` is a category: {why}", found=kind)


def judge_sample(lab: LabHandle, rng: Generator) -> None:
    """Fail where a large table is looked at whole, in silence, or by its first rows only."""
    rows = int(rng.integers(140_000, 160_000))
    values = rng.normal(size=rows)
    # The change begins behind the first 50,000 rows, where `head` does not look.
    current = pd.DataFrame({"depth": np.where(np.arange(rows) < 60_000, values, values + 2)})
    many = int(rng.integers(80_000, 90_000))  # here, too, the last rows are others
    reference = pd.DataFrame({"depth": rng.normal(size=many) + np.where(np.arange(many) < 55_000, 0, 1)})
    found = compare(lab, reference, current)
    told = found.report.attr("rows")
    wanted = {"reference": many, "current": rows, "reference_used": MOST_ROWS, "current_used": MOST_ROWS}
    expect.that(told == wanted, expected=f"`rows` is {wanted}", found=told, help="Say what was left out.")
    expect.that(
        found.table.loc["depth", "drifted"],
        expected="drift: more than half of the rows have moved, those at the end",
        found="no drift",
        help="`head` sees the first rows only: `sample` draws from the whole table.",
    )
    expect.close(
        found.table.loc["depth", "psi"], psi(reference, current)["depth"], "the PSI, which is about that of all rows,",
        rel=0.2, help="The last rows are no more like the whole table than the first ones: `sample`.",
    )  # fmt: skip
    again = compare(lab, reference, current)
    same = again.table.loc["depth", "psi"] == found.table.loc["depth", "psi"]
    expect.that(
        same, expected="the same PSI at a second call", found="another one", help="`random_state` decides the draw."
    )


def judge_refusals(lab: LabHandle, rng: Generator) -> None:
    """Fail where tables that cannot be compared are compared."""
    reference, current = (table[["grade", "lat"]] for table in draw_months(rng, 60))
    name = str(rng.choice(["grade", "lat"]))
    cases = {
        "a table without rows": (reference, current.head(0), ""),
        f"a table without `{name}`": (reference, current.drop(columns=name), name),
        f"a table that has `{name}`, where the reference has not": (reference.drop(columns=name), current, name),
        f"a table with no value in `{name}`": (reference, current.assign(**{name: np.nan}), name),
        f"a reference with no value in `{name}`": (reference.assign(**{name: np.nan}), current, name),
        "a reference without rows": (reference.head(0), current, ""),
        f"`{name}` in the reference, and `rooms` in its place in the current table": (
            reference, current.rename(columns={name: "rooms"}), f"{name} rooms",
        ),
    }  # fmt: skip
    for case, (before, now, named) in cases.items():
        try:
            lab.drift.feature_drift(before, now)
        except LearnerError as error:
            if not error.is_a("ValueError"):
                fail(expected=f"a ValueError for {case}", found=f"{error.type_name}: {error.message}")
            missing = [one for one in named.split() if one not in str(error.message)]
            if missing:
                fail(expected=f"a message for {case} that names {', '.join(missing)}", found=str(error.message))
        else:
            fail(
                expected=f"a ValueError for {case}", found="no exception", help="Else the report says that all is well."
            )


def judge_gaps(lab: LabHandle, rng: Generator) -> None:
    """Fail where a column with some values is refused, because others are missing."""
    reference, current = (table[["grade", "lat"]].astype(float) for table in draw_months(rng, 200))
    gaps = current.assign(grade=current["grade"].mask(rng.random(200) < 0.1))
    try:
        lab.drift.feature_drift(reference, gaps)
    except LearnerError as error:
        fail(
            expected="a report, where a tenth of the values of `grade` is missing",
            found=f"{error.type_name}: {error.message}",
            help="A column without any value cannot be compared. Others can.",
        )


def judge_json(found: Compared) -> None:
    """Fail where the JSON does not say what the table says."""
    text = expect.text(found.report.to_json(), "`to_json()`")
    try:
        told = json.loads(text, parse_constant=lambda word: fail(expected="JSON has no NaN or Infinity", found=word))
    except json.JSONDecodeError as error:
        fail(expected="`to_json()` is JSON", found=str(error))
    good = (
        isinstance(told, dict)
        and isinstance(told.get("columns"), list)
        and told.get("rows") == found.report.attr("rows")
    )
    expect.that(good, expected='`{"rows": …, "columns": […]}`', found=expect.shown(told))
    wanted = json.loads(found.table.reset_index()[list(COLUMNS)].to_json(orient="records", double_precision=15))
    for row, one in zip(wanted, [*told["columns"], *[{}] * len(wanted)], strict=False):
        for key, value in row.items():
            said = one.get(key) if isinstance(one, dict) else None
            same = said == value or (isinstance(value, float) and isinstance(said, float) and abs(said - value) < 1e-9)
            expect.that(same, expected=f"`{key}` of `{row['column']}` in the JSON is {value}", found=said)


def judge_html(lab: LabHandle, found: Compared) -> None:
    """Fail where the page is not a file of its own that shows every column."""
    found.report.write_html("reports/drift.html")
    page = lab.read_bytes("reports/drift.html")
    text = page.decode("utf-8", "replace") if isinstance(page, bytes) else ""
    missing = [name for name in found.reference.columns if name not in text]
    expect.that(
        "<html" in text and not missing,
        expected="an HTML page that shows each column",
        found=f"{len(text):,} characters without {', '.join(missing) or '<html'}",
    )
    outside = re.findall(r"<(?:script|link|img)\b[^>]{0,300}(?:src|href)=[\"']https?:", text[:200_000])
    expect.that(not outside, expected="a page that needs no network", found=outside[:1])


def judge_unchanged(lab: LabHandle, rng: Generator) -> None:
    """Fail where the tables are changed."""
    reference, current = (table[["zipcode", "waterfront", "lat"]] for table in draw_months(rng, 300))
    target = f"{lab._package}.drift:feature_drift"
    told = lab.make("mlops_probes.prepare:call", target, reference, current, doing="`feature_drift(…)`")
    for before, after, what in zip((reference, current), told[1], ("reference", "current table"), strict=False):
        same = isinstance(after, pd.DataFrame) and after.astype(str).equals(before.astype(str))
        same = same and list(after.dtypes) == list(before.dtypes)
        expect.that(
            same, expected=f"the {what} is as it was", found="it was changed", help="`assign` makes a new table."
        )


def judge_fixed_reference(lab: LabHandle, rng: Generator) -> None:
    """Fail where the months are compared with one another: a slow change is then never seen."""
    reference, *months = draw_months(rng, 700, months=5)
    columns = ["sqft_living", "code"]
    starts = pd.to_datetime(["2014-03-01", "2014-04-01", "2014-11-01", "2015-03-01", "2015-04-01"])
    # As a number, an odd code is next to an even one. As a name it is another one.
    reference = reference.assign(code=2 * rng.integers(0, 50, len(reference)))
    step = rng.uniform(0.07, 0.08)
    parts = []
    for number, month in enumerate(months):
        date = starts[number] + pd.to_timedelta(rng.integers(1, 28, 700), "D")  # none is of the first day
        grown = (month["sqft_living"] * (1 + step) ** (number + 1)).round()
        code = 2 * rng.integers(0, 50, 700) + (number == 4)
        parts.append(month.assign(sqft_living=grown, code=code)[columns].assign(date=date, price=1e5 + 9 * grown))
    sales = pd.concat(parts).sample(frac=1, random_state=rng)
    lab.make(LEAVE_OUT)
    found = expect.frame(
        lab.drift.drift_by_month(reference[columns], sales, categories=["code"]),
        "the answer of `drift_by_month`",
        columns=("month", "rows", "drifted", "columns"),
    )
    expect.that(
        len(found) == len(starts),
        expected=f"a row for each month of the sales: {', '.join(f'{month:%Y-%m}' for month in starts)}",
        found=f"{len(found)} rows",
        help="March of 2014 and March of 2015 are two months.",
    )
    if found["month"].map(type).eq(str).any():
        fail(expected="`month` is the first day of the month, a date", found=f"a text, {found['month'].iloc[0]!r}")
    first, wanted = pd.to_datetime(found["month"]), starts
    expect.that(
        list(first) == list(wanted),
        expected=f"the months {', '.join(f'{month:%Y-%m}' for month in wanted)}, by their first days",
        found=", ".join(f"{month:%Y-%m-%d}" for month in first),
    )
    expect.that(list(found["rows"]) == [700] * 5, expected="700 rows in each month", found=list(found["rows"]))
    alone = [
        compare(lab, reference[columns], part[columns], categories=["code"]).report.drifted()
        for part in (parts[0], parts[4])
    ]
    for place, names in zip((0, 4), alone, strict=True):
        told, count = found["columns"].iloc[place], found["drifted"].iloc[place]
        expect.that(
            told == ", ".join(names) and count == len(names),
            expected=f"{wanted[place]:%Y-%m}: {', '.join(names) or 'no column'} against the reference",
            found=f"{count}: {told or 'no column'}",
            help="Hand on `categories`: as a number, `code` has hardly changed."
            if names == [*told.split(", "), "code"]
            else "Compare every month with the same reference. Against the month before, a slow change stays small.",
        )
