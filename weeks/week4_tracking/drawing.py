"""The pictures of the guide of week 4."""

from __future__ import annotations

from pathlib import Path

from mlops_lab.plots import BLUE, RED, Plot, save_png
from weeks.guide_figures import Figures
from weeks.week4_tracking.peeking import peeking

MONTHS = ["2015-01", "2015-02", "2015-03", "2015-04", "2015-05"]


def draw(figures: Figures, folder: Path) -> list[Path]:
    """Draw all pictures into `folder` and return their paths."""
    return [save_png(luck(figures), folder / "luck.png"), save_png(peeking(figures), folder / "peeking.png")]


def luck(figures: Figures) -> Plot:
    """The difference of two errors that differ by luck alone, with its interval, for each seed and month."""
    import pandas as pd
    from matplotlib.figure import Figure

    names = ("luck_difference", "luck_low", "luck_high")
    data = pd.DataFrame({name: figures[name] for name in names}).sort_values("luck_difference", ignore_index=True)
    figure = Figure(figsize=(6.4, 3.8), layout="constrained")
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    sure = data["luck_high"] < 0
    for chosen, colour, label in ((~sure, BLUE, "the gate says: not sure"), (sure, RED, "the gate says: better")):
        some = data[chosen]
        axes.vlines(some.index, some["luck_low"], some["luck_high"], color=colour, linewidth=1.5, alpha=0.7)
        marker = "o" if colour == BLUE else "D"
        axes.plot(some.index, some["luck_difference"], marker, color=colour, markersize=4, label=label)
    axes.axhline(0, color="black", linewidth=1)
    axes.set_xticks([])
    axes.set(
        title="The same model with another seed: is it better?",
        xlabel=f"{len(data)} comparisons, one seed and one month each",
        ylabel="error, new minus old (USD)",
    )
    axes.yaxis.set_major_formatter("{x:,.0f}")
    axes.legend(frameon=False, loc="upper left")
    return Plot(figure, data)
