"""The plots, judged by the frame that each was drawn from."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mlops_lab import plots

ACTUAL = pd.Series([100.0, 200.0, 300.0, 400.0], index=[5, 6, 7, 8])
PREDICTED = pd.Series([110.0, 190.0, 300.0, 300.0], index=[5, 6, 7, 8])
DATES = pd.Series(pd.to_datetime(["2015-01-03", "2015-01-09", "2015-02-01", "2015-02-02"]), index=[5, 6, 7, 8])
RFM = pd.DataFrame({"recency_days": [1, 2, 3, 4], "frequency": [4, 3, 2, 1], "monetary": [0.0, 20.0, 30.0, 400.0]})
LABELS = pd.Series([0, 1, 1, 2], name="segment")


def every_plot() -> dict[str, plots.Plot]:
    counts = pd.DataFrame([[2, 0], [1, 3]], index=["a", "b"], columns=["a", "b"])
    return {
        "predicted": plots.predicted_against_actual(ACTUAL, PREDICTED),
        "residuals": plots.residuals_by_month(DATES, ACTUAL, PREDICTED),
        "confusion": plots.confusion_matrix(counts),
        "segments": plots.segments(RFM, LABELS),
    }


def test_predicted_against_actual_shows_both_prices() -> None:
    data = plots.predicted_against_actual(ACTUAL, PREDICTED).data
    pd.testing.assert_frame_equal(data, pd.DataFrame({"actual": ACTUAL, "predicted": PREDICTED}))


def test_many_points_are_a_fixed_sample() -> None:
    many = pd.Series(np.arange(1.0, 5001.0))
    data = plots.predicted_against_actual(many, many).data
    assert len(data) == plots.MOST_POINTS
    assert data.equals(plots.predicted_against_actual(many, many).data)


def test_residuals_are_actual_minus_predicted_by_month() -> None:
    data = plots.residuals_by_month(DATES, ACTUAL, PREDICTED).data
    assert data.index.tolist() == ["2015-01", "2015-02"]
    assert data["sales"].tolist() == [2, 2]
    assert data["median"].tolist() == [0, 50]
    assert data["mae"].tolist() == [10, 50]
    assert data["lower_quartile"].tolist() == [-5, 25]


def test_the_confusion_matrix_is_what_was_given_with_its_numbers_in_the_cells() -> None:
    plot = every_plot()["confusion"]
    assert plot.data.to_numpy().tolist() == [[2, 0], [1, 3]]
    assert [text.get_text() for text in plot.figure.axes[0].texts] == ["2", "0", "1", "3"]


def test_segments_have_a_colour_and_a_shape_each() -> None:
    plot = plots.segments(RFM, LABELS)
    assert list(plot.data.columns) == ["recency_days", "monetary", "segment"]
    assert plot.data["segment"].tolist() == LABELS.tolist()
    legend = plot.figure.axes[0].get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["segment 0", "segment 1", "segment 2"]


def test_the_input_is_not_changed() -> None:
    before = RFM.copy()
    plots.segments(RFM, LABELS)
    pd.testing.assert_frame_equal(RFM, before)


@pytest.mark.parametrize("name", ["predicted", "residuals", "confusion", "segments"])
def test_a_plot_becomes_the_same_png_each_time(name: str, tmp_path: Path) -> None:
    first = plots.save_png(every_plot()[name], tmp_path / "new folder" / "a.png")
    second = plots.save_png(every_plot()[name], tmp_path / "b.png")
    assert first.read_bytes() == second.read_bytes()
    assert first.read_bytes().startswith(b"\x89PNG\r\n")
    assert b"Software" not in first.read_bytes()


def test_every_axis_has_a_name() -> None:
    for plot in every_plot().values():
        axes = plot.figure.axes[0]
        assert axes.get_xlabel() and axes.get_ylabel() and axes.get_title()


def test_a_notebook_shows_the_picture_and_the_text_is_stable() -> None:
    plot = every_plot()["residuals"]
    assert plot._repr_png_().startswith(b"\x89PNG")
    assert repr(plot) == "Plot(data=2 rows of sales, median, lower_quartile, upper_quartile, mae)"


def test_pyplot_is_never_imported() -> None:
    code = (
        "import sys, pandas as pd; from mlops_lab import plots\n"
        "plots.to_png(plots.confusion_matrix(pd.DataFrame([[1, 0], [0, 1]])))\n"
        "print('matplotlib.pyplot' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "False", done.stderr
