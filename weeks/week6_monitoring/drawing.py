"""The pictures of the guide of week 6, drawn from its figures."""

from __future__ import annotations

from pathlib import Path

from mlops_lab.plots import BLUE, SKY, Plot, save_png
from weeks.guide_figures import Figures, number

BUCKETS = {
    "p99_true": "the answers themselves",
    "p99_ours": "a bucket at the budget",
    "p99_default": "default buckets",
    "p99_low": "top bucket below it",
}


def draw(figures: Figures, folder: Path) -> list[Path]:
    """Draw all pictures into `folder` and return their paths."""
    return [save_png(quantiles(figures), folder / "quantiles.png")]


def quantiles(figures: Figures) -> Plot:
    """The 99th percentile of the same answers, as each set of buckets shows it."""
    import pandas as pd
    from matplotlib.figure import Figure

    shown = pd.Series({label: number(figures, name) for name, label in BUCKETS.items()})
    figure = Figure(figsize=(6.4, 2.6), layout="constrained")
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    axes.barh(list(shown.index), shown, color=[BLUE, SKY, SKY, SKY], height=0.6)
    for place, value in enumerate(shown):
        axes.text(value + 3, place, f"{value:,.0f}", va="center")
    axes.axvline(150, color="#444444", linestyle="--")
    axes.text(152, -0.62, "budget", va="center")
    axes.invert_yaxis()
    figure.suptitle("One service, four 99th percentiles", fontsize="large")
    axes.set(xlabel="milliseconds", xlim=(0, 1.2 * max(shown)))
    return Plot(figure, shown.to_frame("milliseconds"))
