"""Figures are written into a guide as they were measured, and differences are told."""

import pytest

from weeks import guide_figures

FIGURES: guide_figures.Figures = {"mae": 72396.16, "share": -0.004, "months": [1.0, 2.0], "printed": "mae  64,630\n"}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("It is 1<!--mae--> USD.", "It is 72,396<!--mae--> USD."),
        ("It is 1.00<!--mae--> USD.", "It is 72,396.16<!--mae--> USD."),
        ("-7<!--share--> and 5.000<!--share-->", "0<!--share--> and -0.004<!--share-->"),
        ("1,000<!--example--> payments", "1,000<!--example--> payments"),
        (
            "<!--printed-->\n```text\nold\n```\n<!--end printed-->",
            "<!--printed-->\n```text\nmae  64,630\n```\n<!--end printed-->",
        ),
    ],
)
def test_a_figure_is_written_with_the_decimals_that_stood_there(before: str, after: str) -> None:
    assert guide_figures.fill(before, FIGURES) == after


@pytest.mark.parametrize("guide", ["1<!--unknown-->", "1<!--months-->", "1<!--printed-->"])
def test_a_figure_that_was_not_measured_is_an_error(guide: str) -> None:
    with pytest.raises(KeyError):
        guide_figures.fill(guide, FIGURES)


@pytest.mark.parametrize(
    ("name", "value", "same"),
    [
        ("mae", 72_400.0, True),
        ("mae", 79_000.0, False),
        ("months", [1.0, 2.001], True),
        ("months", [1.0], False),
        ("months", [1.0, 2.5], False),
        ("printed", "mae  64,700\n", True),
        ("printed", "mae 164,630\n", False),
        ("printed", "rmse  64,630\n", False),
        ("new", 1.0, False),
    ],
)
def test_differences_beyond_the_last_digits_are_told(name: str, value: guide_figures.Value, same: bool) -> None:
    assert (list(guide_figures.differences({name: value}, FIGURES)) == []) == same
