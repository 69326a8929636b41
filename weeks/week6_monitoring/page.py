"""One HTML page with plots and tables that needs no network: for a machine without Grafana."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from html import escape
from io import BytesIO
from pathlib import Path

import pandas as pd

from mlops_lab.files import write_atomically
from mlops_lab.plots import BLUE, SEGMENT_COLOURS

# What a unit of Grafana is called on an axis.
UNITS = {
    "reqps": "requests per second", "percentunit": "share", "s": "seconds", "cps": "houses per second",
    "currencyUSD": "USD", "short": "PSI",
}  # fmt: skip
MOST_LINES = 6

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #222; background: #fff; max-width: 1120px; margin: 2em auto;
  padding: 0 1em }
h1 { margin-bottom: 0 } h2 { margin: 2em 0 .3em } .said { color: #555; margin: .2em 0 1em }
.panels { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(460px, 100%), 1fr)); gap: 1em 1.5em }
figure { margin: 0 } figcaption b { display: block } figcaption { color: #555; font-size: 14px }
img { width: 100%; height: auto } .nothing { padding: 3em 1em; text-align: center; background: #f4f4f4; color: #555 }
.wide { overflow-x: auto } table { border-collapse: collapse; font-variant-numeric: tabular-nums }
th, td { text-align: right; padding: .25em .8em; border-bottom: 1px solid #ddd; white-space: nowrap }
th:first-child, td:first-child { text-align: left } th { color: #555; font-weight: 600 }
"""


@dataclass(frozen=True)
class Panel:
    """One question, and its answer over time: a column for each line, with its name."""

    title: str
    question: str
    unit: str
    lines: pd.DataFrame

    def newest(self) -> str:
        """The last values, as text."""
        known = self.lines.ffill().tail(1)
        return ", ".join(f"{name or 'all'} {float(known[name].iloc[0]):.3g}" for name in known)


@dataclass(frozen=True)
class Page:
    """What is shown: panels first, then tables."""

    title: str
    said: str
    panels: list[Panel] = field(default_factory=list)
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)

    def html(self) -> str:
        """The whole page."""
        figures = "\n".join(map(_figure, self.panels))
        tables = "\n".join(f"<h2>{escape(title)}</h2>{_table(table)}" for title, table in self.tables.items())
        return (
            f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{escape(self.title)}</title>\n'
            f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<style>{STYLE}</style>\n</head>\n'
            f'<body>\n<h1>{escape(self.title)}</h1>\n<p class="said">{escape(self.said)}</p>\n'
            f'<div class="panels">\n{figures}\n</div>\n{tables}\n</body>\n</html>\n'
        )

    def write(self, path: Path) -> Path:
        """Write the page to a file; its folder is made."""
        path.parent.mkdir(parents=True, exist_ok=True)
        return write_atomically(path, self.html())


def _table(table: pd.DataFrame) -> str:
    if table.empty:
        return '<p class="said">none</p>'
    return f'<div class="wide">{table.to_html(index=False, border=0, na_rep="")}</div>'


def _figure(panel: Panel) -> str:
    caption = f"<figcaption><b>{escape(panel.title)}</b>{escape(panel.question)}</figcaption>"
    if panel.lines.empty:
        return f'<figure>{caption}<div class="nothing">no data</div></figure>'
    source = base64.b64encode(_svg(panel)).decode()
    what = escape(f"{panel.title}: at the end {panel.newest()}", quote=True)
    return f'<figure>{caption}<img alt="{what}" src="data:image/svg+xml;base64,{source}"></figure>'


def _svg(panel: Panel) -> bytes:
    import matplotlib as mpl
    from matplotlib.dates import ConciseDateFormatter
    from matplotlib.figure import Figure

    # The lines that end the highest are named. Too many names hide what they name.
    order = panel.lines.ffill().iloc[-1].sort_values(ascending=False).index
    figure = Figure(figsize=(6.2, 2.7), layout="constrained")
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    colours = [BLUE, *(colour for colour in SEGMENT_COLOURS if colour != BLUE)]
    for place, name in enumerate(order):
        named = place < MOST_LINES
        colour = colours[place % len(colours)] if named else "#bbbbbb"
        label = (name or None) if named else "_nolegend_"
        alone = "o" if panel.lines[name].notna().sum() == 1 else ""
        axes.plot(panel.lines.index, panel.lines[name], color=colour, label=label, linewidth=1.6, marker=alone)
    axes.set_ylabel(UNITS.get(panel.unit, panel.unit))
    if panel.lines.min().min() >= 0:
        axes.set_ylim(0, 1.08 * panel.lines.max().max() or 1)
    if isinstance(panel.lines.index, pd.DatetimeIndex):
        axes.xaxis.set_major_formatter(ConciseDateFormatter(axes.xaxis.get_major_locator()))  # type: ignore[no-untyped-call]
    else:
        axes.tick_params(axis="x", rotation=45)
    if len(order) > 1 or order[0]:
        axes.legend(frameon=False, fontsize="small", loc="upper left", bbox_to_anchor=(1, 1))
    file = BytesIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": panel.title}):
        figure.savefig(file, format="svg", metadata={"Date": None})
    return file.getvalue()
