"""Judges the report (1.9): written twice on different data, none of which is that of the files."""

from __future__ import annotations

import base64
import binascii
import contextlib
import itertools
import posixpath
import re
import urllib.parse
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePath
from typing import Any

import numpy as np
import pandas as pd

from lab1_judges import markdown
from lab1_judges.flowers import feed
from lab1_judges.recording import events, parts_of, recording
from lab1_judges.report_figures import (
    AS_OF,
    QUARTER_END,
    Houses,
    came_back,
    judge_counts,
    judge_headings,
    judge_models,
    judge_right,
    judge_rows,
    judge_trained,
)
from lab1_judges.report_plots import Drawings, judge_pictures
from lab1_judges.samples import KEYS, Generator, draw_measures, draw_purchases, draw_sales, species
from labkit.checks import CheckFailed, LabHandle, LearnerError, RemoteObject, expect, fail

# Each piece is possessive (`++`) and ends before the sign with which another picture may begin: no text is read often.
IMAGE = re.compile(
    r"!\[(?P<caption>(?:[^\[\]]++|\[[^\[\]]*+\])*+)\]\(\s*+<?+(?P<inline>[^()<>\s]++)(?:>?+[^()]*+\))?+"
    r"|<img\b[^<>]*?\ssrc\s*+=\s*+[\"'](?P<tag>[^\"'<]++)"
    r"|^[ ]{0,3}+\[[^\[\]\n]++\]:[ \t]*+<?+(?P<link>[^\s>]+\.png)>?+",
    re.MULTILINE | re.IGNORECASE,
)
RESIDUALS = "Residuals are actual minus predicted, and the predictions those of `build_model()`, not of another model."
MOST_BYTES = 8 * 2**20  # of the Markdown, in which pictures may be embedded
MOST_PICTURES = 200
MOST_TRIED = 5  # numbers of segments for which the segments are computed again
NOTED = ("iris:compare_classifiers", "iris:confusion", "customers:segment_customers", "customers:choose_k")


@dataclass(frozen=True)
class Data:
    """What one report is about."""

    sales: pd.DataFrame
    purchases: pd.DataFrame
    measures: pd.DataFrame
    seed: int


@dataclass(frozen=True)
class Customers:
    """What the functions of the week say of the purchases that were given."""

    table: pd.DataFrame
    labels: pd.Series
    profile: pd.DataFrame
    choice: pd.DataFrame


