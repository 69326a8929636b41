"""What is stored of a notebook does not differ from run to run."""

from typing import Any

import nbformat
import pytest

import run_notebooks


def notebook(**output: Any) -> Any:
    cell = {
        "cell_type": "code",
        "id": "a",
        "source": "print(1)",
        "execution_count": 1,
        "metadata": {"execution": {"iopub.execute_input": "2026-01-01"}, "tags": ["kept"]},
        "outputs": [{"output_type": "stream", **output}],
    }
    metadata = {"kernelspec": {"name": "mine"}, "language_info": {"version": "3.13.0"}}
    return nbformat.from_dict({"cells": [cell], "metadata": metadata, "nbformat": 4, "nbformat_minor": 5})  # type: ignore[no-untyped-call]


def test_times_and_versions_are_not_stored() -> None:
    tidied = run_notebooks.tidy(notebook(name="stdout", text="1"))
    assert tidied.metadata == run_notebooks.METADATA
    assert tidied.cells[0].metadata == {"tags": ["kept"]}
    assert tidied.cells[0].outputs[0].text == "1"


def test_a_warning_ends_the_run() -> None:
    with pytest.raises(SystemExit, match="a cell warns"):
        run_notebooks.tidy(notebook(name="stderr", text="FutureWarning"))
