"""The game day of week 6: each cause shows what it is said to show, and a game can be played to its end."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from weeks.week6_monitoring import game_day, scenarios
from weeks.week6_monitoring.game_day import Game, play
from weeks.week6_monitoring.scenarios import SCENARIOS, Scenario, causes, scenario


@pytest.fixture(autouse=True)
def no_drift_report(monkeypatch: pytest.MonkeyPatch) -> None:
    """The drift report takes Evidently some seconds: here it is made up."""

    def made_up(kind: str) -> pd.DataFrame:
        psi = {"metres": {"sqft_living": 10.0}, "other": {"zipcode": 3.0}}.get(kind, {"lat": 0.01})
        return pd.DataFrame({"feature": list(psi), "PSI": list(psi.values())})

    monkeypatch.setattr(scenarios, "drift_table", made_up)


def seed_of(name: str) -> int:
    return next(seed for seed in range(len(SCENARIOS)) if scenario(seed).cause.name == name)


def rings(given: Scenario) -> list[str]:
    return [name for _, name, what in sorted(given.day.alerts) if what == "rings"]


def test_seeds_that_follow_each_other_go_through_all_causes() -> None:
    assert set(causes()) == set(SCENARIOS)
    for first in (0, 8, 800):
        assert {scenario(seed).cause.name for seed in range(first, first + len(SCENARIOS))} == set(SCENARIOS)


def test_a_seed_is_always_the_same_day() -> None:
    for seed in (1, 2):
        one, again = (scenario(seed).page(seed) for _ in range(2))
        assert [panel.lines.to_csv() for panel in one.panels] == [panel.lines.to_csv() for panel in again.panels]


@pytest.mark.parametrize("seed", range(24))
def test_the_alerts_are_those_of_the_cause(seed: int) -> None:
    given = scenario(seed)
    expected = {
        "traffic-stops": ["NoTraffic"], "service-down": ["ServiceDown"], "slow-model": ["AnswersSlow"],
        "square-metres": ["FeatureDrift"], "other-houses": ["FeatureDrift"], "price-shift": [], "all-well": [],
    }  # fmt: skip
    if given.cause.name == "flapping-alert":
        assert len(rings(given)) >= 6 and set(rings(given)) == {"AnswersSlow"}
    else:
        assert rings(given) == expected[given.cause.name]


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_panels_tell_causes_apart(name: str) -> None:
    given = scenario(seed_of(name))
    lines = {panel.title: panel.lines for panel in given.panels()}
    price, other = "/v1/house-price", "/v1/models"
    end = {title: panel.iloc[-1] for title, panel in lines.items()}
    assert (end["Requests"][price] == 0) == (name == "traffic-stops")
    assert pd.isna(end["Model age"]).all() == (name == "service-down")
    assert (lines["Latency"][price].tail(12).min() > scenarios.BUDGET) == (name == "slow-model")
    assert lines["Latency"][other].max() < scenarios.BUDGET
    assert (len(lines["Predictions"].columns) == 2) == (name == "slow-model")
    assert (end["Unseen zipcodes"].iloc[0] > 0.3) == (name == "other-houses")
    assert (end["Drift"].max() > 0.2) == (name in ("square-metres", "other-houses"))
    if name == "square-metres":
        medians = lines["Price"].iloc[:, 0].tolist()
        assert medians[-1] < 0.8 * medians[0]
    bias = given.page(0).tables["Error of the complete months"]["bias"].astype(float)
    assert (bias.min() < -0.03) == (name == "price-shift")


def test_a_game_is_played_to_its_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    game = Game(tmp_path / "game", tmp_path / "page.html")
    assert play(answer="all-well", game=game) == 1 and "No game goes on" in capsys.readouterr().out
    seed = seed_of("slow-model")
    assert play(seed, game=game) == 0
    said = capsys.readouterr().out
    assert "slow-model" in said.partition("What is it?")[2] and causes()["slow-model"].shows[:30] not in said
    text = game.page.read_text(encoding="utf-8")
    assert "slow" not in text.partition("<body>")[2].replace("AnswersSlow", ""), "the page names no cause"

    assert play(answer="slow-modle", game=game) == 1 and "Is it `slow-model`?" in capsys.readouterr().out
    assert play(answer="all-well", game=game) == 1
    said = capsys.readouterr().out
    assert "Not `all-well`" in said and "Right" not in said and game.seed == seed
    assert play(answer="slow-model", game=game) == 0
    said = capsys.readouterr().out
    assert "Right." in said and "began at" in said and "Roll the version back" in said.replace("\n", " ")
    assert game.seed is None


def test_who_gives_up_is_told_what_it_was(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    game = Game(tmp_path / "game", tmp_path / "page.html")
    play(3, game=game)
    capsys.readouterr()
    assert play(give_up=True, game=game) == 0
    assert scenario(3).cause.title in capsys.readouterr().out and game.seed is None


def test_a_long_list_of_alerts_is_cut() -> None:
    table = pd.DataFrame({"number": range(100)})
    assert len(game_day.shown(table).splitlines()) <= 15 and "99" in game_day.shown(table)
