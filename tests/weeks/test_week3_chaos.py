"""The game day of week 3: each fault is one that the checks know, and a game can be played to its end."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from labkit.course import marks
from weeks.week3_kubernetes import chaos

FAULTS = chaos.faults()


def test_there_are_twelve_faults_or_more_and_each_is_another_one() -> None:
    assert 12 <= len(FAULTS) <= 19
    assert len({fault.mutant for fault in FAULTS}) == len(FAULTS)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.mutant)
def test_a_fault_is_a_wrong_answer_and_its_symptoms_are_commands_with_output(fault: chaos.Fault) -> None:
    mutant = chaos.mutant_of(fault)
    assert mutant.exercise in chaos.EXERCISES and mutant.file.startswith("base/")
    text = chaos.rendered(fault, 7)
    assert not re.search(r"\{[abcn]\d?\}|\{\{|\}\}", text)
    assert text != chaos.rendered(fault, 8) or fault.mutant == "3.2_path_is_exact"
    parts = re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]
    assert len(parts) >= 2 and all(len(part.splitlines()) >= 2 for part in parts)
    # The story and the symptoms do not give the answer away.
    assert mutant.misconception not in fault.story and len(fault.found.split()) >= 20


def test_a_game_is_played_to_its_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    game = chaos.Game(tmp_path / "chaos")
    assert chaos.play(7, game=game) == 0
    fault, mutant = game.fault(), chaos.mutant_of(game.fault())
    assert fault.story[:30] in capsys.readouterr().out.replace("\n", " ")

    assert chaos.play(None, game=game) == 1
    said = capsys.readouterr().out
    assert "Not yet:" in said and fault.found[:30] not in said

    solution = (chaos.ROOT / "solutions" / chaos.LAB / mutant.file).read_text(encoding="utf-8")
    (game.files / mutant.file).write_text(marks.reference(solution, mutant.file), encoding="utf-8")
    assert chaos.play(7, game=game) == 0
    said = capsys.readouterr().out
    assert "Mended" in said and fault.found[:30] in said and not game.folder.exists()


def test_who_gives_up_is_told_what_it_was(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    game = chaos.Game(tmp_path / "chaos")
    assert chaos.play(None, give_up=True, game=game) == 1
    chaos.play(3, game=game)
    fault = game.fault()
    assert chaos.play(None, give_up=True, game=game) == 0
    assert fault.found[:30] in capsys.readouterr().out and game.seed is None
