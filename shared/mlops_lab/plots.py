"""The figures of the labs. Each function returns a `Plot`: the figure, and the frame that it was drawn from.

The figures use no global state of matplotlib (no pyplot), so they work in a server, a test or a thread. Tests compare
`plot.data`, not pixels. Colours are those of Okabe and Ito (2008), which colour-blind readers can tell apart; where
colour carries meaning, the shape or a number says it too.
"""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from mlops_lab.files import write_atomically

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, ORANGE, GREEN, RED, PURPLE, SKY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9"
SEGMENT_COLOURS = (SKY, BLUE, ORANGE, RED, GREEN, PURPLE)
SEGMENT_MARKERS = ("o", "s", "^", "D", "v", "P")
# More points than this hide each other: a figure shows a fixed sample of them.
MOST_POINTS = 2_000


@dataclass(frozen=True, repr=False, eq=False)
class Plot:
    """A figure and the frame that it was drawn from. Shown as the picture in a notebook."""

    figure: Figure
    data: pd.DataFrame

    def __repr__(self) -> str:
        return f"Plot(data={len(self.data)} rows of {', '.join(map(str, self.data.columns))})"

    def _repr_png_(self) -> bytes:
        return to_png(self)


def predicted_against_actual(actual: pd.Series, predicted: pd.Series) -> Plot:
    """Predicted against actual price, both in USD, on logarithmic axes; on the line, both are the same.

    `data` has the columns `actual` and `predicted`, at most 2,000 rows of what was given (a fixed sample).
    """
    import pandas as pd

    data = _sample(pd.DataFrame({"actual": actual, "predicted": predicted}))
    axes = _axes("Predicted against actual price")
    ends = [data.min().min(), data.max().max()]
    axes.plot(ends, ends, color="black", linewidth=1, label="predicted = actual")
    axes.scatter(data["actual"], data["predicted"], s=8, alpha=0.4, color=BLUE, linewidths=0)
    axes.set(xscale="log", yscale="log", xlabel="actual price (USD)", ylabel="predicted price (USD)")
    axes.legend(frameon=False)
    return _plot(axes, data)


def residuals_by_month(dates: pd.Series, actual: pd.Series, predicted: pd.Series) -> Plot:
    """What was left to explain (actual minus predicted, USD) in each month of sale.

    `data` has one row per month (index `month`, like `2015-01`): `sales`, `median`, `lower_quartile`,
    `upper_quartile` of the residuals, and `mae`. A median above 0 means that the model asks too little.
    """
    import pandas as pd

    residuals = pd.DataFrame({"month": dates.dt.strftime("%Y-%m"), "residual": actual - predicted})
    groups = residuals.groupby("month")["residual"]
    data = pd.DataFrame(
        {
            "sales": groups.size(),
            "median": groups.median(),
            "lower_quartile": groups.quantile(0.25),
            "upper_quartile": groups.quantile(0.75),
            "mae": residuals["residual"].abs().groupby(residuals["month"]).mean(),
        }
    )
    axes = _axes("Residuals by month of sale")
    months = range(len(data))
    axes.axhline(0, color="black", linewidth=1)
    axes.vlines(months, data["lower_quartile"], data["upper_quartile"], color=SKY, linewidth=10, label="middle half")
    axes.plot(months, data["median"], color=RED, marker="o", label="median")
    axes.set_xticks(list(months), [str(month) for month in data.index])
    axes.set(xlabel="month", ylabel="actual minus predicted price (USD)")
    axes.legend(frameon=False, loc="upper left")
    return _plot(axes, data)


def confusion_matrix(counts: pd.DataFrame) -> Plot:
    """A confusion matrix: rows are the true classes, columns the predicted ones. `data` is a copy of `counts`."""
    data = counts.copy()
    axes = _axes("Confusion matrix")
    values = data.to_numpy()
    axes.imshow(values, cmap="cividis")
    middle = (values.min() + values.max()) / 2
    for row, line in enumerate(values):
        for column, value in enumerate(line):
            colour = "white" if value < middle else "black"
            axes.text(column, row, str(value), ha="center", va="center", color=colour)
    axes.set_xticks(range(len(data.columns)), [str(name) for name in data.columns])
    axes.set_yticks(range(len(data.index)), [str(name) for name in data.index])
    axes.set(xlabel="predicted", ylabel="true")
    return _plot(axes, data)


def segments(rfm_table: pd.DataFrame, labels: pd.Series) -> Plot:
    """Customers by recency (days) and money spent (USD, logarithmic), one colour and shape per segment.

    `data` has the columns `recency_days`, `monetary` and `segment`, at most 2,000 rows (a fixed sample).
    """
    data = _sample(rfm_table[["recency_days", "monetary"]].assign(segment=labels))
    axes = _axes("Customer segments")
    for number, (segment, members) in enumerate(data.groupby("segment")):
        axes.scatter(
            members["recency_days"],
            members["monetary"] + 1,  # a logarithmic axis has no 0
            s=10,
            alpha=0.6,
            linewidths=0,
            color=SEGMENT_COLOURS[number % len(SEGMENT_COLOURS)],
            marker=SEGMENT_MARKERS[number % len(SEGMENT_MARKERS)],
            label=f"segment {segment}",
        )
    axes.set(yscale="log", xlabel="days since the last purchase", ylabel="spent in all + 1 (USD)")
    axes.legend(frameon=False)
    return _plot(axes, data)


def to_png(plot: Plot) -> bytes:
    """The picture as PNG. The same plot gives the same bytes with the same matplotlib: no date, no version inside."""
    buffer = BytesIO()
    plot.figure.savefig(buffer, format="png", dpi=100, metadata={"Software": None})
    return buffer.getvalue()


def save_png(plot: Plot, path: str | Path) -> Path:
    """Write the picture to `path` in one step (folders are made), and return the path."""
    return write_atomically(path, to_png(plot))


def _sample(data: pd.DataFrame) -> pd.DataFrame:
    return data if len(data) <= MOST_POINTS else data.sample(MOST_POINTS, random_state=0)


def _axes(title: str) -> Axes:
    from matplotlib.figure import Figure

    axes = Figure(figsize=(6.4, 4.8), layout="constrained").add_subplot()
    axes.set_title(title)
    return axes


def _plot(axes: Axes, data: pd.DataFrame) -> Plot:
    from matplotlib.figure import Figure

    figure = axes.figure
    assert isinstance(figure, Figure)
    return Plot(figure, data)
