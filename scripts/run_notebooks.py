"""Run notebooks against the reference solutions and store what they print; for those who write the course.

    python scripts/run_notebooks.py                             all of them
    python scripts/run_notebooks.py notebooks/lab1_models.ipynb

What differs from run to run is not stored: times, the version of Python. `make test` runs the notebooks too and
compares; it writes nothing.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from pathlib import Path
from typing import Any

from nbclient import NotebookClient

from mlops_lab.files import write_atomically

nbformat: Any = importlib.import_module("nbformat")  # has types for some of its functions only
ROOT = Path(__file__).resolve().parents[1]
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def main(arguments: list[str] | None = None) -> int:
    """Run each notebook that is named, or all. A cell that fails ends the run, and nothing is written."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("notebook", nargs="*", type=Path, help="default: all of notebooks/")
    options = parser.parse_args(arguments)
    # One thread: on a busy machine, several that wait for each other take far longer.
    os.environ |= {"PYTHONPATH": str(ROOT / "solutions"), "LAB_TRACK": "solutions", "OMP_NUM_THREADS": "1"}
    paths = options.notebook or sorted((ROOT / "notebooks").glob("*.ipynb"))
    for path in paths:
        print(f"running: {path}", flush=True)
        notebook = nbformat.read(path, as_version=4)
        NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(path.parent)}}).execute()
        write_atomically(path, nbformat.writes(tidy(notebook)) + "\n")
    return 0


def tidy(notebook: Any) -> Any:
    """The notebook without what differs from run to run; a cell that wrote a warning ends the run."""
    notebook.metadata = nbformat.from_dict(METADATA)
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        for output in cell.get("outputs", []):
            if output.get("name") == "stderr":
                raise SystemExit(f"error: a cell warns, and a stored output may not:\n{cell.source}\n{output.text}")
    return notebook


if __name__ == "__main__":
    sys.exit(main())
