"""Judges the figures of a report (1.9): each is computed again from the data that was given, and looked for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from lab1_judges.folds import METRICS, score
from lab1_judges.markdown import Cell, Text, plain
from lab1_judges.recording import Part
from labkit.checks import expect, fail

CUTOFF, AS_OF, QUARTER_END = (pd.Timestamp(day) for day in ("2015-01-01", "1998-03-31", "1998-06-30"))
METRIC_WORDS = {"rmse": r"rmse|root", "mae": r"\bmae\b|mean abs", "r2": r"\br2\b|r²|r\^2|r squared"}
SHOWN_AS = {"rmse": "RMSE", "mae": "MAE", "r2": "R²"}
SPREAD_WORDS = re.compile(r"std|spread|±|deviation", re.IGNORECASE)
FOLDS_WORDS, VALIDATED_WORDS = re.compile(r"cross|\bcv\b|fold", re.IGNORECASE), re.compile(r"valid", re.IGNORECASE)
LATER_WORDS = re.compile(r"(?<!before )201[45]|test|later|future|held|hold|unseen|\bfrom\b|\btime\b", re.IGNORECASE)
LINEAR = {"LinearModel", "BaseSGD", "LinearSVR", "BaseSGDRegressor"}
GAP = r"(?<![\w.,-])(?P<count>\d[\d,]*)(?![\d.])[^\d.,;:|()]{0,30}?"
# "To learn from: 182" is about what comes after it.
LEARN_WORDS = rf"{GAP}(?:to learn from|to train on|for training|before 2015)(?!\s*:)"
JUDGE_WORDS = rf"{GAP}(?:from 2015-01-01 on|to be judged on|to judge|to test on|for the test)(?!\s*:)"
COUNT = "Count what the section was given, and what `split_by_time` returned."
_SIDES = re.compile("|".join(one.pattern for one in (FOLDS_WORDS, VALIDATED_WORDS, LATER_WORDS)), re.IGNORECASE)
ANOTHER_MODEL = re.compile(r"nearest|neighbou?r|\bknn\b|zipcode|kernel|support|\bsvr\b|polynomial", re.IGNORECASE)
KINDS = {
    "mean price": r"mean|dummy|baseline|average",
    "linear model": r"linear|ridge|lasso|regression",
    "build_model()": r"build.?model|boost|tree|forest",
}


@dataclass(frozen=True)
class Houses:
    """What the report has to say about one set of sales, and the models that were trained for it."""

    sales: pd.DataFrame
    parts: list[Part]
    built: Any

    @property
    def train(self) -> np.ndarray:
        """The rows to learn from: before the cutoff, without the houses that are sold again."""
        late = self.sales["date"] >= CUTOFF
        return np.flatnonzero(~late & ~self.sales["id"].isin(self.sales.loc[late, "id"]))

    @property
    def test(self) -> np.ndarray:
        """The rows to be judged on: from the cutoff on."""
        return np.flatnonzero(self.sales["date"] >= CUTOFF)

    @property
    def prices(self) -> np.ndarray:
        """The price of each sale (USD)."""
        return self.sales["price"].to_numpy(dtype=float)

    @cached_property
    def kinds(self) -> dict[str, set[int]]:
        """The candidates that were trained, by kind; those of no kind are not in it."""
        found: dict[str, set[int]] = {kind: set() for kind in KINDS}
        for part in self.parts:
            if part.candidate == self.built:
                found["build_model()"].add(part.candidate)
            elif part.names & LINEAR:
                found["linear model"].add(part.candidate)
            elif "DummyRegressor" in part.names or any(re.search("mean|dummy|baseline", n, re.I) for n in part.names):
                found["mean price"].add(part.candidate)
        # A median price may stand beside the mean price.
        dummies = found["mean price"]
        found["mean price"] = {one for one in dummies if self._says_the_mean(one)} or dummies
        return found

    def _says_the_mean(self, candidate: int) -> bool:
        predicted = self.predicted({candidate})
        return predicted is not None and np.allclose(predicted, self.prices[self.train].mean())

    def scores(self, candidates: set[int]) -> dict[str, list[dict[str, float]]]:
        """The metrics of each of these candidates, on both sides."""
        each = [{one} for one in sorted(candidates)]
        return {
            "cross-validated": [said for one in each for said in self.validated(one)],
            "from the cutoff on": [said for one in each if (said := self.later(one)) is not None],
        }

    def predicted(self, candidates: set[int]) -> np.ndarray | None:
        """What these candidates, trained on the sales before the cutoff, said of each sale from it on."""
        for part in self._of(candidates):
            if part.trained is not None and set(part.trained) == set(self.train):
                for use in part.asked:
                    if (said := _said(use)) is not None and set(use["rows"]) == set(self.test):
                        return said[1][np.argsort(said[0])]
        return None

    def later(self, candidates: set[int]) -> dict[str, float] | None:
        """The metrics on the sales from the cutoff on."""
        predicted = self.predicted(candidates)
        return None if predicted is None else score(self.prices[self.test], predicted)

    @property
    def pairs(self) -> pd.DataFrame:
        """Actual price and what `build_model()` says, of each sale from the cutoff on, with its month."""
        test = self.sales.iloc[self.test]
        predicted = self.predicted(self.kinds["build_model()"])
        prices = {"actual": test["price"].astype(float), "predicted": predicted}
        return pd.DataFrame({**prices, "month": test["date"].dt.strftime("%Y-%m")}, index=test.index)

    @property
    def months(self) -> pd.DataFrame:
        """The residuals of these sales by month."""
        pairs = self.pairs
        left = pairs["actual"] - pairs["predicted"]
        groups = left.groupby(pairs["month"])
        columns = {"sales": groups.size(), "median": groups.median(), "mae": left.abs().groupby(pairs["month"]).mean()}
        quarters = {"lower_quartile": groups.quantile(0.25), "upper_quartile": groups.quantile(0.75)}
        return pd.DataFrame({**columns, **quarters})

    def validated(self, candidates: set[int]) -> list[dict[str, float]]:
        """The metrics of the cross-validation: the means over the folds, of all sales or of those to learn from."""
        for rows in (np.arange(len(self.sales)), self.train):
            folds = {}
            for part in self._of(candidates):
                said = next(filter(None, map(_said, part.asked)), None)
                if said is None or part.trained is None or not len(part.unseen):
                    continue
                if set(part.trained) | set(part.unseen) == set(rows):
                    folds[part.unseen.tobytes()] = said
            if len(folds) > 1 and sorted(np.concatenate([rows for rows, _ in folds.values()])) == sorted(rows):
                scores = [score(self.prices[rows], said) for rows, said in folds.values()]
                return [{name: float(np.mean([one[name] for one in scores])) for name in METRICS}]
        return []

    def _of(self, candidates: set[int]) -> list[Part]:
        return [part for part in self.parts if part.candidate in candidates]


def _said(use: dict[str, Any]) -> tuple[np.ndarray, np.ndarray] | None:
    predicted = use.get("predicted")
    if use["rows"] is None or not isinstance(predicted, np.ndarray) or len(predicted) != len(use["rows"]):
        return None
    return use["rows"], predicted


def judge_counts(houses: Houses, text: Text) -> None:
    """Fail where the report does not say how many sales there are on each side of the cutoff."""
    counts = {
        "sales to learn from (those of houses that are sold again are not)": len(houses.train),
        "sales from the cutoff on": len(houses.test),
    }
    numbers = text.numbers
    for what, count in counts.items():
        expect.that(
            any(number.value == count for number in numbers),
            expected=f"the report says how many {what} there are: {count:,}",
            found="no such number",
            help=COUNT,
        )
    _judge_words(len(houses.sales), len(houses.train), len(houses.test), text)


def _judge_words(whole: int, train: int, test: int, text: Text) -> None:
    """Fail where the words beside a count are those of the other side, or there are more sales than were given."""
    for line in text.lines:
        for words, count, other in ((LEARN_WORDS, train, test), (JUDGE_WORDS, test, train)):
            for match in re.finditer(words, line, re.IGNORECASE):
                value = int(match["count"].replace(",", ""))
                expect.that(
                    value == count or value != other,
                    expected=f"{train} sales to learn from (before {CUTOFF:%Y-%m-%d}), {test} to be judged on",
                    found=match[0],
                    help="The two counts are swapped: `train` is to learn from, `test` is from the cutoff on.",
                )
        for match in re.finditer(r"(?<![\w.,])(\d[\d,]*) sales\b", line):
            value = int(match[1].replace(",", ""))
            expect.that(
                value <= max(train, test)
                or value in (whole, whole - test, train + test)
                or 1990 < value < 2030,  # a year
                expected=f"the report is about the {whole} sales that were given",
                found=match[0],
                help=COUNT,
            )


def judge_trained(houses: Houses) -> None:
    """Fail where a kind of model was not trained on what it must be trained on."""
    if not any(part.trained is not None for part in houses.parts):
        fail(
            expected="`house_price_section` reports on the sales that it is given",
            found="no model was trained on them",
            help="The data comes as an argument: `load_house_sales()` is for `write_report` alone.",
        )
    for kind, candidates in houses.kinds.items():
        expect.that(
            candidates,
            expected=f"the report compares a mean price, a linear model and `build_model()`: {kind}",
            found="no such model was trained",
        )
        _judge_sides(houses, kind, candidates)
    predicted, mean = houses.predicted(houses.kinds["mean price"]), houses.prices[houses.train].mean()
    if predicted is not None and np.ptp(predicted) == 0:
        expect.that(
            np.isclose(predicted[0], mean),
            expected=f"the mean price of the sales before {CUTOFF:%Y-%m-%d} is {mean:,.0f} USD",
            found=f"{predicted[0]:,.0f} USD",
            help="`DummyRegressor()` answers with the mean.",
        )


def _judge_sides(houses: Houses, kind: str, candidates: set[int]) -> None:
    if houses.later(candidates) is None:
        asked = [part for part in houses.parts if part.candidate in candidates and len(part.unseen)]
        trained = [part.trained for part in asked if part.trained is not None]
        counts = [
            f"{len(rows)} sales ({np.isin(rows, houses.test).sum()} of them from that day on)" for rows in trained
        ]
        fail(
            expected=f"the {kind} is trained on the {len(houses.train)} sales before {CUTOFF:%Y-%m-%d} and asked for "
            f"the {len(houses.test)} from that day on",
            found=f"it was trained on {'; '.join(counts)[:300]}" if counts else "it was asked for no other sales than "
            "it was trained on",
            help="`train, test = split_by_time(sales, CUTOFF)`, then `fit` on the one and `predict` for the other.",
        )  # fmt: skip
    expect.that(
        any(houses.validated({one}) for one in candidates),
        expected=f"the {kind} is cross-validated: each sale is judged once, in one of the folds",
        found="no such folds",
        help="`cross_validate_model(model, sales)` returns a table with a row per fold.",
    )


def judge_models(houses: Houses, text: Text) -> None:
    """Fail where an error of a model is not in the report, or stands below another heading."""
    more = houses.scores({part.candidate for part in houses.parts} - set().union(*houses.kinds.values()))
    for kind, candidates in houses.kinds.items():
        own = houses.scores(candidates)
        for metric in METRICS:
            sides = {side: [one[metric] for one in found] for side, found in own.items()}
            for side, values in sides.items():
                expect.that(
                    any(text.has_line([value]) for value in values),
                    expected=f"{SHOWN_AS[metric]} of the {kind}, {side}, is in the report: {expect.figure(values[0])}",
                    found="no such number",
                    help="Mean over the folds of `cross_validate_model`; `evaluate(model, test)` for the other side.",
                )
            for cell, words in _cells_of(text, kind, metric):
                # A row `random forest` may be about one more model; that of `build_model()` is about that one.
                name = f"{cell.row} {cell.column}".lower()
                is_built = kind == "build_model()" and "build" in name
                is_open = not is_built and (kind == "build_model()" or ANOTHER_MODEL.search(name) is not None)
                others = {side: [one[metric] for one in more[side] if is_open] for side in sides}
                _judge_cell(cell, words, kind, metric, {side: sides[side] + others[side] for side in sides})


def _cells_of(text: Text, kind: str, metric: str) -> Iterator[tuple[Cell, str]]:
    """The cells of tables that are about a metric of a kind of model, whichever of the two stands at the left.

    Each with the words that say which sales it is about: those beside the metric, or else those beside the model, whose
    name may be "alpha by cross-validation".
    """
    for cell in text.cells:
        for name, other in ((cell.row, cell.column), (cell.column, cell.row)):
            kinds = [one for one, words in KINDS.items() if re.search(words, name.replace("\\", ""), re.I)]
            kinds = ["build_model()"] if "build_model()" in kinds else kinds
            if "median" in name.lower() and kinds == ["mean price"]:
                continue
            metrics = [one for one, words in METRIC_WORDS.items() if re.search(words, other, re.I)]
            if kinds == [kind] and metrics == [metric] and cell.numbers and not SPREAD_WORDS.search(other):
                yield cell, f"{other} {name}" if _SIDES.search(other) is None else other


def _judge_cell(cell: Cell, words: str, kind: str, metric: str, sides: dict[str, list[float]]) -> None:
    if FOLDS_WORDS.search(words):
        side = "cross-validated"
    elif LATER_WORDS.search(words):  # also "out-of-time validation"
        side = "from the cutoff on"
    elif VALIDATED_WORDS.search(words):
        side = "cross-validated"
    else:
        side = "cross-validated, or from the cutoff on"
    values = sides.get(side, [value for both in sides.values() for value in both])
    expect.that(
        any(cell.numbers[0].shows(value) for value in values),
        expected=f"{SHOWN_AS[metric]} of the {kind}, {side}: {expect.figure(values[0])}",
        found=f"{cell.numbers[0].value:,.6g} below `{cell.column[:60]}`",
        help="Is each number below the heading that names it, and from the sales that it names?",
    )


# Rows of tables that the functions of the week return.


def judge_rows(text: Text, table: pd.DataFrame, what: str, help_text: str, *, named: bool = False) -> None:
    """Fail where no line of the report shows a row of a table. `named`: the line has the name of the row, too."""
    table = _numbers_of(table)
    for name, row in table.iterrows():
        values = [float(value) for value in row]
        if text.has_line(values, words=[plain(str(name))] if named else []):
            continue
        lost = [str(column) for column, value in zip(row.index, values, strict=True) if not text.has_line([value])]
        if named and plain(str(name)) not in plain(" ".join(text.lines)):
            fail(expected=f"{what}: {', '.join(map(str, table.index))}", found=f"nothing about {name}", help=help_text)
        shown = ", ".join(f"{column} {expect.figure(value)}" for column, value in zip(row.index, values, strict=True))
        fail(
            expected=f"{what}; {name}: {shown}",
            found=f"no such `{lost[0]}`" if lost else "these numbers are in the report, but not side by side",
            help=help_text,
        )
    judge_headings(text, table, what)


def _numbers_of(table: pd.DataFrame) -> pd.DataFrame:
    """A table without its columns of words."""
    return table[[name for name in table if not pd.api.types.is_string_dtype(table[name])]]


def judge_headings(
    text: Text,
    table: pd.DataFrame,
    what: str,
    help_text: str = "Is each number below the heading that names it?",
    *,
    near: float = 0.0,
) -> None:
    """Fail where a number stands below a heading of the table, in its row, and is another one.

    It may be off by `near`: the median of residuals can be three dollars, and whole dollars are precise enough.
    """
    rows, columns = ([plain(str(name)) for name in names] for names in (table.index, table.columns))
    values = table.to_numpy(dtype=float)
    for cell in text.cells:
        row, column = plain(cell.row), plain(cell.column)
        if row in rows and column in columns and cell.numbers:
            value = float(values[rows.index(row), columns.index(column)])
            expect.that(
                cell.numbers[0].shows(value) or abs(cell.numbers[0].value - value) <= near,
                expected=f"{what}: `{cell.column}` of {cell.row} is {expect.figure(value)}",
                found=f"{cell.numbers[0].value:,.6g}",
                help=help_text,
            )


def judge_right(text: str, counts: pd.DataFrame) -> None:
    """Fail where the report says how many of the 150 flowers are named rightly, and it is another number.

    Where it says so of several classifiers, one of them is that of the matrix.
    """
    right = round(float(sum(counts.loc[name, name] for name in counts.index)))
    said = [(match[0], int(match[1])) for match in re.finditer(r"(\d+) of (?:the |all )?150\b", text)]
    if said:
        expect.that(
            any(number in (right, 150 - right) for _, number in said),
            expected=f"the model of the confusion matrix names {right} of 150 flowers rightly",
            found=", ".join(words for words, _ in said[:5]),
            help="On the diagonal, truth and prediction agree.",
        )


def came_back(table: pd.DataFrame, labels: pd.Series, purchases: pd.DataFrame) -> pd.Series:
    """The share of each segment that bought in the quarter after the day on which the segments were made."""
    days = purchases["date"]
    later = purchases.loc[(days > AS_OF) & (days <= QUARTER_END), "customer_id"]
    return pd.Series(table.index.isin(later), index=table.index).groupby(labels).mean()
