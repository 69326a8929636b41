"""What was found: as tables, as the figures of the guide, and as the files that keep it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench.common import machine, table
from bench.serving.contenders import BENTOML, CONTENDERS, ECHO, LAB, MLFLOW, bentoml_version
from bench.serving.load import Load
from bench.serving.rows import ROWS
from mlops_lab.files import write_atomically
from weeks import guide_figures
from weeks.guide_figures import Figures, number
from weeks.week2_service.drawing import draw
from weeks.week2_service.figures import serving_figures

# Name of a figure → what it is, the target, and whether it is a least or a most.
TARGETS: dict[str, tuple[str, float, str]] = {
    "lab_to_echo": ("lab 2 ÷ echo", 0.7, "at least"),
    "lab_to_mlflow": ("lab 2 ÷ mlflow", 30.0, "at least"),
    "lab_p99_ms": ("p99 of lab 2, ms", 10.0, "at most"),
    "batch_ms": ("batch of 1,000 houses, ms", 25.0, "at most"),
    "ready_s": ("start to ready, s", 3.0, "at most"),
    "rss_mb": ("resident memory, MB", 350.0, "at most"),
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


def report(figures: Figures, found: Found, how: str) -> list[str]:
    """The tables as lines of text."""
    here = machine()
    head = [f"{here['cpu']}, {here['cores']} cores; {how}; one worker, OMP_NUM_THREADS=1", ""]
    skipped = [f"not measured: {name}: {reason}" for name, reason in found.skipped.items()]
    return [*head, *load_table(figures), *skipped, "", *rows_table(figures), "", *target_table(figures)]


def load_table(figures: Figures) -> list[str]:
    """The lines of the table: each contender with its figures and its ratios."""
    rows = []
    for contender in CONTENDERS:
        if f"{contender.name}_rps" not in figures:
            continue
        rps, p50, p99, memory = (number(figures, f"{contender.name}_{unit}") for unit in UNITS)
        ratios = [_ratio(figures, rps, other.name) for other in (ECHO, MLFLOW)]
        rows.append((contender.label, f"{rps:,.0f}", f"{p50:.2f}", f"{p99:.2f}", *ratios, f"{memory:,.0f}"))
    head = ("", "requests/s", "p50 ms", "p99 ms", "÷ echo", "÷ mlflow", "memory MB")
    return table(head, (22, 11, 9, 9, 9, 10, 11), rows)


def _ratio(figures: Figures, rps: float, other: str) -> str:
    if f"{other}_rps" not in figures:
        return "-"
    return f"{rps / number(figures, f'{other}_rps'):.2f}"


def rows_table(figures: Figures) -> list[str]:
    """The lines of the table: rows, without a server."""
    rows = []
    for name, label in ROWS.items():
        p99 = figures.get(f"{name}_p99_ms")
        rows.append((label, f"{number(figures, f'{name}_ms'):.3f}", "" if p99 is None else f"{p99:.1f}"))
    return table(("no server", "p50 ms", "p99 ms"), (46, 9, 9), rows)


def target_table(figures: Figures) -> list[str]:
    """The lines of the table: each target, what was found, and by how much it was missed."""
    rows = []
    for name, (label, target, kind) in TARGETS.items():
        if name in figures:
            value = number(figures, name)
            found = (f"{value:.2f}", f"  {judged(value, target, kind)}")
        else:
            found = ("-", "  not measured")
        rows.append((label, f"{kind} {target:g}", *found))
    return table(("", "wanted", "found", ""), (28, 16, 10, 0), rows)


def judged(value: float, target: float, kind: str) -> str:
    """`reached`, or by how many per cent of the target it is missed."""
    is_reached: Callable[[float, float], bool] = float.__ge__ if kind == "at least" else float.__le__
    return "reached" if is_reached(value, target) else f"missed by {100 * abs(value / target - 1):.1f} %"


def write(
    week: Path, figures: Figures, facts: Mapping[str, Any], rounds: Mapping[str, Sequence[Load]], lines: Sequence[str]
) -> None:
    """Write what was measured into the folder of the week, and what its guide takes from it; other figures stay."""
    libraries = [*("fastapi", "uvicorn", "scikit-learn", "treelite"), *([MLFLOW.name] if MLFLOW.name in rounds else [])]
    versions = {name: version(name) for name in libraries}
    if BENTOML.name in rounds:
        versions[BENTOML.name] = bentoml_version()
    measured = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        **machine(),
        "versions": versions,
        **facts,
        "figures": figures,
        "rounds": {name: [asdict(load) for load in loads] for name, loads in rounds.items()},
        "table": lines,
    }
    write_atomically(week / "serving.json", json.dumps(measured, indent=2, ensure_ascii=False) + "\n")
    kept: Figures = json.loads((week / "figures.json").read_text(encoding="utf-8"))
    guide_figures.write(week, kept | serving_figures(week), draw)