@dataclass
class Written:
    """One report: what `write_report` returned, and the files in its folder."""

    folder: str
    answer: Any
    data: Data
    files: dict[str, bytes] = field(default_factory=dict)
    houses: Houses | None = None
    calls: list[dict[str, Any]] = field(default_factory=list)
    saved: Any = None
    classifiers: pd.DataFrame | None = None
    confusions: list[pd.DataFrame] = field(default_factory=list)
    tried: list[Customers] = field(default_factory=list)

    @property
    def file(self) -> str:
        """The name of the report in its folder; fails where there is none."""
        help_text = "Return the path of the Markdown file that you have written into `folder`."
        if not isinstance(self.answer, PurePath):
            fail(expected="`write_report(folder)` returns a Path", found=expect.shown(self.answer), help=help_text)
        name = posixpath.normpath(posixpath.join(self.folder, self.answer.as_posix()))
        for folder in (self.folder, posixpath.join(self.folder, "")):
            name = name.removeprefix(folder)
        name = name.lstrip("/")
        if name not in self.files:
            there = ", ".join(sorted(self.files)[:6]) or "nothing"
            fail(
                expected="the path leads to a file in `folder`",
                found=f"`{self.answer}`; in the folder: {there}",
                help=help_text,
            )
        return name

    @property
    def text(self) -> str:
        """The Markdown; fails where it is no text."""
        content = self.files[self.file]
        if len(content) > MOST_BYTES:
            fail(expected=f"a report of at most {MOST_BYTES // 2**20} MB", found=f"{len(content):,} bytes")
        try:
            text = content.decode("utf-8")
        except UnicodeDecodeError:
            fail(
                expected="the report is text in UTF-8",
                found="bytes that are not",
                help="`write_text(…, encoding='utf-8')`",
            )
        expect.that(
            self.file.lower().endswith((".md", ".markdown")) and len(text.split()) > 20,
            expected="the report is a Markdown file (`.md`) with some text",
            found=f"`{self.file}` with {len(text.split())} words",
        )
        return text

    def images(self) -> dict[str, bytes]:
        """The pictures that the report shows, by the address in the text; fails where one is not there."""
        below = posixpath.dirname(self.file)
        found: dict[str, bytes] = {}
        for match in IMAGE.finditer(self.text):
            if len(found) == MOST_PICTURES:
                fail(expected=f"at most {MOST_PICTURES} pictures", found=f"more of them in `{self.file}`")
            address = next(match[one] for one in ("inline", "tag", "link") if match[one])
            if address.startswith("data:image/png;base64,"):
                found[f"embedded {len(found) + 1}"] = _decoded(address.partition(",")[2])
                continue
            name = posixpath.normpath(posixpath.join(below, urllib.parse.unquote(address)))
            if name not in self.files:
                absolute = address.startswith(("/", "file:"))
                fail(
                    expected="the report shows its pictures by their paths relative to itself",
                    found=f"`{address}`, which leads to no file in the folder",
                    help="An absolute path breaks when the folder is moved: write the name of the file alone."
                    if absolute
                    else "Save the plot into `folder`, next to the report.",
                )
            found[name] = self.files[name]
        return found

    @cached_property
    def customers(self) -> Customers:
        """The segments that are described: of several numbers of them the first whose profile is in the text."""
        return self.tried[self._place_of_shown([one.profile for one in self.tried])]

    @cached_property
    def counts(self) -> pd.DataFrame | None:
        """The confusion matrix that is shown: of several ones the first whose rows are in the text."""
        return self.confusions[self._place_of_shown(self.confusions, named=True)] if self.confusions else None

    def _place_of_shown(self, tables: list[pd.DataFrame], *, named: bool = False) -> int:
        """Which of several tables is the first whose rows are in the text; the last one where none is."""
        for place, table in enumerate(tables[:-1]):
            with contextlib.suppress(CheckFailed):
                judge_rows(self.figures, table, "", "", named=named)
                return place
        return -1

    @cached_property
    def figures(self) -> markdown.Text:
        """The numbers, lines and tables of the text."""
        return markdown.read(self.text)

    @property
    def drawings(self) -> Drawings:
        """What the pictures were drawn from."""
        return Drawings(self.images(), self.saved)

    def captions(self) -> list[tuple[str, bytes]]:
        """The words beside each picture of the text, and the picture."""
        below, found = posixpath.dirname(self.file), []
        for match in itertools.islice(IMAGE.finditer(self.text), MOST_PICTURES):
            if match["inline"]:
                name = posixpath.normpath(posixpath.join(below, urllib.parse.unquote(match["inline"])))
                found.append((match["caption"], self.files.get(name, b"")))
        return found

    def given(self, function: str, name: str) -> list[Any]:
        """With which values of an argument a function of the week was called."""
        return [call["given"].get(name) for call in self._calls(function)]

    def answers(self, function: str, **given: Any) -> list[pd.DataFrame]:
        """The tables that a function of the week has answered with, where it was given these values."""
        return [
            call["answer"]
            for call in self._calls(function)
            if isinstance(call.get("answer"), pd.DataFrame) and given.items() <= call["given"].items()
        ]

    def _calls(self, function: str) -> list[dict[str, Any]]:
        return [call for call in self.calls if call.get("name") == function and isinstance(call.get("given"), dict)]


def _decoded(text: str) -> bytes:
    with contextlib.suppress(binascii.Error, ValueError):
        return base64.b64decode(text)
    return b""


def write_two(lab: LabHandle, rng: Generator) -> list[Written]:
    """Let the learner's code report on data, and then on other data with another seed.

    First in a quick way, with models that are not really trained. Where that does not work, slower.
    """
    seeds = [int(rng.integers(1, 1000)), 0]  # 0 is a seed like any other
    data = [Data(draw_sales(rng, 260, sold_twice=20), _purchases(rng), draw_measures(rng, 0.2), seed) for seed in seeds]
    with contextlib.suppress(LearnerError):
        written = [_write(lab, rng, one, f"quick {one.seed}", sketch=place > 0) for place, one in enumerate(data)]
        if None not in written:
            return [one for one in written if one is not None]
    slow = [_write(lab, rng, one, f"slow {one.seed}", untrained=False) for one in data]
    return [one for one in slow if one is not None]


