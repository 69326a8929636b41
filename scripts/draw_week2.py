"""Draw the pictures of week 2's guide from its figures."""

from __future__ import annotations

from pathlib import Path

from bench_serving_report import requests_per_second
from guide_figures import Figures
from mlops_lab.plots import save_png


def draw(figures: Figures, folder: Path) -> list[Path]:
    """Write the pictures into `folder`; return their paths."""
    return [save_png(requests_per_second(figures), folder / "requests_per_second.png")]
