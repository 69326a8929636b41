"""The game day of week 6: what is the matter? Metrics and reports are all you have.

    python -m weeks.week6_monitoring.game_day --seed 7              begin, or look again
    python -m weeks.week6_monitoring.game_day --answer slow-model   is it this?
    python -m weeks.week6_monitoring.game_day --give-up             the explanation, without an answer

The same is drawn in `reports/game-day-6.html`, a page that needs no network.
"""

from __future__ import annotations

import argparse
import difflib
import random
import sys
import textwrap
from pathlib import Path

import pandas as pd

from weeks.games import SeededGame
from weeks.guide_figures import ROOT
from weeks.week6_monitoring.page import Panel
from weeks.week6_monitoring.scenarios import STEP, Scenario, causes, scenario

GAMES = ROOT / ".lab" / "game-day" / "lab6_monitoring"
PAGE = ROOT / "reports" / "game-day-6.html"
EVERY = 30  # minutes between two lines of the table


class Game(SeededGame):
    """The game that goes on, and its page."""

    def __init__(self, folder: Path = GAMES, page: Path = PAGE) -> None:
        super().__init__(folder)
        self.page = page


def told(given: Scenario, game: Game, seed: int) -> str:
    """The metrics and the reports as text, and what may be answered."""
    page = given.page(seed)
    parts = [f"Game day, seed {seed}. Somebody says that the prices are odd today. Are they?", "", metrics(page.panels)]
    for title, table in page.tables.items():
        parts += ["", f"{title}:", shown(table)]
    parts += ["", f"Drawn: {page.write(game.page)}", "", "What is it?"]
    parts += [f"  {cause.name:<15} {cause.title}" for cause in causes().values()]
    return "\n".join([*parts, "", "Answer: make game-day-6 ARGS='--answer all-well'"])


def shown(table: pd.DataFrame, most: int = 14) -> str:
    """A table as text; of a long one the first and the last lines."""
    if table.empty:
        return "  none"
    lines = table.to_string(index=False).splitlines()
    if len(lines) > most:
        lines = [*lines[: most - 4], f"… {len(lines) - most} more …", *lines[-3:]]
    return textwrap.indent("\n".join(lines), "  ")


def metrics(panels: list[Panel]) -> str:
    """The panels, a line for each half hour."""
    by_title = {panel.title: panel.lines for panel in panels}

    def summed(title: str, route: str = "") -> pd.Series:
        lines = by_title[title]
        return lines[route] if route else lines.max(axis="columns")

    price, other = "/v1/house-price", "/v1/models"
    table = pd.DataFrame(
        {
            "requests/s": summed("Requests", price).map("{:.2f}".format),
            "errors": summed("Errors").map("{:.2%}".format),
            "p99 price": summed("Latency", price).map("{:.3f} s".format),
            "p99 other": summed("Latency", other).map("{:.3f} s".format),
            "version": by_title["Predictions"].apply(_version, axis="columns"),
            "median USD": summed("Price").map("{:,.0f}".format),
            "unseen zips": summed("Unseen zipcodes").map("{:.1%}".format),
            "age, days": (summed("Model age") / 86_400).map("{:.1f}".format),
            "largest drift": summed("Drift").map("{:.2f}".format),
        }
    ).replace(to_replace=r"^nan.*", value="-", regex=True)
    table.insert(0, "at", [f"{at:%H:%M}" for at in by_title["Requests"].index])
    return table.iloc[:: EVERY // STEP].to_string(index=False)


def _version(row: pd.Series) -> str:
    known = row.dropna()
    return str(known.index[0])[:6] if len(known) else "-"


def explained(given: Scenario) -> str:
    """What it was, what shows it, and what to do."""
    cause = given.cause
    began = f" It began at {given.clock(given.day.begun)}." if cause.name in HAVE_A_BEGINNING else ""
    text = [f"It is `{cause.name}`: {cause.title}.{began}", f"What shows it: {cause.shows}", f"Now: {cause.next_step}"]
    return "\n\n".join(textwrap.fill(one, 90) for one in text)


HAVE_A_BEGINNING = ("traffic-stops", "service-down", "slow-model", "square-metres", "other-houses")


def play(seed: int | None = None, *, answer: str | None = None, give_up: bool = False, game: Game | None = None) -> int:
    """Begin a game, look at the one that goes on, or judge an answer; 0 where it is right or given up."""
    game = game or Game()
    going_on = game.seed
    if answer is None and not give_up:
        if seed is None:
            seed = random.SystemRandom().randrange(1, 1000) if going_on is None else going_on
        game.begin(seed)
        print(told(scenario(seed), game, seed))
        return 0
    if seed is not None:
        going_on = seed
    if going_on is None:
        print("No game goes on. Begin one: make game-day-6 SEED=7")
        return 1
    given = scenario(going_on)
    if answer is not None and answer not in causes():
        near = difflib.get_close_matches(answer, causes(), 1)
        print(f"`{answer}` is none of {', '.join(causes())}." + (f" Is it `{near[0]}`?" if near else ""))
        return 1
    if answer is not None and answer != given.cause.name:
        print(textwrap.fill(f"Not `{answer}`. If it were: {causes()[answer].shows} Look again.", 90))
        return 1
    print("Right.\n\n" + explained(given) if answer else explained(given))
    game.end()
    return 0


def main(arguments: list[str] | None = None) -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="make game-day-6", description="The game day of week 6.")
    parser.add_argument("--seed", type=int, help="the same seed is the same trouble; without it one is drawn")
    parser.add_argument("--answer", metavar="CAUSE", help="one of the causes that are listed")
    parser.add_argument("--give-up", action="store_true", help="explain it, and end the game")
    asked = parser.parse_args(arguments)
    sys.path.insert(0, str(ROOT / "solutions"))
    return play(asked.seed, answer=asked.answer, give_up=asked.give_up)


if __name__ == "__main__":
    sys.exit(main())
