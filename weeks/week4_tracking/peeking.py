"""What looking each day does to an A/A test, in which both arms have the same model: simulated, and drawn."""

from __future__ import annotations

import numpy as np

from mlops_lab.datasets import load_house_sales
from mlops_lab.plots import BLUE, RED, Plot
from weeks.guide_figures import Figures

TESTS, DAYS, DAILY = 2_000, 30, 60


def peeking_figures() -> Figures:
    """False alarms by day in tests on the real errors of the model of week 1, and how many units an effect takes."""
    from lab1_models.house_price import CUTOFF, FEATURES, build_model, split_by_time
    from lab4_tracking.ab_test import EFFECT, FEWEST, fixed_half_width, half_width, sample_size

    train, test = split_by_time(load_house_sales(), CUTOFF)
    model = build_model().fit(train[FEATURES], train["price"])
    errors = (test["price"] - model.predict(test[FEATURES])).abs().to_numpy()
    drawn = np.random.default_rng(0).choice(errors, (TESTS, 2, DAYS, DAILY))
    units = DAILY * np.arange(1, DAYS + 1)
    sums, squares = drawn.sum(axis=3).cumsum(axis=2), (drawn**2).sum(axis=3).cumsum(axis=2)
    variances = (squares - sums**2 / units) / (units - 1) / units
    differences = np.abs(sums[:, 1] - sums[:, 0]) / units
    both = variances.sum(axis=1)
    alarms = {
        "plain": differences > np.vectorize(lambda one: fixed_half_width(one, 0.05))(both),
        "valid": differences > np.vectorize(lambda one: half_width(one, EFFECT, 0.05))(both),
    }
    # Whoever stops at the first alarm has had one by a day if any day before had one.
    by_day = {
        name: 100 * np.logical_or.accumulate(found & (units >= FEWEST), axis=1).mean(axis=0)
        for name, found in alarms.items()
    }
    sd = float(errors.std(ddof=1))
    return {
        "ab_plain": by_day["plain"].tolist(),
        "ab_valid": by_day["valid"].tolist(),
        "ab_plain_end": float(by_day["plain"][-1]),
        "ab_plain_week": float(by_day["plain"][6]),
        "ab_valid_end": float(by_day["valid"][-1]),
        "ab_once_end": float(100 * alarms["plain"][:, -1].mean()),
        "ab_tests": TESTS,
        "ab_days": DAYS,
        "ab_daily": DAILY,
        "ab_sd": sd,
        "ab_units": sample_size(EFFECT, sd=sd),
        "ab_units_half": sample_size(EFFECT / 2, sd=sd),
    }


def peeking(figures: Figures) -> Plot:
    """The share of A/A tests that have raised a false alarm by each day."""
    import pandas as pd
    from matplotlib.figure import Figure

    days = pd.RangeIndex(1, len(figures["ab_plain"]) + 1, name="day")  # type: ignore[arg-type]
    table = pd.DataFrame({"plain": figures["ab_plain"], "valid": figures["ab_valid"]}, index=days)
    figure = Figure(figsize=(6.4, 3.6), layout="constrained")
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    axes.plot(days, table["plain"], color=RED, linewidth=2)
    axes.plot(days, table["valid"], color=BLUE, linewidth=2)
    axes.axhline(5, color="black", linewidth=1, linestyle=":")
    for name, text, colour in (("plain", "plain test", RED), ("valid", "always-valid", BLUE)):
        axes.annotate(
            f"{text}: {table[name].iloc[-1]:.1f} %",
            (days[-1], table[name].iloc[-1]),
            xytext=(-4, 7),
            textcoords="offset points",
            ha="right",
            color=colour,
        )
    axes.annotate("5 %", (1, 5), xytext=(0, 4), textcoords="offset points")
    axes.set(
        title="Both arms have the same model. Who looks each day finds a winner",
        xlabel="day of the experiment",
        ylabel="tests with a false alarm so far, %",
        ylim=(0, 1.12 * table["plain"].max()),
        xlim=(1, days[-1]),
    )
    return Plot(figure, table)
