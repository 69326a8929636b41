"""Each wrong answer fails its check with a message that names the mistake; each right one passes.

A file of tests is one worker's, and these are more than a third of all: so there are two files, each with some labs.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from labkit.course.catalog import load_catalog
from labkit.course.check_functions import needs_of_mutant, read_checks
from labkit.course.lab import Lab
from labkit.course.mutants import Mutant, by_exercise, load_alternatives, load_mutants, write_submission
from labkit.course.starters import render_starters, write_solved
from labkit.course.tracks import resolve_track
from labkit.engine.client import Engine
from labkit.records import Report, Result
from labkit.tools import is_there

ROOT = Path(__file__).resolve().parents[1]
ALL = list(load_catalog(ROOT))
CHECKS = {lab.package: read_checks(ROOT, lab) for lab in ALL}
# A page takes seconds in a browser: tests/live has the right and the wrong ones.
SLOW_TOOL = "chromium"
# What is played to a tool like that is quick, where the tool is there.
QUICK_TOOLS = {name for name in ("promtool", "amtool") if is_there(name)}
# Their checks wait for servers: MLflow's and Prefect's.
WITH_SERVERS = [lab for lab in ALL if {"mlflow", "prefect"} & set(lab.services)]
WITHOUT_SERVERS = [lab for lab in ALL if lab not in WITH_SERVERS]


@pytest.fixture(scope="module")
def engine(patience: None) -> Iterator[Engine]:
    """An engine for all tests of a file."""
    with Engine(ROOT, jobs=2) as engine:
        yield engine


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test for each exercise of the `LABS` of a file, or for each of these labs."""
    labs: list[Lab] = metafunc.module.LABS
    if "exercise" in metafunc.fixturenames:
        found = [pytest.param(lab, exercise.id, id=exercise.id) for lab in labs for exercise in lab.exercises]
        metafunc.parametrize(("lab", "exercise"), found)
    else:
        metafunc.parametrize("lab", [pytest.param(lab, id=lab.package) for lab in labs])


def check(engine: Engine, lab: Lab, mutants: list[Mutant], folder: Path) -> list[Report]:
    """Check answers on their exercise; each wrong one by those checks alone that must catch it."""
    folders = [write_submission(mutant, folder / mutant.name / lab.package) for mutant in mutants]
    tracks = [resolve_track(ROOT, str(one), lab) for one in folders]
    checks = [mutant.caught_by for mutant in mutants]
    return engine.run_many(lab, tracks, exercises=[mutants[0].exercise], checks=checks)


def problems(mutant: Mutant, report: Report) -> list[str]:
    """What is wrong with the verdict on a wrong answer."""
    errors = [
        f"{result.check} is an error: {result.message.raw}" for result in report.results if result.outcome == "error"
    ]
    missed = [f"{name} did not fail" for name in mutant.not_caught_by(report)]
    messages = "\n".join(result.message.raw for result in report.results)
    silent = [] if missed or mutant.is_named_by(report) else [f"no message says `{mutant.says}`:\n{messages}"]
    return [f"{mutant.name}: {problem}" for problem in (*errors, *missed, *silent)]


def test_every_wrong_answer_is_caught_and_named(lab: Lab, exercise: str, engine: Engine, tmp_path: Path) -> None:
    """Fail where a wrong answer of an exercise passes its check, or where no message names the mistake."""
    # Those that only Docker or a browser can catch take long: tests/live has them.
    mutants = [
        mutant
        for mutant in by_exercise(load_mutants(ROOT, lab))[exercise]
        if needs_of_mutant(mutant, CHECKS[lab.package]) <= QUICK_TOOLS
    ]
    reports = check(engine, lab, mutants, tmp_path)
    found = [problem for mutant, report in zip(mutants, reports, strict=True) for problem in problems(mutant, report)]
    assert not found, "\n".join(found)


def test_right_answers_written_another_way_pass(
    lab: Lab, exercise: str, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fail where a right answer of an exercise does not pass, or where there are less than two."""
    monkeypatch.setenv("LABKIT_WITHOUT", SLOW_TOOL)
    answers = by_exercise(load_alternatives(ROOT, lab)).get(exercise, [])
    wanted = f"{lab.alternatives_dir.as_posix()}/: two right answers for {exercise} are needed"
    assert len(answers) >= 2, wanted
    reports = check(engine, lab, answers, tmp_path)
    found = [
        f"{answer.name}: {result.check} {result.outcome}\n{result.message.raw}"
        for answer, report in zip(answers, reports, strict=True)
        for result in report.results
        if not fine(lab, result)
    ]
    assert not found, "\n".join(found)


def fine(lab: Lab, result: Result) -> bool:
    """Whether a check has passed, or was skipped for want of a tool that it names."""
    name = result.check.partition("[")[0]
    may_be_skipped = {check.name for check in CHECKS[lab.package] if check.needs}
    return result.outcome == "passed" or (result.outcome == "skipped" and name in may_be_skipped)


def built_on(lab: Lab, exercise: str) -> set[str]:
    """An exercise and those that it builds on, directly or through others."""
    return {exercise}.union(*(built_on(lab, one) for one in lab.exercise(exercise).after))


def test_each_exercise_can_be_passed_with_those_that_it_builds_on(
    lab: Lab, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fail where a check wants more than the exercises that `lab.toml` names for its own: all others are to be done."""
    monkeypatch.setenv("LABKIT_WITHOUT", SLOW_TOOL)
    failed = []
    for exercise in lab.exercises:
        folder = tmp_path / exercise.id / lab.package
        write_solved(ROOT, lab, built_on(lab, exercise.id), folder)
        (report,) = engine.run_many(lab, [resolve_track(ROOT, str(folder), lab)], exercises=[exercise.id])
        failed += [
            f"{exercise.id}: {result.check} {result.outcome}\n{result.message.raw}"
            for result in report.results
            if not fine(lab, result)
        ]
    assert not failed, "\n".join(failed)


def test_the_starter_is_all_todo(lab: Lab, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail where a check says something else than `todo` of the starter, or where an exercise has none."""
    monkeypatch.setenv("LABKIT_WITHOUT", SLOW_TOOL)
    render_starters(ROOT, tmp_path)
    started = engine.run(lab, None, resolve_track(ROOT, str(tmp_path / lab.package), lab))
    others = [f"{result.check} {result.outcome}" for result in started.results if result.outcome != "todo"]
    assert not others, "\n".join(others)
    missing = {exercise.id for exercise in lab.exercises} - {result.exercise for result in started.results}
    assert not missing, f"no check of {', '.join(sorted(missing))}"
