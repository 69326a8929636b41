"""What the demo shows at its end: the table, what it says, and one page that needs no network."""

from __future__ import annotations

import html
import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops_lab.files import write_atomically
from mlops_lab.plots import BLUE, ORANGE, RED, SKY
from weeks.demo.year import Month, Year, said, usd

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

HEAD = ("month", "houses", "version", "drifted", "PSI", "error", "bias", "diagnosis", "version 1")


def rows(year: Year) -> list[list[str]]:
    """The cells of the table."""
    return [
        [
            str(one.month), f"{one.houses:,}", one.version, str(one.drifted), f"{one.psi:.2f}",
            number(one.mae), "-" if one.bias is None else f"{one.bias:+.3f}", one.verdict or "-", number(one.untouched),
        ]
        for one in year.months
    ]  # fmt: skip


def number(value: float | None) -> str:
    """`70,817`, or a dash."""
    return "-" if value is None else f"{value:,.0f}"


def table(year: Year) -> list[str]:
    """The table as lines of text; numbers stand at the right of their columns."""
    cells = [list(HEAD), *rows(year)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(HEAD))]
    left = {0, 7}
    return [
        "  ".join(
            f"{cell:<{width}}" if place in left else f"{cell:>{width}}"
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    ]


def conclusions(year: Year) -> list[str]:
    """What the year says, in figures."""
    judged = [one for one in year.months if one.mae is not None and one.untouched is not None]
    sentences = []
    first = judged[0].version if judged else ""
    before, after = [one for one in judged if one.version == first], [one for one in judged if one.version != first]
    if before and after:
        sentences.append(
            f"Error: {usd(mean(before))} with version {first}, {usd(mean(after))} after the first retraining; these "
            f"months would have had {usd(mean(after, untouched=True))} without it. Promised was {usd(year.tested)}."
        )
    concept = [one for one in judged if one.verdict == "concept"]
    if concept:
        refused = [str(one.version) for one in year.swaps if one.reason == "concept" and not one.promoted]
        sentences.append(
            f"What is left is another market: the houses are the same, and {math.expm1(-worst(concept)):+.1%} is paid. "
            "The model knows no date, so newer sales alone help it little"
            f"{': the gate has refused version ' + ', '.join(refused) if refused else ''}."
        )
    return sentences


def mean(months: Sequence[Month], *, untouched: bool = False) -> float:
    """The mean error of all houses of some months."""
    errors = [(one.untouched if untouched else one.mae) or 0.0 for one in months]
    return sum(error * one.houses for error, one in zip(errors, months, strict=True)) / sum(
        one.houses for one in months
    )


def worst(months: Sequence[Month]) -> float:
    """The bias that is farthest from 0."""
    return max((one.bias or 0.0 for one in months), key=abs)


def write(
    path: Path,
    year: Year,
    sentences: Sequence[tuple[pd.Timestamp, str]],
    owners: Sequence[Sequence[str]],
    seconds: float,
) -> Path:
    """Write the page; return its path."""
    return write_atomically(path, document(year, sentences, owners, seconds))


def document(
    year: Year, sentences: Sequence[tuple[pd.Timestamp, str]], owners: Sequence[Sequence[str]], seconds: float
) -> str:
    """The page as text: everything is in it."""
    parts = [
        "<h1>A year of house sales, played through all that the labs build</h1>",
        *(f"<p>{html.escape(one)}</p>" for one in conclusions(year)),
        figure(errors(year), "What the service was wrong by, and what the first version would have been wrong by"),
        figure(drift(year), "The largest PSI of a feature, and the bias of the prices"),
        html_table(HEAD, rows(year)),
        "<h2>Who said what, and when</h2>",
        diary(sentences),
        *(part for swap in year.swaps for part in gate(swap)),
    ]
    if year.messages:
        parts += ["<h2>What arrived at the webhook</h2>", f"<pre>{html.escape(chr(10).join(year.messages))}</pre>"]
    if year.alarms:
        parts.append(f"<p>No alerts: {html.escape(year.alarms)}.</p>")
    counted = ", ".join(f"{count:,} with status {status}" for status, count in sorted(year.requests.items()))
    parts.append(f"<p>The service has counted these requests: {counted}.</p>")
    if owners:
        parts += ["<h2>Whose code it was</h2>", html_table(("lab", "yours", "solution"), owners)]
    parts.append(f"<p class=small>Made by <code>make demo</code> in {seconds:.0f} s. Data: house sales in King County, "
                 "2014-05 to 2015-05 (CC0).</p>")  # fmt: skip
    return TEMPLATE.replace("{body}", "\n".join(parts))


def html_table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A table; cells that are numbers stand at the right."""

    def cell(text: str, tag: str) -> str:
        is_number = text.replace(",", "").replace(".", "").strip("+-").isdigit()
        return f"<{tag}{' class=n' if is_number else ''}>{html.escape(text)}</{tag}>"

    body = "\n".join("<tr>" + "".join(cell(text, "td") for text in line) + "</tr>" for line in lines)
    return f"<table><tr>{''.join(cell(text, 'th') for text in head)}</tr>\n{body}</table>"


def diary(sentences: Sequence[tuple[pd.Timestamp, str]]) -> str:
    """The sentences by day."""
    days = dict.fromkeys(day for day, _ in sentences)
    parts = []
    for day in days:
        told = " ".join(f"<p>{html.escape(text)}</p>" for other, text in sentences if other == day)
        parts.append(f"<dt>{day:%Y-%m-%d}</dt><dd>{told}</dd>")
    return f"<dl>{''.join(parts)}</dl>"


def gate(swap: Any) -> list[str]:
    """A version before the gate, and the swap as callers saw it."""
    verdict = "promoted" if swap.promoted else "refused"
    head = f"<h2>Version {swap.version}, made of the sales before {swap.month}: {verdict}</h2>"
    rules = f"<p>{html.escape('; '.join(said(one) for one in swap.rules))}</p>"
    drawn = [figure(callers(swap), "Who answered, second by second after the alias was moved")] if swap.promoted else []
    return [head, rules, *drawn]


def figure(drawing: Figure, words: str) -> str:
    """A drawing inside of the page."""
    buffer = io.StringIO()
    drawing.savefig(buffer, format="svg", metadata={"Date": None})
    svg = buffer.getvalue()
    words = html.escape(words)
    drawn = svg[svg.index("<svg") :]
    return f'<figure role="img" aria-label="{words}">{drawn}<figcaption>{words}</figcaption></figure>'


def blank(columns: int = 1, height: float = 3.2) -> tuple[Figure, list[Any]]:
    """A figure with empty axes side by side."""
    from matplotlib.figure import Figure

    drawing = Figure(figsize=(8.4, height), layout="constrained")
    axes = drawing.subplots(1, columns, squeeze=False)[0].tolist()
    for one in axes:
        one.spines[["top", "right"]].set_visible(False)
    return drawing, axes


def errors(year: Year) -> Figure:
    """The error by month, with and without retraining."""
    drawing, (axes,) = blank()
    judged = [one for one in year.months if one.mae is not None]
    months = [str(one.month) for one in judged]
    untouched = [(one.untouched or 0) / 1_000 for one in judged]
    axes.plot(months, untouched, color=SKY, marker="o", linestyle="--", label="without retraining")
    axes.plot(months, [(one.mae or 0) / 1_000 for one in judged], color=BLUE, marker="s", label="as served")
    for one, month in zip(judged, months, strict=True):
        axes.annotate(
            f"v{one.version}", (month, (one.mae or 0) / 1_000), (0, -16), textcoords="offset points", ha="center"
        )
    axes.axhline(year.tested / 1_000, color="#444444", linewidth=0.8, linestyle=":")
    axes.text(len(months) - 0.6, year.tested / 1_000, "promised", va="bottom", ha="right")
    axes.set(ylabel="mean error, thousand USD", ylim=(0, None))
    axes.legend(frameon=False, loc="lower left")
    return drawing


def drift(year: Year) -> Figure:
    """PSI and bias by month."""
    drawing, (left, right) = blank(2, 2.8)
    left.bar([str(one.month) for one in year.months], [one.psi for one in year.months], color=ORANGE, width=0.5)
    left.axhline(0.2, color="#444444", linewidth=0.8, linestyle=":")
    left.set(title="largest PSI: other houses?", ylim=(0, None))
    judged = [one for one in year.months if one.bias is not None]
    right.plot([str(one.month) for one in judged], [one.bias for one in judged], color=RED, marker="o")
    right.axhline(0, color="#444444", linewidth=0.8)
    right.set(title="bias, log price: another market?")
    for axes in (left, right):
        axes.tick_params(axis="x", rotation=30)
    return drawing


def callers(swap: Any) -> Figure:
    """Which version answered when."""
    drawing, (axes,) = blank(height=1.6)
    versions = sorted({one for _, one in swap.answers if one is not None}, key=int)
    for place, version in enumerate(versions):
        when = [second for second, one in swap.answers if one == version]
        axes.plot(when, [place] * len(when), "|", color=(SKY, BLUE)[place % 2], markersize=14)
    lost = [second for second, one in swap.answers if one is None]
    axes.plot(lost, [-1] * len(lost), "x", color=RED)
    axes.axvline(0, color="#444444", linewidth=0.8, linestyle=":")
    axes.set_yticks(range(len(versions)), [f"version {one}" for one in versions])
    axes.set(xlabel="seconds after the gate has moved the alias", ylim=(-1.5 if lost else -0.6, len(versions) - 0.4))
    return drawing


TEMPLATE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>A year of house sales</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 56rem; margin: 2rem auto; padding: 0 1rem;
  color: #222; background: #fff }
h1 { font-size: 1.6rem; line-height: 1.25 } h2 { font-size: 1.15rem; margin-top: 2rem }
figure { margin: 1.5rem 0 } figure svg { width: 100%; height: auto } figcaption { color: #666; font-size: .9rem }
table { border-collapse: collapse; font-size: .9rem; display: block; overflow-x: auto }
th, td { padding: .25rem .6rem; text-align: left; border-bottom: 1px solid #ddd; white-space: nowrap }
.n { text-align: right; font-variant-numeric: tabular-nums }
dl { display: grid; grid-template-columns: 6.5rem 1fr; gap: .25rem 1rem } dd { margin: 0 } dd p { margin: 0 0 .3rem }
dt { font-variant-numeric: tabular-nums; color: #666 }
pre { background: #f5f5f5; padding: .7rem; overflow-x: auto; font-size: .85rem }
.small { color: #666; font-size: .85rem }
</style></head>
<body>
{body}
</body></html>
"""
