"""Judges the error of each month, as prices become known (6.5)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from lab6_judges.houses import Generator
from labkit.checks import LabHandle, expect, fail

DAYS = 60
COLUMNS = ("month", "predictions", "known", "mae", "mae_low", "mae_high", "bias", "bias_low", "bias_high", "complete")


@dataclass(frozen=True)
class Year:
    """Predictions of some months, the prices as they became known, and a day on which one looks."""

    predictions: pd.DataFrame
    labels: pd.DataFrame
    as_of: pd.Timestamp


def draw_year(rng: Generator, rows: int = 600) -> Year:
    """Months of predictions; prices in another order, some of other houses, some corrected, the last ones unknown.

    Some houses are never sold: half of those of October, all but six of November, and all but one of December.
    """
    first = pd.Timestamp("2014-09-01")
    while True:
        date = first + pd.to_timedelta(np.sort(rng.integers(0, 242, rows)), "D") + pd.Timedelta(hours=9)
        # A day on whose morning there were predictions, and before which no price of its month is known.
        days = date[(date > "2015-03-11") & (date < "2015-03-31")].normalize()
        # Of October so many that its limits are judged.
        if len(days) and (date.month == 12).any() and (date.month == 10).sum() >= rows / 12:
            break
    price = np.exp(rng.normal(13, 0.5, rows)).round()
    bias = 0.02 * np.arange(rows) / rows
    predictions = pd.DataFrame(
        {
            "prediction_id": [f"p-{number:05d}" for number in rng.permutation(10 * rows)[:rows]],
            "date": date,
            "predicted": (price * np.exp(rng.normal(0, 0.15, rows) + bias)).round(),
        }
    )
    known_on = date.normalize() + pd.to_timedelta(rng.integers(30, 61, rows), "D")
    labels = pd.DataFrame({"prediction_id": predictions["prediction_id"], "price": price, "known_on": known_on})
    month = np.array(date.month)
    sold = (month != 10) & (month != 11) & (month != 12)
    sold[rng.permutation(np.flatnonzero(month == 11))[:6]] = True
    sold[rng.permutation(np.flatnonzero(month == 10))[::2]] = True
    sold[rng.choice(np.flatnonzero(month == 12))] = True
    labels = labels[sold]
    corrected = labels.sample(rows // 12, random_state=rng)
    later = corrected["known_on"] + pd.to_timedelta(rng.integers(5, 40, len(corrected)), "D")
    factor = rng.choice([0.6, 1.7], len(corrected))
    corrected = corrected.assign(price=(corrected["price"] * factor).round(), known_on=later)
    again = corrected[::2].assign(
        price=lambda table: (table["price"] * 0.8).round(),
        known_on=lambda table: table["known_on"] + pd.Timedelta("5D"),
    )
    strangers = labels.sample(20, random_state=rng).assign(prediction_id=lambda t: "x-" + t["prediction_id"])
    labels = pd.concat([labels, corrected, again, strangers]).sample(frac=1, random_state=rng).reset_index(drop=True)
    as_of = days[int(rng.integers(len(days)))]
    return Year(predictions.sample(frac=1, random_state=rng).reset_index(drop=True), labels, as_of)


def wanted_months(year: Year) -> pd.DataFrame:
    """What is to be answered, worked out once more."""
    known = {}
    for row in year.labels.sort_values("known_on", kind="stable").itertuples():
        if row.known_on <= year.as_of:
            known[row.prediction_id] = row.price
    seen = year.predictions[year.predictions["date"] < year.as_of + pd.Timedelta(days=1)]
    price = seen["prediction_id"].map(known)
    error, ratio = (seen["predicted"] - price).abs(), np.log(seen["predicted"] / price)
    months = seen["date"].dt.to_period("M")
    rows = []
    for month in sorted(months.unique()):
        here = months == month
        row = {"month": month.to_timestamp(), "predictions": int(here.sum()), "known": int(price[here].notna().sum())}
        for name, values in (("mae", error[here].dropna()), ("bias", ratio[here].dropna())):
            half = 1.96 * values.std() / len(values) ** 0.5 if len(values) > 1 else np.nan
            mean = values.mean() if len(values) else np.nan
            row |= {name: mean, f"{name}_low": mean - half, f"{name}_high": mean + half}
        last_day = month.to_timestamp() + pd.offsets.MonthEnd(0)
        rows.append(row | {"complete": year.as_of >= last_day + pd.Timedelta(days=DAYS)})
    return pd.DataFrame(rows)


def ask(lab: LabHandle, year: Year) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The learner's answer and the wanted one, by month."""
    wanted = wanted_months(year)
    answer = lab.drift.performance_drift(year.predictions, year.labels, year.as_of)
    found = expect.frame(answer, "the answer of `performance_drift`", columns=COLUMNS)
    if found["month"].map(type).eq(str).any():
        fail(expected="`month` is the first day of the month, a date", found=f"a text, {found['month'].iloc[0]!r}")
    if list(pd.to_datetime(found["month"])) != list(wanted["month"]):
        fail(
            expected=f"a row for each month from {wanted['month'].iloc[0]:%Y-%m} to {wanted['month'].iloc[-1]:%Y-%m}",
            found=", ".join(f"{month:%Y-%m}" for month in pd.to_datetime(found["month"])),
            help="Each month with predictions up to `as_of` has a row, also one of which no price is known.",
        )
    return found.reset_index(drop=True), wanted