def _purchases(rng: Generator) -> pd.DataFrame:
    """Purchases among which some are of that very day, some of the quarter after the next, some of new customers."""
    purchases = draw_purchases(rng, 120)
    dates, names = purchases["date"].copy(), purchases["customer_id"].to_numpy()
    places = rng.permutation(len(purchases))
    # One customer was there that very day, and nobody just before it: a mean of whole days is then no tiny number.
    just_before = ((AS_OF - dates).dt.days.between(0, 12)).to_numpy()
    dates[just_before] -= pd.Timedelta(days=14)
    dates[names == names[places[0]]] = AS_OF
    dates.iloc[places[1:30]] += pd.Timedelta(days=550)
    new = np.isin(names, rng.choice(np.setdiff1d(names, names[places[0]]), 12, replace=False))
    dates[new] = AS_OF + pd.to_timedelta(rng.integers(1, 80, new.sum()), unit="D")
    # Some come back on the last day of the next quarter only, some on the day after it.
    is_known, is_back = dates <= AS_OF, (dates > AS_OF) & (dates <= QUARTER_END)
    back = rng.permutation(np.setdiff1d(np.intersect1d(names[is_known], names[is_back]), names[places[0]]))
    for day, some in ((QUARTER_END, back[:6]), (QUARTER_END + pd.Timedelta(days=1), back[6:12])):
        dates[np.isin(names, some) & (dates > AS_OF)] = day
    return purchases.assign(date=dates)


def _write(
    lab: LabHandle, rng: Generator, data: Data, name: str, *, untrained: bool = True, sketch: bool = False
) -> Written | None:
    """One report; None where models would have to be trained for it."""
    prices = data.sales["price"].astype(float).tolist()
    options: dict[str, Any] = {"untrained": untrained, "noise": rng.normal(size=len(prices)).tolist()}
    houses = {"prices": prices, "errors": [0.3, 0.2, 0.1], **options}
    errors = (0.02 + 0.03 * rng.permutation(12)).tolist()
    flowers = {**options, "classes": species(), "errors": errors, "noise": rng.uniform(size=150).tolist()}
    with contextlib.ExitStack() as stack:
        # Who reads the files of the course gets something else than what is given.
        other = draw_sales(rng, 200)
        other[["sqft_lot", "sqft_lot15"]] += 3
        purchases = draw_purchases(rng, 60)
        stack.enter_context(feed(lab, sales=other, purchases=purchases, measures=data.measures))
        namer = expect.handle(lab.make("mlops_probes.figures:FigureNamer", sketch=sketch), "the namer")
        stack.callback(namer.stop)
        noted = expect.handle(
            lab.make("mlops_probes.prepare:Calls", [f"{lab._package}.{name}" for name in NOTED]), "the calls"
        )
        stack.callback(noted.stop)
        of_houses = stack.enter_context(recording(lab, data.sales[KEYS], **houses))
        of_flowers = stack.enter_context(recording(lab, data.measures, **flowers))
        path = f"{lab.folder}/reports/{name}"
        folder = lab.make("mlops_probes.prepare:make_folder", path)
        written = Written(path, lab.report.write_report(folder, data.sales, data.purchases, data.seed), data)
        if of_houses.attr("trouble") or of_flowers.attr("trouble"):
            return None
        built = of_houses.about(lab.house_price.build_model()).get("candidate")
        written.houses = Houses(data.sales, parts_of(events(of_houses)), built)
        calls, written.saved = noted.attr("calls"), namer.attr("saved")
        written.calls = [call for call in calls if isinstance(call, dict)] if isinstance(calls, list) else []
        _compute_again(lab, written)
    names = lab.list_files(path)
    for name in [str(name) for name in names] if isinstance(names, list) else []:
        content = lab.read_bytes(f"{path}/{name}")
        written.files[name] = content if isinstance(content, bytes) else b""
    return written


