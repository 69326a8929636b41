"""The picture of the guide of week 2, drawn from what `make bench-serving` measured."""

from __future__ import annotations

from pathlib import Path

from mlops_lab.plots import BLUE, SKY, Plot, save_png
from weeks.guide_figures import Figures, number

# The servers that the guide compares: name of their figures (`echo` has `echo_rps`) → what the guide calls them.
SERVERS = {
    "echo": "echo, no model",
    "naive": "a frame per request",
    "lab": "lab 2",
    "mlflow": "mlflow models serve",
    "bentoml": "BentoML",
}


def draw(figures: Figures, folder: Path) -> list[Path]:
    """Draw all pictures into `folder` and return their paths."""
    return [save_png(requests_per_second(figures), folder / "requests_per_second.png")]


def requests_per_second(figures: Figures) -> Plot:
    """Requests per second of each server that was measured, on a logarithmic axis."""
    import pandas as pd
    from matplotlib.figure import Figure

    shown = {name: label for name, label in SERVERS.items() if f"{name}_rps" in figures}
    rates = pd.Series({label: number(figures, f"{name}_rps") for name, label in shown.items()})
    figure = Figure(figsize=(6.4, 3.4), layout="constrained")
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    axes.barh(list(shown.values()), rates, color=[BLUE if name == "lab" else SKY for name in shown], height=0.6)
    for place, rate in enumerate(rates):
        axes.text(rate * 1.06, place, f"{rate:,.0f}", va="center")
    axes.invert_yaxis()
    figure.suptitle(_message(figures), fontsize="large")
    axes.set(xlabel="requests per second (logarithmic)", xscale="log")
    axes.set_xlim(10, 2.2 * max(rates))
    axes.xaxis.set_major_formatter("{x:,.0f}")
    return Plot(figure, rates.to_frame("requests per second"))


def _message(figures: Figures) -> str:
    name, label = ("mlflow", "MLflow") if "lab_to_mlflow" in figures else ("naive", SERVERS["naive"])
    return f"One model: lab 2 answers {number(figures, f'lab_to_{name}'):.0f} times as often as {label}"
