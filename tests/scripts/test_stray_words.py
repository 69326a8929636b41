"""What may not stand in the repository is found, and what looks like it is not."""

from pathlib import Path

import pytest

import stray_words

HOST = "pypi" + ".org"


@pytest.mark.parametrize(
    "line",
    [
        f"see https://{HOST}/project/pandas",
        "pip install --index" + "-url http://mirror rich",
        "cd /wor" + "k/main",
        "File '/roo" + "t/.venv/lib'",
        "/hom" + "e/ann/labs/house_price.py",
        "/User" + "s/ann/labs",
        "fixes issue" + " #12",
        "as in shared/" + "STYLE.md",
        "written with Claud" + "e",
    ],
)
def test_a_stray_word_is_found(line: str) -> None:
    (found,) = stray_words.check_text("a.md", f"fine\n{line}\n")
    assert found.startswith("a.md:2: ")


@pytest.mark.parametrize(
    "line",
    [
        "from PyPI, as a wheel",
        "https://scikit-learn.org/stable/",
        "labs/work/report.md and ./home/ann/x",
        "the index of the frame; --indexed",
        "a session of the study group",
        "the route /predict, the root / of the site",
        "~/work/x, $HOME/work/y, ${ROOT}/work/z",
        "issues of quality",
    ],
)
def test_a_word_that_is_fine_is_not(line: str) -> None:
    assert not list(stray_words.check_text("a.md", line))


def test_a_path_inside_a_container_is_fine() -> None:
    line = "RUN --mount=type=cache,target=/roo" + "t/.cache make"
    assert not list(stray_words.check_text("solutions/lab2_service/Dockerfile", line))
    assert list(stray_words.check_text("solutions/lab2_service/README.md", line))


def test_the_outputs_of_a_notebook_name_no_folder_of_a_machine() -> None:
    cell = {
        "outputs": [{"text": ["saved\n", "in /tm" + "p/x\n"]}, {"data": {"text/plain": "3", "image/png": "/tm" + "p/"}}]
    }
    lines = "\n".join(stray_words.output_lines({"cells": [cell, {"source": "text"}]}))
    assert len(list(stray_words.check_text("a.ipynb", lines, stray_words.OUTPUT_RULES))) == 1
    assert not list(stray_words.check_text("a.ipynb", lines))


def test_a_file_that_is_no_text_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"\xff\xfe\x00")
    assert not list(stray_words.check_file(tmp_path, "a.bin"))


def test_this_repository_has_none() -> None:
    root = Path(__file__).resolve().parents[2]
    assert not [finding for path in stray_words.files(root) for finding in stray_words.check_file(root, path)]
