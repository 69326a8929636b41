"""The wrong and the right answers of the labs that need no server (see `tests.answers`)."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests import answers
from tests.answers import WITHOUT_SERVERS, each_exercise, each_lab

from labkit.course.lab import Lab
from labkit.engine.client import Engine

engine = answers.engine


@each_exercise(WITHOUT_SERVERS)
def test_every_wrong_answer_is_caught_and_named(lab: Lab, exercise: str, engine: Engine, tmp_path: Path) -> None:
    answers.every_wrong_answer_is_caught_and_named(lab, exercise, engine, tmp_path)


@each_exercise(WITHOUT_SERVERS)
def test_right_answers_written_another_way_pass(
    lab: Lab, exercise: str, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers.right_answers_written_another_way_pass(lab, exercise, engine, tmp_path, monkeypatch)


@each_lab(WITHOUT_SERVERS)
def test_the_solution_passes_and_the_starter_is_all_todo(
    lab: Lab, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers.the_solution_passes_and_the_starter_is_all_todo(lab, engine, tmp_path, monkeypatch)
