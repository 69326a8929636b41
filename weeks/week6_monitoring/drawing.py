"""The pictures of the guide of week 6, drawn from its figures."""

from __future__ import annotations

from pathlib import Path

from mlops_lab.plots import BLUE, ORANGE, SKY, Plot, save_png
from weeks.guide_figures import Figures, number

BUCKETS = {
    "p99_true": "the answers themselves",
    "p99_ours": "a bucket at the budget",
    "p99_default": "default buckets",
    "p99_low": "top bucket below it",
}


def draw(figures: Figures, folder: Path) -> list[Path]:
    """Draw all pictures into `folder` and return their paths."""
    plots = {"quantiles": quantiles, "until_it_rings": until_it_rings, "two_kinds_of_drift": two_kinds_of_drift}
    return [save_png(plot(figures), folder / f"{name}.png") for name, plot in plots.items()]


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


def until_it_rings(figures: Figures) -> Plot:
    """How long until an alert rings and until the budget is gone, by the share that fails."""
    import pandas as pd
    from matplotlib.figure import Figure

    names = {"fast_minutes": "the page rings", "slow_minutes": "the ticket is written", "gone_minutes": "budget gone"}
    shares = pd.Index(numbers(figures, "shares"), name="percent")
    times = pd.DataFrame({label: numbers(figures, name) for name, label in names.items()}, index=shares)
    times = times.mask(times == 0)
    figure = Figure(figsize=(6.4, 3.4), layout="constrained")
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    for name, colour in zip(times.columns, (ORANGE, BLUE, SKY), strict=True):
        axes.plot(times.index, times[name], color=colour, marker="o")
        last = times[name].dropna()
        axes.annotate(name, (last.index[-1], last.iloc[-1]), (6, 0), textcoords="offset points", va="center")
    axes.set(xscale="log", yscale="log", xlabel="percent of the requests that fail", ylabel="after", xlim=(1.8, 400))
    axes.set_yticks([5, 60, 360, 1_440, 10_080], ["5 min", "1 h", "6 h", "1 day", "1 week"])
    axes.set_xticks([2, 5, 10, 20, 50, 100], ["2", "5", "10", "20", "50", "100"])
    axes.minorticks_off()
    figure.suptitle("The more fails, the sooner somebody is told", fontsize="large")
    return Plot(figure, times)


def numbers(figures: Figures, name: str) -> list[float]:
    """One figure that is a list."""
    value = figures[name]
    if not isinstance(value, list):
        raise KeyError(f"`{name}` is no list")
    return value


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
        psi, bias = (numbers(figures, f"{name}_{column}") for column in ("psi", "bias"))
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
