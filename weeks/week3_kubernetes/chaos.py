"""The game day of week 3: something is broken, and kubectl shows what it would show on a cluster.

    python -m weeks.week3_kubernetes.chaos --seed 7     begin, or look whether it is mended
    python -m weeks.week3_kubernetes.chaos --give-up    the explanation, without having mended it

The files to mend are a copy of the solution in `.lab/chaos/lab3_kubernetes/`. Your own files are left alone.
"""

from __future__ import annotations

import argparse
import random
import sys
import textwrap
import tomllib
from dataclasses import dataclass
from pathlib import Path

from labkit.course.catalog import load_catalog
from labkit.course.mutants import Mutant, load_mutants, write_submission
from labkit.course.tracks import resolve_track
from labkit.engine.client import Engine
from weeks.games import SeededGame

ROOT = Path(__file__).resolve().parents[2]
GAMES = ROOT / ".lab" / "chaos"
LAB = "lab3_kubernetes"
EXERCISES = ("3.1", "3.2", "3.3", "3.4", "3.5")
HASH = "bcdfghjklmnpqrstvwxz2456789"  # the letters and digits in the names of pods


@dataclass(frozen=True)
class Fault:
    """One fault: the wrong answer that it is, what is told, what kubectl shows, and how it is found."""

    mutant: str
    story: str
    symptoms: str
    found: str


def faults() -> list[Fault]:
    """All faults, in the order of their file."""
    text = (Path(__file__).parent / "faults.toml").read_text(encoding="utf-8")
    return [Fault(**one) for one in tomllib.loads(text)["fault"]]


def mutant_of(fault: Fault) -> Mutant:
    """The wrong answer behind a fault."""
    found = [one for one in load_mutants(ROOT, load_catalog(ROOT).lab(LAB)) if one.name == fault.mutant]
    if not found:
        raise LookupError(f"faults.toml: no wrong answer is called `{fault.mutant}`")
    return found[0]


def rendered(fault: Fault, seed: int) -> str:
    """What kubectl shows, with names drawn from the seed."""
    draw = random.Random(seed)
    names = {name: "".join(draw.choices(HASH, k=size)) for name, size in (("a", 10), ("b", 10), ("c", 5))}
    nodes = {name: f"node-{draw.randrange(10, 99)}" for name in ("n1", "n2")}
    text = fault.symptoms.strip()
    for name, value in {**names, **nodes}.items():
        text = text.replace(f"{{{name}}}", value)
    return text.replace("{{", "{").replace("}}", "}")


class Game(SeededGame):
    """One game in a folder: the seed, the fault, and the files to mend."""

    def __init__(self, folder: Path = GAMES) -> None:
        super().__init__(folder)

    @property
    def files(self) -> Path:
        """The files to mend."""
        return self.folder / LAB

    def fault(self) -> Fault:
        """The fault of the game that goes on."""
        known = faults()
        return known[random.Random(self.seed).randrange(len(known))]

    def begin(self, seed: int) -> None:
        """Break a copy of the solution."""
        self.end()
        super().begin(seed)
        write_submission(mutant_of(self.fault()), self.files)

    def failing(self) -> int:
        """How many checks of the manifests fail."""
        lab = load_catalog(ROOT).lab(LAB)
        with Engine(ROOT) as engine:
            report = engine.run(lab, list(EXERCISES), resolve_track(ROOT, str(self.files), lab))
        return sum(result.outcome not in ("passed", "skipped") for result in report.results)


def told(game: Game, seed: int) -> str:
    """The story, the symptoms, and what to do."""
    fault = game.fault()
    where = game.files.relative_to(ROOT) if game.files.is_relative_to(ROOT) else game.files
    return "\n".join([
        f"Game day, seed {seed}",
        "",
        *textwrap.wrap(fault.story, 78),
        "",
        textwrap.indent(rendered(fault, seed), "    "),
        "",
        f"Mend the files in {where}/base, then: make chaos-3",
    ])  # fmt: skip


def explained(game: Game) -> str:
    """What it was, and how one would have found it."""
    fault = game.fault()
    mutant = mutant_of(fault)
    lines = textwrap.wrap(fault.found.replace("\n", " "), 78)
    return "\n".join([f"It was {mutant.file}: {mutant.misconception}.", "", *lines])


def play(seed: int | None, *, give_up: bool = False, game: Game | None = None) -> int:
    """Begin a game, or look at the one that goes on; 0 where it is mended or given up."""
    game = game or Game()
    going_on = game.seed
    if going_on is None or (seed is not None and seed != going_on):
        if give_up:
            print("No game goes on. Begin one: make chaos-3 SEED=7")
            return 1
        seed = random.SystemRandom().randrange(1, 1000) if seed is None else seed
        game.begin(seed)
        print(told(game, seed))
        return 0
    if give_up:
        print(explained(game))
        game.end()
        return 0
    failing = game.failing()
    if failing:
        print(told(game, going_on))
        print(f"\nNot yet: {failing} {'check fails' if failing == 1 else 'checks fail'}. "
              "ARGS=--give-up explains it.")  # fmt: skip
        return 1
    print("Mended: all checks are green.\n")
    print(explained(game))
    game.end()
    return 0


def main(arguments: list[str] | None = None) -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="make chaos-3", description="The game day of week 3.")
    parser.add_argument("--seed", type=int, help="the same seed is the same fault; without it one is drawn")
    parser.add_argument("--give-up", action="store_true", help="explain the fault, and end the game")
    asked = parser.parse_args(arguments)
    return play(asked.seed, give_up=asked.give_up)


if __name__ == "__main__":
    sys.exit(main())
