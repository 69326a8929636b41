"""Every notebook runs against the solutions and prints what is stored in it; pictures are not compared."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


@pytest.mark.timeout(600)
@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_prints_what_is_stored(notebook: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pytest", "--nbval", "--nbval-cell-timeout=240", "--nbval-current-env"]
    command += ["-q", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", str(ROOT), str(notebook)]
    environment = os.environ | {
        "PYTHONPATH": str(ROOT / "solutions"),
        "LAB_TRACK": "solutions",
        "IPYTHONDIR": str(tmp_path / "ipython"),
    }
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]


def test_each_lab_has_a_notebook() -> None:
    labs = {folder.name for folder in (ROOT / "solutions").glob("lab*_*")}
    assert labs == {path.stem for path in NOTEBOOKS}
