"""The tour of DVC with the real program: `make elective-dvc`. It needs `.venv-dvc`, which that command makes."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_the_tour_of_dvc_goes_all_the_way() -> None:
    dvc = os.environ.get("DVC") or str(ROOT / ".venv-dvc/bin/dvc")
    if shutil.which(dvc) is None:
        pytest.skip("DVC is not there: `make elective-dvc` installs it")
    environment = {**os.environ, "DVC": dvc}
    done = subprocess.run(
        ["sh", "scripts/elective_dvc.sh"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the run and the data agree again" in done.stdout
    assert "was trained on another table" in done.stdout
