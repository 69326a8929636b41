"""The pictures of the guide of week 1, drawn from what `figures.py` found."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from mlops_lab.datasets import load_house_sales
from mlops_lab.plots import BLUE, ORANGE, RED, SEGMENT_COLOURS, SKY, Plot, save_png
from weeks.guide_figures import Figures, number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MONTHS = ["January", "February", "March", "April", "May"]


def draw(figures: Figures, folder: Path) -> list[Path]:
    """Draw all pictures into `folder` and return their paths."""
    pictures = {
        "price_map": price_map(),
        "error_by_month": error_by_month(figures),
        "33_bedrooms": odd_house(figures),
        "two_or_four_segments": two_or_four_segments(figures),
    }
    return [save_png(plot, folder / f"{name}.png") for name, plot in pictures.items()]


def price_map() -> Plot:
    """Where the houses are, and what they cost."""
    from matplotlib.colors import LogNorm

    data = load_house_sales().sample(2_000, random_state=0)[["long", "lat", "price"]]
    figure, (axes,) = _figure(1, width=6.4, height=4.2)
    points = axes.scatter(
        data["long"], data["lat"], c=data["price"], s=5, cmap="cividis", norm=LogNorm(2e5, 2e6), linewidths=0
    )
    bar = figure.colorbar(points, label="price (USD, logarithmic)", extend="both")
    bar.set_ticks([200_000, 500_000, 1_000_000, 2_000_000], labels=["200,000", "500,000", "1 million", "2 million"])
    bar.minorticks_off()
    axes.set(title="House sales in King County", xlabel="longitude", ylabel="latitude")
    axes.set_xlim(-122.55, -121.65)  # a few houses lie far in the east
    axes.set_aspect(1.48)  # a degree of longitude is shorter than one of latitude: 1 / cos(47.5°)
    return Plot(figure, data)


def error_by_month(figures: Figures) -> Plot:
    """The error in the months after training, against what cross-validation promised."""
    errors = pd.DataFrame({"mae": figures["monthly_mae"]}, index=pd.Index(MONTHS, name="month"))
    promised = number(figures, "promised_mae")
    figure, (axes,) = _figure(1)
    axes.bar(errors.index, errors["mae"], color=SKY, width=0.6, label="on the sales of that month")
    axes.axhline(promised, color=RED, linewidth=2, linestyle="--", label="promised by cross-validation in 2014")
    for place, value in enumerate(errors["mae"]):
        axes.text(place, value + 1_500, f"{value:,.0f}", ha="center")
    axes.set(title="A model of 2014 in the year 2015", ylabel="mean absolute error (USD)", ylim=(0, 112_000))
    axes.legend(frameon=False, loc="upper left")
    _thousands(axes)
    return Plot(figure, errors)


def odd_house(figures: Figures) -> Plot:
    """What two models say about one house, as its number of bedrooms grows."""
    data = pd.DataFrame({"linear model": figures["odd_linear"], "trees": figures["odd_trees"]}, index=range(1, 34))
    figure, (axes,) = _figure(1)
    axes.axhline(number(figures, "odd_price"), color="black", linewidth=1, linestyle=":", label="price of its sale")
    axes.plot(data.index, data["trees"], color=BLUE, linewidth=2, label="trees")
    axes.plot(data.index, data["linear model"], color=RED, linewidth=2, linestyle="--", label="linear model")
    axes.set(title="One house, more and more bedrooms", xlabel="bedrooms", ylabel="predicted price (USD)")
    axes.legend(frameon=False, loc="lower left")
    _thousands(axes)
    return Plot(figure, data)


def two_or_four_segments(figures: Figures) -> Plot:
    """Who bought in the quarter after the segments were made, for two segments and for four."""
    data = {k: [number(figures, f"came_back_{k}_{segment}") for segment in range(k)] for k in (2, 4)}
    figure, panels = _figure(2, width=7.2, height=3.6)
    for axes, (k, rates) in zip(panels, data.items(), strict=True):
        colours = [SEGMENT_COLOURS[0], ORANGE] if k == 2 else SEGMENT_COLOURS[:4]
        axes.bar(range(k), rates, color=colours, width=0.6)
        for place, rate in enumerate(rates):
            axes.text(place, rate + 1, f"{rate:.1f} %", ha="center")
        axes.set_xticks(range(k))
        axes.set(title=f"k = {k}: silhouette {figures[f'silhouette_{k}']:.2f}", xlabel="segment", ylim=(0, 64))
    panels[0].set_ylabel("bought in the next quarter (%)")
    frame = pd.concat({k: pd.Series(rates) for k, rates in data.items()}).rename("bought").to_frame()
    return Plot(figure, frame)


def _figure(panels: int, width: float = 6.4, height: float = 3.8) -> tuple[Figure, list[Axes]]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots(1, panels, squeeze=False)[0]
    for panel in axes:
        panel.spines[["top", "right"]].set_visible(False)
    return figure, list(axes)


def _thousands(axes: Axes) -> None:
    axes.yaxis.set_major_formatter("{x:,.0f}")
