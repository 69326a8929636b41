"""The picture of week 2 shows what was measured, under the names that its guide uses."""

from __future__ import annotations

from weeks.guide_figures import Figures
from weeks.week2_service.drawing import requests_per_second

FIGURES: Figures = {"echo_rps": 4_000.0, "naive_rps": 100.0, "lab_rps": 3_000.0, "lab_to_naive": 30.0}


def test_the_picture_shows_each_server_that_was_measured() -> None:
    plot = requests_per_second(FIGURES)
    assert plot.data["requests per second"].to_dict() == {
        "echo, no model": 4_000,
        "a frame per request": 100,
        "lab 2": 3_000,
    }
    assert plot.figure.get_suptitle() == "One model: lab 2 answers 30 times as often as a frame per request"
