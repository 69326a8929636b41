"""The README shows what the commands really print, and every link in the documents leads somewhere."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)(#[^)]*)?\)")


def test_the_readme_shows_real_output() -> None:
    script = ROOT / "scripts" / "readme_output.py"
    done = subprocess.run([sys.executable, str(script), "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "SECURITY.md", "shared/mlops_lab/data/README.md"])
def test_links_lead_somewhere(name: str) -> None:
    document = ROOT / name
    targets = [match[1] for match in LINK.finditer(document.read_text(encoding="utf-8"))]
    assert [target for target in targets if not (document.parent / target).exists()] == []


def test_every_planned_week_is_in_the_readme() -> None:
    from labkit.course.catalog import WEEK_NAMES

    text = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d) \[?(\w+)", text, re.MULTILINE)
    assert rows == [(str(number), name) for number, name in enumerate(WEEK_NAMES, 1)]