def judge_counts(found: pd.DataFrame, wanted: pd.DataFrame, as_of: pd.Timestamp) -> None:
    """Fail where predictions are lost, or prices count that were not known yet."""
    for told, row in zip(found.to_dict("records"), wanted.to_dict("records"), strict=True):
        month = f"{row['month']:%Y-%m}"
        expect.that(
            told["predictions"] == row["predictions"],
            expected=f"{row['predictions']} predictions in {month}",
            found=told["predictions"],
            help="A prediction without a price is one all the same: `how='left'`. One made after `as_of` is none yet.",
        )
        expect.that(
            told["known"] == row["known"],
            expected=f"{row['known']} known prices in {month}, as of {as_of:%Y-%m-%d}",
            found=told["known"],
            help="Only what had become known by the end of that day counts, once for each prediction.",
        )


def judge_errors(found: pd.DataFrame, wanted: pd.DataFrame) -> None:
    """Fail where the error is another one: joined by position, or with prices that have been corrected since."""
    for told, row in zip(found.to_dict("records"), wanted.to_dict("records"), strict=True):
        month = f"{row['month']:%Y-%m}"
        if np.isnan(row["mae"]):
            expect.that(
                np.isnan(told["mae"]), expected=f"NaN as the error of {month}: no price is known", found=told["mae"]
            )
            continue
        why = "Join by `prediction_id`; of two prices for one id the one that became known last counts."
        if told["mae"] > 2 * row["mae"]:
            why = "It is as large as if each house had another one's price: join by `prediction_id`, not by position."
        expect.close(told["mae"], row["mae"], f"the mean absolute error of {month} in USD", help=why)


def judge_bias(found: pd.DataFrame, wanted: pd.DataFrame) -> None:
    """Fail where the bias is in dollars, has the other sign, or is a median."""
    for told, row in zip(found.to_dict("records"), wanted.to_dict("records"), strict=True):
        if np.isnan(row["bias"]):
            month = f"{row['month']:%Y-%m}"
            none = "no price is known"
            expect.that(np.isnan(told["bias"]), expected=f"NaN as the bias of {month}: {none}", found=told["bias"])
            continue
        why = "The mean of log(predicted) - log(price)."
        if np.isclose(told["bias"], -row["bias"], rtol=1e-6):
            why = "Above 0 means too dear: log(predicted) - log(price), not the other way round."
        elif abs(told["bias"]) > 2:
            why = "That is in dollars: a villa would count as much as ten cottages. Take the logarithms."
        expect.close(told["bias"], row["bias"], f"the bias of {row['month']:%Y-%m} in log price", abs=1e-9, help=why)


def judge_limits(found: pd.DataFrame, wanted: pd.DataFrame) -> None:
    """Fail where the limits are not those of the mean; a bootstrap may differ by some percent."""
    widths: list[float] = []
    for told, row in zip(found.to_dict("records"), wanted.to_dict("records"), strict=True):
        if row["known"] < 25:
            if row["known"] < 2:
                limits = [told[f"{name}_{end}"] for name in ("mae", "bias") for end in ("low", "high")]
                missing = all(np.isnan(one) for one in limits)
                expect.that(missing, expected="NaN as the limits of a month with less than two prices", found=limits)
            elif not all(told[f"{name}_low"] < row[name] < told[f"{name}_high"] for name in ("mae", "bias")):
                fail(
                    expected=f"limits around the mean of {row['month']:%Y-%m}, of which {row['known']} prices are in",
                    found=f"{told['mae_low']:.4g} to {told['mae_high']:.4g}, {told['bias_low']:.4g} to "
                    f"{told['bias_high']:.4g}",
                    help="Two prices are enough for limits: they are wide then.",
                )
            continue
        for name in ("mae", "bias"):
            half, middle = (row[f"{name}_high"] - row[f"{name}_low"]) / 2, row[name]
            low, high = told[f"{name}_low"], told[f"{name}_high"]
            why = (
                "The mean plus and minus 1.96 standard errors: the standard deviation divided by the root of how many "
                "prices are known."
            )
            if high - low > 6 * half:
                why = "That is where single errors lie, not their mean: divide by the root of how many there are."
            # Those of a bootstrap, or of Student's t, are as wide but for some percent, and need not be symmetric.
            # Where few of the errors are large, both lie higher, and are wider.
            good = abs(low - (middle - half)) < 0.5 * half and -0.5 * half < high - (middle + half) < half
            good = good and 0.85 < (high - low) / (2 * half) < 1.6
            widths.append((high - low) / (2 * half))
            expect.that(
                good,
                expected=f"`{name}` of {row['month']:%Y-%m} between {middle - half:.4g} and {middle + half:.4g} (95 %)",
                found=f"{low:.4g} to {high:.4g}",
                help=why,
            )
    # Limits of 90 % are 16 % narrower, those of 99 % 31 % wider: in every month.
    expect.that(
        0.9 < float(np.median(widths)) < 1.2,
        expected="limits of 95 %",
        found=f"they are {float(np.median(widths)):.2f} times as wide, in the middle of all months",
        help="The mean plus and minus 1.96 standard errors.",
    )


