"""Judges the report (1.9): written three times on different data, it must follow the data."""

from __future__ import annotations

import base64
import binascii
import contextlib
import posixpath
import re
import struct
import urllib.parse
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

import pandas as pd

from lab1_judges.flowers import feed
from lab1_judges.recording import recording
from lab1_judges.samples import KEYS, Generator, draw_measures, draw_purchases, draw_sales, species
from labkit.checks import LabHandle, LearnerError, RemoteObject, expect, fail

# Each piece is possessive (`++`) and ends before the sign with which another picture may begin: no text is read often.
IMAGE = re.compile(
    r"!\[[^\[\]]*+\]\(\s*+<?+(?P<inline>[^()<>\s]++)(?:>?+[^()]*+\))?+"
    r"|<img\b[^<>]*?\ssrc\s*+=\s*+[\"'](?P<tag>[^\"'<]++)"
    r"|^[ ]{0,3}+\[[^\[\]\n]++\]:[ \t]*+<?+(?P<link>[^\s>]+\.png)>?+",
    re.MULTILINE | re.IGNORECASE,
)
MOST_BYTES = 8 * 2**20  # of the Markdown, in which pictures may be embedded
MOST_PICTURES = 200
NUMBER = re.compile(r"(?<![\w.])\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?", re.IGNORECASE)
PLOTS = "predicted against actual, residuals by month, confusion matrix, segments"
PARTS = {
    "house prices": ("A",),
    "customers": ("A", "B"),
    "flowers": ("B",),
}


@dataclass(frozen=True)
class Data:
    """What one report is about."""

    sales: pd.DataFrame
    purchases: pd.DataFrame
    measures: pd.DataFrame
    errors: list[float]


@dataclass
class Written:
    """One report: what `write_report` returned, and the files in its folder."""

    folder: str
    answer: Any
    files: dict[str, bytes] = field(default_factory=dict)
    models: list[str] = field(default_factory=list)

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
            address = next(group for group in match.groups() if group)
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

    def numbers(self) -> set[float]:
        """The numbers in the text."""
        text = IMAGE.sub(" ", self.text)
        return {float(match.group().replace(",", "")) for match in NUMBER.finditer(text)}


def _decoded(text: str) -> bytes:
    with contextlib.suppress(binascii.Error, ValueError):
        return base64.b64decode(text)
    return b""


def write_three(lab: LabHandle, rng: Generator) -> dict[str, Written]:
    """Let the learner's code report on data, and twice more on data of which two thirds are different.

    A has other prices and other purchases, B other purchases and other flowers. First in a quick way: on small samples,
    with models that are not really trained and pictures that are not really drawn. Where that does not work, slower.
    """
    try:
        written = _write_three(lab, rng, "small", untrained=True, sketch=True)
        if written and same_pictures(written):
            written = _write_three(lab, rng, "drawn", untrained=True, sketch=False)
    except LearnerError:
        written = {}
    if not written:
        with contextlib.suppress(LearnerError):
            # A report may work on a sample of some thousand rows.
            written = _write_three(lab, rng, "large", rows=6_000, customers=6_000, untrained=True)
    return written or _write_three(lab, rng, "trained", untrained=False)


def _write_three(
    lab: LabHandle,
    rng: Generator,
    name: str,
    *,
    rows: int = 260,
    customers: int = 120,
    untrained: bool,
    sketch: bool = False,
) -> dict[str, Written]:
    sales, purchases = draw_sales(rng, rows, sold_twice=20), draw_purchases(rng, customers)
    flowers = draw_measures(rng), draw_measures(rng, noise=0.4)
    dearer = sales.assign(price=(sales["price"] * 1.3 * rng.lognormal(0, 0.3, len(sales))).round().astype(int))
    spent = purchases["dollar_value"] * rng.lognormal(0.4, 0.6, len(purchases))
    richer = purchases.assign(dollar_value=spent.round(2))
    data = {
        "base": Data(sales, purchases, flowers[0], [0.11, 0.07, 0.05, 0.09]),
        "A": Data(dearer, richer, flowers[0], [0.11, 0.07, 0.05, 0.09]),
        "B": Data(sales, richer, flowers[1], [0.23, 0.31, 0.27, 0.19]),
    }
    noise = rng.normal(size=rows).tolist(), rng.uniform(size=150).tolist()
    written = {}
    for which, one in data.items():
        with contextlib.ExitStack() as stack:
            stack.enter_context(feed(lab, sales=one.sales, purchases=one.purchases, measures=one.measures))
            recorders = []
            if untrained:
                prices = one.sales["price"].astype(float).tolist()
                houses = {"prices": prices, "noise": noise[0], "errors": [0.3, 0.2, 0.1]}
                kinds = {"classes": species(), "noise": noise[1], "errors": one.errors}
                recorders = [
                    stack.enter_context(recording(lab, keys, untrained=True, **options))
                    for keys, options in ((one.sales[KEYS], houses), (one.measures, kinds))
                ]
            if sketch:
                namer = lab.make("mlops_probes.figures:FigureNamer", sketch=which != "base")
                stack.callback(namer.stop)
            names = _spy(lab) if which == "base" else None
            written[which] = _write(lab, f"{lab.folder}/reports of {name} data/{which}")
            if names is not None:
                written[which].models = _names(names.attr("names")) or _models(lab)
                stack.callback(names.stop)
            if any(recorder.attr("trouble") for recorder in recorders):
                return {}
    return written


