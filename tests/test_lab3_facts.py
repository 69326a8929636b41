"""What the checks of lab 3 know about the service of lab 2 is true, and their schemas are up to date."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
FACTS = ROOT / "tests" / "labs" / "lab3_judges" / "facts.py"
# Asked in a process of its own: the environment is read when the service is imported.
ASK = """
import json
from lab2_service import app
service = app.create_app()
print(json.dumps([sorted(service.openapi()["paths"]), list(app.MODELS), app.MAX_BODY]))
"""


@pytest.fixture(scope="module")
def facts() -> Any:
    spec = importlib.util.spec_from_file_location("lab3_facts", FACTS)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def ask(**environment: str) -> list[Any]:
    done = subprocess.run(
        [sys.executable, "-c", ASK],
        env=os.environ | {"PYTHONPATH": str(ROOT / "solutions")} | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    found: list[Any] = json.loads(done.stdout)
    return found


def test_the_service_has_the_routes_and_reads_the_settings(facts: Any) -> None:
    paths, models, _ = ask()
    assert {facts.ALIVE, facts.READY} <= set(paths)
    assert {path for path in facts.PATHS if path.startswith("/v1/")} == {path for path in paths if "/v1/" in path}
    assert tuple(models) == facts.MODELS
    assert ask(MODELS="iris,house_price", MAX_BODY="99")[1:] == [["iris", "house_price"], 99]
    code = (ROOT / "solutions/lab2_service/app.py").read_text(encoding="utf-8")
    own = [name for name in facts.SETTINGS if name != "OMP_NUM_THREADS"]
    assert all(f'os.environ.get("{name}"' in code for name in own)


def test_the_memory_is_what_was_measured(facts: Any) -> None:
    measured = json.loads((ROOT / "weeks/week2_service/figures.json").read_text(encoding="utf-8"))["rss_mb"]
    assert abs(facts.MEMORY_MB / measured - 1) < 0.05, "new figures: look at the limits of lab 3, too"


def test_the_schemas_are_those_of_kubernetes_validate() -> None:
    done = subprocess.run([sys.executable, "scripts/slim_schemas.py", "--check"], cwd=ROOT, check=False)
    assert done.returncode == 0, "run `python scripts/slim_schemas.py`"
