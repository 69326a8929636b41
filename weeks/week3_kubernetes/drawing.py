"""The picture of the guide of week 3, drawn from its figures."""

from __future__ import annotations

from pathlib import Path

from mlops_lab.plots import BLUE, SKY, Plot, save_png
from weeks.guide_figures import Figures, number

# What is compared: a figure's name → what the guide calls it.
THREADS = {
    "one_row_estimator_busy_p99_ms": "1 thread",
    "one_row_estimator_default_threads_busy_p99_ms": "a thread per core",
}


def draw(figures: Figures, folder: Path) -> list[Path]:
    """Draw all pictures into `folder` and return their paths."""
    return [save_png(slowest_answers(figures), folder / "threads_p99.png")]


def slowest_answers(figures: Figures) -> Plot:
    """The p99 of one prediction on busy cores: with one thread, and with one for each core."""
    import pandas as pd
    from matplotlib.figure import Figure

    slowest = pd.Series({label: number(figures, name) for name, label in THREADS.items()})
    figure = Figure(figsize=(6.4, 2.2), layout="constrained")
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    axes.barh(list(slowest.index), slowest, color=[BLUE, SKY], height=0.6)
    for place, milliseconds in enumerate(slowest):
        axes.text(milliseconds + max(slowest) * 0.02, place, f"{milliseconds:,.0f} ms", va="center")
    axes.invert_yaxis()
    axes.set_xlim(0, 1.15 * max(slowest))
    times = slowest.iloc[1] / slowest.iloc[0]
    figure.suptitle(f"Busy cores: more threads, and p99 is {times:.0f} times as long", fontsize="large")
    axes.set(xlabel="p99 of one prediction in ms")
    return Plot(figure, slowest.to_frame("p99 in ms"))
