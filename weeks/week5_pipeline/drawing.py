"""The pictures of the guide of week 5, drawn from its figures."""

from __future__ import annotations

from pathlib import Path

from mlops_lab.plots import BLUE, RED, Plot, save_png
from weeks.guide_figures import Figures


def draw(figures: Figures, folder: Path) -> list[Path]:
    """Draw all pictures into `folder` and return their paths."""
    return [
        save_png(sales_per_day(figures), folder / "sales_per_day.png"),
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