def _compute_again(lab: LabHandle, written: Written) -> None:
    """Ask the functions of the week for what the report must say."""
    data = written.data
    answers = written.answers("compare_classifiers", seed=data.seed)
    written.classifiers = expect.frame(
        answers[0] if answers else lab.iris.compare_classifiers(seed=data.seed),
        "`compare_classifiers(…)`",
        columns=("accuracy_mean", "accuracy_std"),
    )[["accuracy_mean", "accuracy_std"]]
    for model in written.given("confusion", "model")[:MOST_TRIED]:
        if isinstance(model, RemoteObject):
            written.confusions.append(expect.frame(lab.iris.confusion(model, seed=data.seed), "`confusion(…)`"))
    table = expect.frame(lab.customers.rfm(data.purchases, f"{AS_OF:%Y-%m-%d}"), "`rfm(…)`")
    ks = [k for k in written.given("segment_customers", "k") if isinstance(k, int) and 1 < k < 20]
    tried = written.answers("choose_k")
    choice = lab.customers.choose_k(table, [int(k) for k in tried[0].index] if tried else [2, 3, 4, 5])
    choice = expect.frame(choice, "`choose_k(…)`")
    for k in list(dict.fromkeys(ks or [4]))[:MOST_TRIED]:
        labels = expect.series(lab.customers.segment_customers(table, k, data.seed), "the labels")
        profile = expect.frame(lab.customers.profile_segments(table, labels), "`profile_segments(…)`")
        written.tried.append(Customers(table, labels, profile, choice))


# What the checks judge.


def judge_plots(reports: list[Written]) -> None:
    """Fail where fewer than four pictures are shown, or one is no picture."""
    for report in reports:
        judge_pictures(report.images())


def judge_houses(reports: list[Written]) -> None:
    """Fail where the figures of the house prices are not those of the sales that were given."""
    for report in reports:
        assert report.houses is not None
        judge_trained(report.houses)
        judge_counts(report.houses, report.figures)
        judge_models(report.houses, report.figures)
        what = "residuals by month, of `build_model()` from the cutoff on"
        judge_headings(report.figures, report.houses.months, what, RESIDUALS, near=0.51)


def judge_typed(reports: list[Written]) -> None:
    """Fail where a line with large numbers is the same in two reports on different data."""
    first, other = (report.figures.lines for report in reports)
    for line in sorted({*first} & {*other}):
        typed = [number.value for number in markdown.numbers_in(line) if number.value >= 1_000]
        expect.that(
            all(1990 < value < 2030 for value in typed),
            expected="other data give other figures",
            found=f"the same line in both reports: {line.strip()[:200]}",
            help="These look like typed-in numbers: a report that somebody typed is wrong the next time the data "
            "changes. Compute each figure from what the section was given.",
        )
    texts = [_sentences(report.text) for report in reports]
    for sentence in sorted({*texts[0]} & {*texts[1]}):
        for one, again in zip(*(text[sentence] for text in texts), strict=False):
            expect.that(
                one != again or one < 1_000 or 1990 < one < 2030 or one % 100 == 0,
                expected="other data give other figures",
                found=f"{one:,.6g} at the same place of both reports: {sentence.strip()[:200]}",
                help="This number looks typed-in. Compute each figure from what the section was given.",
            )


def _sentences(text: str) -> dict[str, list[float]]:
    """The numbers of each line that is none of a table, by its words."""
    lines = [line for line in markdown.PICTURE.sub(" ", text).splitlines()[: markdown.MOST_LINES] if "|" not in line]
    return {re.sub(r"\d[\d,.]*+", "#", line): [number.value for number in markdown.numbers_in(line)] for line in lines}


def judge_flowers(reports: list[Written]) -> None:
    """Fail where the classifiers are not those of `compare_classifiers`, each with its figures."""
    for report in reports:
        assert report.classifiers is not None
        _judge_seed(report, "compare_classifiers", "folds")
        judge_rows(
            report.figures,
            report.classifiers,
            "every model of the week is in the report, with its accuracy and spread",
            "Print the whole table of `compare_classifiers(seed=seed)`.",
            named=True,
        )
        _judge_seed(report, "confusion", "folds")
        expect.that(
            report.counts is not None,
            expected="the report has the confusion matrix of a classifier",
            found="`confusion` of 1.6 was not called",
        )
        assert report.counts is not None
        judge_headings(report.figures, report.counts, "the confusion matrix")
        judge_right(report.text, report.counts)


