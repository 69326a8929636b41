"""The answers of all labs that are judged in a browser: each takes seconds, so they are not in `make test`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from labkit.course.catalog import load_catalog
from labkit.course.check_functions import needs_of_mutant, read_checks
from labkit.course.lab import Lab
from labkit.course.mutants import Mutant, load_alternatives, load_mutants, write_submission
from labkit.course.tracks import resolve_track
from labkit.engine.client import Engine
from labkit.tools import is_there

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(not is_there("chromium"), reason="no Chromium here; `lab doctor` says how to get it")


CHECKS = {lab.package: read_checks(ROOT, lab) for lab in load_catalog(ROOT)}


def judged_by_browser(lab: Lab) -> set[str]:
    return {check.exercise for check in CHECKS[lab.package] if "chromium" in check.needs}


def wrong_pages() -> Iterator[object]:
    for lab in load_catalog(ROOT):
        for mutant in load_mutants(ROOT, lab):
            if "chromium" in needs_of_mutant(mutant, CHECKS[lab.package]):
                yield pytest.param(lab, mutant, id=mutant.name)


def right_pages() -> Iterator[object]:
    for lab in load_catalog(ROOT):
        for answer in load_alternatives(ROOT, lab):
            if answer.exercise in judged_by_browser(lab):
                yield pytest.param(lab, answer, id=answer.name)


@pytest.fixture(scope="module")
def engine(patience: None) -> Iterator[Engine]:
    with Engine(ROOT) as engine:
        yield engine


@pytest.mark.parametrize(("lab", "mutant"), list(wrong_pages()))
def test_a_wrong_page_is_caught_and_named(lab: Lab, mutant: Mutant, engine: Engine, tmp_path: Path) -> None:
    track = resolve_track(ROOT, str(write_submission(mutant, tmp_path / lab.package)), lab)
    [report] = engine.run_many(lab, [track], exercises=[mutant.exercise], checks=[mutant.caught_by])
    messages = "\n".join(f"{one.check} {one.outcome}: {one.message.raw}" for one in report.results)
    assert not [one for one in report.results if one.outcome == "error"], messages
    assert not mutant.not_caught_by(report), messages
    assert mutant.is_named_by(report), messages


@pytest.mark.parametrize("lab", [pytest.param(lab, id=lab.package) for lab in load_catalog(ROOT)])
def test_the_pages_of_the_solution_pass(lab: Lab, engine: Engine) -> None:
    judged = judged_by_browser(lab)
    report = engine.run(lab, sorted(judged), resolve_track(ROOT, "solutions", lab)) if judged else None
    found = [] if report is None else [(one.check, one.message) for one in report.results if one.outcome != "passed"]
    assert found == []


@pytest.mark.parametrize(("lab", "answer"), list(right_pages()))
def test_a_right_page_written_another_way_passes(lab: Lab, answer: Mutant, engine: Engine, tmp_path: Path) -> None:
    track = resolve_track(ROOT, str(write_submission(answer, tmp_path / lab.package)), lab)
    report = engine.run(lab, [answer.exercise], track)
    messages = "\n".join(f"{one.check} {one.outcome}: {one.message.raw}" for one in report.results)
    assert {one.outcome for one in report.results} == {"passed"}, messages