def _write(lab: LabHandle, path: str) -> Written:
    folder = lab.make("mlops_probes.prepare:make_folder", path)
    answer = lab.report.write_report(folder)
    written = Written(path, answer)
    names = lab.list_files(path)
    for name in [str(name) for name in names] if isinstance(names, list) else []:
        content = lab.read_bytes(f"{path}/{name}")
        written.files[name] = content if isinstance(content, bytes) else b""
    return written


def _spy(lab: LabHandle) -> RemoteObject | None:
    """Notes which models `compare_classifiers` compares when the report calls it."""
    with contextlib.suppress(LearnerError):
        spy = lab.make("mlops_probes.prepare:IndexNames", f"{lab._package}.iris:compare_classifiers")
        return spy if isinstance(spy, RemoteObject) else None
    return None


def _models(lab: LabHandle) -> list[str]:
    """The models that 1.5 compares, by name."""
    with contextlib.suppress(LearnerError):
        table = lab.iris.compare_classifiers()
        return _names(list(table.index)) if isinstance(table, pd.DataFrame) else []
    return []


def _names(found: Any) -> list[str]:
    return [str(name) for name in found] if isinstance(found, list) else []


def judge_plots(report: Written) -> None:
    """Fail where fewer than four pictures are shown, or one is no picture."""
    images = report.images()
    expect.that(
        len(images) >= 4,
        expected=f"the report shows four plots: {PLOTS}",
        found=f"{len(images)} pictures: {', '.join(images)}" if images else "no picture",
        help="Save each plot into `folder` and show it: `![what it shows](name.png)`.",
    )
    for name, content in images.items():
        problem = png_problem(content)
        expect.that(not problem, expected=f"`{name}` is a plot, as PNG", found=problem)


def png_problem(content: bytes) -> str:
    """What is wrong with a PNG: not one, broken, tiny, or blank. Empty where nothing is."""
    if content[:8] != b"\x89PNG\r\n\x1a\n":
        return f"{len(content)} bytes that are no PNG"
    pixels, size = b"", (0, 0)
    for kind, part in chunks(content):
        size = struct.unpack(">II", part[:8]) if kind == b"IHDR" and len(part) >= 8 else size
        pixels += part if kind == b"IDAT" else b""
    try:
        data = zlib.decompressobj().decompress(pixels, 64 * 2**20)
    except zlib.error:
        return "a damaged PNG"
    if min(size) < 100:
        return f"a picture of {size[0]} × {size[1]} pixels"
    width = len(data) // size[1]
    lines = {data[start + 1 : start + width] for start in range(0, len(data) - width + 1, width)} if width else set()
    return "" if len(lines) > 20 else "a blank picture"


def drawn_from(content: bytes) -> bytes:
    """What a picture of matplotlib was drawn from, else the picture itself."""
    for kind, part in chunks(content):
        if kind == b"tEXt" and part.startswith(b"Drawn-From\0"):
            return part
    return content


def chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The parts of a PNG: kind and content."""
    place = 8
    while place + 12 <= len(content):
        length, kind = struct.unpack(">I4s", content[place : place + 8])
        yield kind, content[place + 8 : place + 8 + length]
        place += 12 + length


def judge_models(report: Written) -> None:
    """Fail where a model of the week is not in the report."""
    text = _plain(report.text)
    expect.that(
        report.models,
        expected="`compare_classifiers()` of 1.5 works: the report compares all models of the week",
        found="it does not",
    )
    missing = [name for name in report.models if _plain(name) not in text]
    expect.that(
        not missing,
        expected=f"every model of the week is in the report, the classifiers among them: {', '.join(report.models)}",
        found=f"nothing about {', '.join(missing)}",
        help="Print the whole table of `compare_classifiers`.",
    )
    words = {
        "the error of the house price model (RMSE or MAE)": ("rmse", "mae", "error"),
        "the segments": ("segment", "cluster"),
    }
    for what, any_of in words.items():
        expect.that(
            any(word in text for word in any_of), expected=f"the report says something about {what}", found="no word"
        )


def _plain(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.lower())


def judge_figures(reports: dict[str, Written], part: str) -> None:
    """Fail where the numbers of one part of the report are the same for other data."""
    changed = PARTS[part]
    others = [report.numbers() for name, report in reports.items() if name not in changed]
    new = set.intersection(*(reports[name].numbers() for name in changed)) - set().union(*others)
    expect.that(
        len(new) >= 2,
        expected=f"other data about {part} give other figures in the report",
        found="the figures are the same" if not new else f"one figure is another: {new.pop():g}",
        help="These look like typed-in numbers: a report that somebody typed is wrong the next time the data changes. "
        "Compute each figure from what `load_house_sales()`, `load_purchases()` and the functions of this week return.",
    )


def judge_pictures(reports: dict[str, Written]) -> None:
    """Fail where a picture is the same for other data."""
    shown = reports["base"].images()
    same = [name for name in same_pictures(reports) if name in shown]
    expect.that(
        len(shown) - len(same) >= 4,
        expected=f"other data give other plots: {PLOTS}",
        found=f"the same picture in {', '.join(same)}" if same else f"{len(shown)} pictures in all",
        help="Draw each plot from what the functions of this week return.",
    )


def same_pictures(reports: dict[str, Written]) -> list[str]:
    """The PNG files that are the same in all three reports."""
    base, *others = (
        {name: drawn_from(content) for name, content in report.files.items()} for report in reports.values()
    )
    pictures = [name for name in base if name.lower().endswith(".png")]
    return [name for name in pictures if all(other.get(name) == base[name] for other in others)]