def _judge_seed(report: Written, function: str, what: str) -> None:
    seeds = [seed for seed in report.given(function, "seed") if seed != report.data.seed]
    expect.that(
        not seeds,
        expected=f"`seed` decides the {what} of `{function}`: with seed {report.data.seed}, that one is passed on",
        found=f"`{function}` was called with {expect.shown(seeds[0]) if seeds else ''}",
        help=f"`{function}(…, seed=seed)`: else `seed` changes nothing.",
    )


def judge_customers(reports: list[Written]) -> None:
    """Fail where the figures of the customers are not those of the purchases that were given."""
    for report in reports:
        one, text = report.customers, report.figures
        _judge_seed(report, "segment_customers", "starts")
        share = came_back(one.table, one.labels, report.data.purchases)
        counts = [int(size) for size in one.profile["customers"]]
        back = [int(number) for number in (share * one.labels.groupby(one.labels).size()).round()]
        in_file = report.data.purchases["customer_id"].nunique()
        together = {sum(some) for size in range(len(counts)) for some in itertools.combinations(counts, size)}
        sizes = {len(one.table), in_file, sum(back), len(one.table) - sum(back), *together, *back}
        for match in re.finditer(r"(?<![\w.,])(\d[\d,]*) customers", report.text):
            expect.that(
                int(match[1].replace(",", "")) in sizes,
                expected=f"the report is about the {len(one.table)} customers as of {AS_OF:%Y-%m-%d}",
                found=match[0],
                help="The section reports on the `purchases` that it is given, as of `AS_OF`.",
            )
        expect.that(
            len(one.choice) > 1,
            expected="numbers of segments are compared",
            found=f"`choose_k` was asked for {len(one.choice)} of them",
        )
        what = "numbers of segments are compared"
        of_what = "for `rfm` of the `purchases` that it is given, as of `AS_OF`."
        judge_rows(text, one.choice[["inertia", "silhouette"]], what, f"Print the table of `choose_k`, {of_what}")
        what = "each segment is described as `profile_segments` does"
        judge_rows(text, one.profile, what, f"Print the table of `profile_segments`, {of_what}")
        tested = share.to_frame("share that bought in the next quarter")
        help_text = (
            f"Who bought after {AS_OF:%Y-%m-%d} and up to the end of the next quarter, 1998-06-30? A mean of True and "
            "False is a share: of all customers in the segment. Does each answer stand beside its own customer (index)?"
        )
        judge_rows(text, tested, "the segments are tested on what came next", help_text)


def judge_drawings(reports: list[Written]) -> None:
    """Fail where a plot shows something else than what it must."""
    for report in reports:
        assert report.houses is not None
        houses, drawings = report.houses, report.drawings
        judge_trained(houses)
        late = "what `build_model()`, trained on the sales before the cutoff, says of those from it on"
        help_text = "Mind the order: actual, then predicted; of the sales that the model was not trained on."
        drawings.judge(
            "predicted_against_actual",
            houses.pairs,
            ["actual", "predicted"],
            f"predicted against actual: {late}",
            help_text,
        )
        keys, help_text = list(houses.months.columns), f"{help_text} Actual minus predicted."
        drawings.judge("residuals_by_month", houses.months, keys, f"residuals by month: {late}", help_text)
        if report.counts is not None:
            help_text = "Draw what `confusion(model, seed=seed)` returns."
            drawings.judge(
                "confusion_matrix", report.counts, list(report.counts.columns), "the confusion matrix", help_text
            )
        customers = report.customers.table[["recency_days", "monetary"]].assign(segment=report.customers.labels)
        help_text = "Draw the table of `rfm` with the labels of `segment_customers(…, seed=seed)`."
        drawings.judge("segments", customers, ["recency_days", "monetary", "segment"], "the segments", help_text)
        for caption, content in report.captions():
            drawings.judge_caption(caption, content)
    _judge_same(reports)


def _judge_same(reports: list[Written]) -> None:
    """Fail where a picture is the same for other data."""
    first, other = (set(report.drawings.shown) for report in reports)
    same = first & other
    one, again = (report.counts for report in reports)
    # Few flowers are named wrongly, and by chance the same ones.
    alike = one is not None and again is not None and one.equals(again)
    expect.that(
        len(same) <= alike,
        expected="other data give other plots",
        found=f"{len(same)} pictures are the same",
        help="Draw each plot from what the functions of this week return.",
    )
