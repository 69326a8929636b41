"""`from labkit import check`: the same verdict in a notebook."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.labkit import toy

import labkit
from labkit import notebook
from labkit.course.lab import CatalogError


@pytest.fixture
def inside(course: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A notebook's kernel, whose working directory is the course."""
    monkeypatch.chdir(course)
    monkeypatch.delenv("LAB_TRACK", raising=False)
    yield course
    notebook.close()


def test_a_verdict_is_html_and_text(inside: Path) -> None:
    verdict = labkit.check("1.1")
    assert not verdict.passed
    assert repr(verdict).splitlines()[0] == "· 1.1 Double: to do"  # after it: what this system lacks
    toy.write(inside / "labs" / "lab1_toy" / "answer.py", toy.answer(double="return 3 * x"))
    verdict = labkit.check("1.1")
    assert repr(verdict).startswith("✗ 1.1 Double: failed\n  ✗ `double` returns twice its argument.\n    expected: ")
    assert "<b " in verdict._repr_html_()
    assert '"failed"' in (inside / ".lab" / "progress.json").read_text()


def test_a_whole_lab_and_other_tracks(inside: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert labkit.check("1", track="solutions").passed
    monkeypatch.setenv("LAB_TRACK", "solutions")
    first, second = labkit.check("1.1"), labkit.check("1.1")
    assert first.passed
    assert (first._repr_html_(), repr(first)) == (second._repr_html_(), repr(second))
    assert not (inside / ".lab" / "progress.json").exists()


def test_an_unknown_exercise_suggests_the_nearest(inside: Path) -> None:
    with pytest.raises(CatalogError, match=r"Did you mean `1\.2`\?"):
        labkit.check("1.22")


def test_importing_labkit_costs_nothing() -> None:
    code = "import sys, labkit; print(sorted(name for name in sys.modules if name.startswith('labkit')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['labkit']"


def test_labkit_has_no_other_name() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'chek'"):
        _ = labkit.chek
