"""What `bench_serving.py` found, as a table, as the figures of the guide, and as a picture."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench_serving_contenders import CONTENDERS, ECHO, LAB, MLFLOW, NAIVE
from bench_serving_load import Load
from guide_figures import Figures, number
from mlops_lab.plots import BLUE, SKY, Plot

# Name of a figure → what it is, the target, and whether it is a least or a most.
TARGETS: dict[str, tuple[str, float, str]] = {
    "lab_to_echo": ("lab 2 ÷ echo", 0.7, "at least"),
    "lab_to_mlflow": ("lab 2 ÷ mlflow", 30.0, "at least"),
    "lab_p99_ms": ("p99 of lab 2, ms", 10.0, "at most"),
    "batch_ms": ("batch of 1,000 houses, ms", 25.0, "at most"),
    "ready_s": ("start to ready, s", 3.0, "at most"),
    "rss_mb": ("resident memory, MB", 350.0, "at most"),
}
# Name of the figure, without its unit → what it is.
ROWS = {
    "one_row_compiled": "one row, compiled",
    "one_row_estimator": "one row, estimator, 1 thread",
    "one_row_estimator_default_threads": "one row, estimator, a thread per core",
    "one_row_estimator_busy": "one row, estimator, 1 thread, cores busy",
    "one_row_estimator_default_threads_busy": "one row, estimator, a thread per core, busy",
    "thousand_rows_compiled": "1,000 rows, compiled",
    "thousand_rows_masks": "    the trees alone, as masks",
    "thousand_rows_treelite": "    the trees alone, treelite",
    "thousand_rows_estimator": "1,000 rows, estimator, 1 thread",
}
UNITS = ("rps", "p50_ms", "p99_ms", "memory_mb")


@dataclass(frozen=True)
class Found:
    """All that a run measured. `loads` is by the name of the contender, and already the median of the rounds."""

    loads: Mapping[str, Load]
    memory_mb: Mapping[str, float]
    others: Mapping[str, float]  # figures that are not about load, by name
    skipped: Mapping[str, str]  # name of a contender → why it is not there


def figures_of(found: Found) -> Figures:
    """All figures by the names that the guide uses, with four significant digits."""
    figures: dict[str, float] = {}
    for name, load in found.loads.items():
        figures |= {
            f"{name}_rps": load.requests_per_second,
            f"{name}_p50_ms": load.p50_ms,
            f"{name}_p99_ms": load.p99_ms,
        }
        figures[f"{name}_memory_mb"] = found.memory_mb[name]
        if name != LAB.name:
            figures[f"lab_to_{name}"] = found.loads[LAB.name].requests_per_second / load.requests_per_second
    figures |= {"rss_mb": found.memory_mb[LAB.name], **found.others}
    rounded: Figures = {name: float(f"{value:.4g}") for name, value in figures.items()}
    return rounded


def load_table(figures: Figures) -> list[str]:
    """The lines of the table: each contender with its figures and its ratios."""
    lines = [f"{'':22}{'requests/s':>11}{'p50 ms':>9}{'p99 ms':>9}{'÷ echo':>9}{'÷ mlflow':>10}{'memory MB':>11}"]
    for contender in CONTENDERS:
        if f"{contender.name}_rps" not in figures:
            continue
        rps, p50, p99, memory = (number(figures, f"{contender.name}_{unit}") for unit in UNITS)
        ratios = [_ratio(figures, rps, other.name) for other in (ECHO, MLFLOW)]
        lines.append(
            f"{contender.label:22}{rps:11,.0f}{p50:9.2f}{p99:9.2f}{ratios[0]:>9}{ratios[1]:>10}{memory:11,.0f}"
        )
    return lines


def _ratio(figures: Figures, rps: float, other: str) -> str:
    if f"{other}_rps" not in figures:
        return "-"
    return f"{rps / number(figures, f'{other}_rps'):.2f}"


def rows_table(figures: Figures) -> list[str]:
    """The lines of the table: rows, without a server."""
    lines = [f"{'no server':46}{'p50 ms':>9}{'p99 ms':>9}"]
    for name, label in ROWS.items():
        p99 = figures.get(f"{name}_p99_ms")
        lines.append(f"{label:46}{number(figures, f'{name}_ms'):9.3f}{'' if p99 is None else f'{p99:9.1f}'}")
    return lines


def target_table(figures: Figures) -> list[str]:
    """The lines of the table: each target, what was found, and by how much it was missed."""
    lines = [f"{'':28}{'wanted':>16}{'found':>10}"]
    for name, (label, target, kind) in TARGETS.items():
        if name not in figures:
            lines.append(f"{label:28}{f'{kind} {target:g}':>16}{'-':>10}  not measured")
            continue
        value = number(figures, name)
        lines.append(f"{label:28}{f'{kind} {target:g}':>16}{value:10.2f}  {judged(value, target, kind)}")
    return lines


def judged(value: float, target: float, kind: str) -> str:
    """`reached`, or by how many per cent of the target it is missed."""
    is_reached: Callable[[float, float], bool] = float.__ge__ if kind == "at least" else float.__le__
    return "reached" if is_reached(value, target) else f"missed by {100 * abs(value / target - 1):.1f} %"


def machine() -> dict[str, str | int]:
    """The processor, its cores, the system and Python."""
    system = f"{platform.system()} {platform.release().partition('-')[0]}"
    return {"cpu": _cpu(), "cores": cores(), "system": system, "python": platform.python_version()}


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _cpu() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
        found = subprocess.run(
            ["sysctl", "-n", "machdep.cpu.brand_string"], capture_output=True, text=True, check=False
        )
        return found.stdout.strip() or platform.machine()
    except OSError:
        return platform.machine()


def requests_per_second(figures: Figures) -> Plot:
    """Requests per second of each contender, on a logarithmic axis."""
    import pandas as pd
    from matplotlib.figure import Figure

    shown = [contender for contender in CONTENDERS if f"{contender.name}_rps" in figures]
    rates = pd.Series({each.label: number(figures, f"{each.name}_rps") for each in shown}, name="requests per second")
    figure = Figure(figsize=(6.4, 3.4), layout="constrained")
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    labels = [str(label) for label in rates.index]
    axes.barh(labels, rates, color=[BLUE if each.name == LAB.name else SKY for each in shown], height=0.6)
    for place, rate in enumerate(rates):
        axes.text(rate * 1.06, place, f"{rate:,.0f}", va="center")
    axes.invert_yaxis()
    figure.suptitle(_message(figures), fontsize="large")
    axes.set(xlabel="requests per second (logarithmic)", xscale="log")
    axes.set_xlim(10, 2.2 * max(rates))
    axes.xaxis.set_major_formatter("{x:,.0f}")
    return Plot(figure, rates.to_frame())


def _message(figures: Figures) -> str:
    name, label = (MLFLOW.name, "MLflow") if f"lab_to_{MLFLOW.name}" in figures else (NAIVE.name, NAIVE.label)
    return f"One model: lab 2 answers {number(figures, f'lab_to_{name}'):.0f} times as often as {label}"