def judge_complete(lab: LabHandle, rng: Generator) -> None:
    """Fail where a month counts as complete too early, or never."""
    year = draw_year(rng, 150)
    # After November, 60 days are less than two months.
    for last, days in (("2014-11-30", DAYS - 1), ("2014-11-30", DAYS), ("2014-12-31", DAYS - 1), ("2014-12-31", DAYS)):
        as_of = pd.Timestamp(last) + pd.Timedelta(days=days)
        found, wanted = ask(lab, Year(year.predictions, year.labels, as_of))
        told = dict(zip(wanted["month"].dt.strftime("%Y-%m"), found["complete"].astype(bool), strict=True))
        right = dict(zip(wanted["month"].dt.strftime("%Y-%m"), wanted["complete"], strict=True))
        expect.that(
            told == right,
            expected=f"complete as of {as_of:%Y-%m-%d}: {', '.join(month for month, done in right.items() if done)}",
            found=", ".join(month for month, done in told.items() if done) or "none",
            help=f"A month is complete {DAYS} days after its last day. The first prices need not be like the others.",
        )


def judge_twice(lab: LabHandle, rng: Generator) -> None:
    """Fail where an id that comes twice among the predictions passes."""
    year = draw_year(rng, 60)
    again = year.predictions[year.predictions["date"] < year.as_of].sample(1, random_state=rng)
    later = again.assign(date=year.as_of + pd.Timedelta(days=3))
    for one, what in ((again, "twice"), (later, "twice, once after `as_of`")):
        twice = pd.concat([year.predictions, one])
        with expect.raises(
            "ValueError", what=f"a prediction_id that comes {what}", help="Its price would count twice."
        ):
            lab.drift.performance_drift(twice, year.labels, year.as_of)


def judge_inputs(lab: LabHandle, rng: Generator) -> None:
    """Fail where the day may not be text, has an hour that counts, or a table is changed."""
    year = draw_year(rng, 120)
    early = year.predictions["date"].min() - pd.Timedelta(days=3)
    for labels, as_of, months in ((year.labels, early.normalize(), 0), (year.labels.head(0), year.as_of, 1)):
        told = lab.drift.performance_drift(year.predictions, labels, as_of)
        what = "the answer of a day before the first prediction" if not months else "the answer without any price"
        rows = months and len(wanted_months(year))
        none = expect.frame(told, what, columns=COLUMNS, rows=rows, help="No price, or no prediction yet, is no error.")
        expect.that(
            bool(none[["mae", "bias"]].isna().all(axis=None)) and not any(none["known"]),
            expected="no error where no price is known: NaN", found=none[["mae", "bias"]].to_dict("list"),
        )  # fmt: skip
    # On that day a price becomes known that was not known before: a correction would change no number.
    new = year.labels.groupby("prediction_id")["known_on"].min()
    known = new[new <= year.as_of].max()
    late = year.labels.assign(known_on=year.labels["known_on"] + pd.Timedelta(hours=17))
    wanted = wanted_months(Year(year.predictions, year.labels, known))
    target = f"{lab._package}.drift:performance_drift"
    day = known.strftime("%Y-%m-%d")
    told = lab.make("mlops_probes.prepare:call", target, year.predictions, late, day, doing="`performance_drift(…)`")
    found = expect.frame(told[0], "the answer of `performance_drift`", columns=COLUMNS, rows=len(wanted))
    expect.that(
        list(found["known"]) == list(wanted["known"]),
        expected=f"what became known on {day} at 17 h counts as of the end of that day: {list(wanted['known'])}",
        found=list(found["known"]),
    )
    for before, after, what in ((year.predictions, told[1][0], "predictions"), (late, told[1][1], "labels")):
        same = isinstance(after, pd.DataFrame) and list(after.columns) == list(before.columns)
        same = same and after.astype(str).equals(before.astype(str))
        expect.that(same, expected=f"`{what}` as it was", found="it was changed")
