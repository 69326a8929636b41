"""The pictures of the guide of week 5, drawn from its figures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from mlops_lab.plots import BLUE, ORANGE, RED, Plot, save_png
from weeks.guide_figures import Figures, number

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


def draw(figures: Figures, folder: Path) -> list[Path]:
    """Draw all pictures into `folder` and return their paths."""
    return [
        save_png(sales_per_day(figures), folder / "sales_per_day.png"),
        save_png(seconds_by_rows(figures), folder / "seconds_by_rows.png"),
        save_png(flow_by_rows(figures), folder / "flow_by_rows.png"),
    ]


def sales_per_day(figures: Figures) -> Plot:
    """Sales per day of each month, and the band that the month before it allows."""
    import pandas as pd
    from matplotlib.figure import Figure

    rates, months = figures["sales_per_day"], str(figures["months"]).split()
    assert isinstance(rates, list)
    figure = Figure(figsize=(6.4, 3.2), layout="constrained")
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    places = range(len(rates))
    axes.bar(places, rates, color=[BLUE] * (len(rates) - 1) + [RED], width=0.7)
    for place, before in zip(places[1:], rates, strict=False):
        axes.plot([place, place], [before / 2, before * 2], color="black", linewidth=1, marker="_")
    axes.set_xticks(places, [month[2:] for month in months], rotation=45)
    axes.set(ylabel="sales per day", ylim=(0, 1.7 * max(rates)))
    figure.suptitle("Each month but the last is from half to double the month before", fontsize="large")
    return Plot(figure, pd.DataFrame({"sales per day": rates}, index=months))


def seconds_by_rows(figures: Figures) -> Plot:
    """Seconds of the processor that the contract takes by the number of rows, both on logarithmic axes."""
    import pandas as pd

    names = {
        "polars": ("Polars", BLUE),
        "pandas": ("Pandera on pandas", RED),
        "great_expectations": ("Great Expectations", ORANGE),
    }
    sizes = [100_000, 1_000_000, 10_000_000]
    seconds = pd.DataFrame(
        {name: [number(figures, f"{name}_{size}_cpu_s") for size in sizes] for name in names}, index=sizes
    )
    figure = _by_rows(seconds, names, xlabel="rows", ylabel="seconds of the processor")
    figure.suptitle("Ten times the rows take the contract about ten times as long", fontsize="large")
    return Plot(figure, seconds)


def flow_by_rows(figures: Figures) -> Plot:
    """Seconds of the flow by the rows of the month, the first time and again, both on logarithmic axes."""
    import pandas as pd

    names = {"first": ("the first run", RED), "again": ("the same month again", BLUE)}
    rows = figures["flow_rows"]
    assert isinstance(rows, list)
    seconds = pd.DataFrame({name: figures[f"flow_{name}"] for name in names}, index=rows)
    figure = _by_rows(seconds, names, xlabel="rows of the month", ylabel="seconds")
    figure.axes[0].yaxis.set_minor_formatter("{x:g}")  # less than ten times from bottom to top
    figure.suptitle("What was computed is not computed again", fontsize="large")
    return Plot(figure, seconds)


def _by_rows(seconds: pd.DataFrame, names: Mapping[str, tuple[str, str]], **titles: str) -> Figure:
    """A line for each column, with its label and colour, by the rows in the index; both axes are logarithmic."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 3.4), layout="constrained")
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    for name, (label, colour) in names.items():
        axes.plot(seconds.index, seconds[name], color=colour, marker="o", label=label)
    axes.legend(frameon=False)
    axes.set(xscale="log", yscale="log", **titles)
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.yaxis.set_major_formatter("{x:g}")
    return figure
