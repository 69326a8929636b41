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
    return [
        save_png(quantiles(figures), folder / "quantiles.png"),
        save_png(two_kinds_of_drift(figures), folder / "two_kinds_of_drift.png"),
    ]


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


def two_kinds_of_drift(figures: Figures) -> Plot:
    """The largest PSI and the bias of each month: the county after September, and the suburbs that join in January."""
    import pandas as pd
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 3.2), layout="constrained")
    shown = []
    for axes, (name, title) in zip(
        figure.subplots(1, 2),
        {"replay": "The same houses, another market", "suburbs": "Other houses"}.items(),
        strict=True,
    ):
        months = str(figures[f"{name}_months"]).split()
        psi, bias = (figures[f"{name}_{column}"] for column in ("psi", "bias"))
        assert isinstance(psi, list)
        assert isinstance(bias, list)
        axes.spines[["top", "right"]].set_visible(False)
        axes.plot(months, psi, color=SKY, marker="o", label="largest PSI")
        axes.plot(months, bias, color=BLUE, marker="s", label="bias, log price")
        axes.axhline(0.2, color="#444444", linestyle="--", linewidth=0.8)
        axes.set(title=title, yscale="symlog", ylim=(-0.25, 6))
        axes.set_yscale("symlog", linthresh=0.2)
        axes.set_yticks([-0.1, 0, 0.1, 0.2, 1, 4], ["-0.1", "0", "0.1", "0.2", "1", "4"])
        axes.tick_params(axis="x", rotation=60)
        shown.append(pd.DataFrame({"psi": psi, "bias": bias}, index=[f"{name} {month}" for month in months]))
    axes.legend(loc="center right", frameon=False)
    return Plot(figure, pd.concat(shown))
