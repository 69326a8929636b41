"""What stands beside a lab under check costs a worker no more than it must."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_prefect_is_not_imported_for_the_sake_of_its_settings() -> None:
    code = (
        "import sys; from mlops_probes import servers; servers.read_prefect_settings(); print('prefect' in sys.modules)"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT / "shared")}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
