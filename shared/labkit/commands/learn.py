"""The board, and the commands that help a learner on: start, hint, solution, reset."""

from __future__ import annotations

import sys
from difflib import SequenceMatcher, unified_diff
from pathlib import Path

from labkit.commands.common import FAILED, OK, UsageFault, confirmed, open_catalog, relative, say
from labkit.course.lab import Exercise, Lab
from labkit.course.marks import focus, split_lines
from labkit.files import read_text
from labkit.learner.progress import load_progress, standings


def board() -> int:
    """`lab`: the board of all labs."""
    catalog = open_catalog()
    from labkit.render.board import print_board
    from labkit.render.style import make_console

    print_board(make_console(), catalog, load_progress(catalog.root))
    return OK


def start(which: str) -> int:
    """`lab start N`: where everything is, the state of each exercise, the next command."""
    catalog = open_catalog()
    lab = catalog.lab(which)
    from labkit.render.board import print_lab
    from labkit.render.style import make_console

    print_lab(make_console(), catalog.root, lab, load_progress(catalog.root))
    return OK


def hint(id: str) -> int:
    """`lab hint N.M`: one more hint each time."""
    catalog = open_catalog()
    _, exercise = catalog.exercise(id)
    if not exercise.hints:
        raise UsageFault(
            f"exercise {id} has no hint. The guide may help: `lab start {id.partition('.')[0]}` says where it is."
        )
    progress = load_progress(catalog.root)
    if progress.warning:
        say(progress.warning)
    count = progress.next_hint(exercise)
    progress.save()
    _print_hints(exercise, count)
    return OK


def _print_hints(exercise: Exercise, count: int) -> None:
    from rich.text import Text

    from labkit.render.style import commands, indented, make_console

    console = make_console()
    console.print()
    console.print(Text(f"  {exercise.id}  {exercise.title}", style="bold"))
    for number, text in enumerate(exercise.hints[:count], start=1):
        newest = number == count
        console.print()
        console.print(Text(f"  hint {number} of {len(exercise.hints)}", style="yellow" if newest else "dim"))
        body = commands(console, text) if newest else Text(text.replace("`", ""), style="dim")
        console.print(indented(console, body, 4))
    following = f"`lab hint {exercise.id}` gives one more" if count < len(exercise.hints) else (
        f"that was the last one; `lab solution {exercise.id}` shows the reference"
    )  # fmt: skip
    console.print()
    console.print(commands(console, f"  {following}"))
    console.print()


def solution(id: str, *, yes: bool) -> int:
    """`lab solution N.M`: the reference for one exercise, as a diff against the learner's file."""
    catalog = open_catalog()
    lab, exercise = catalog.exercise(id)
    question = f"This shows the reference solution of {id} ({exercise.title}). Show it?"
    if not confirmed(question, yes=yes):
        print("Nothing was shown.")
        return FAILED
    diff = solution_diff(catalog.root, lab, exercise)
    if not diff:
        print(f"Your {lab.labs_dir / exercise.file} already has every line of the reference for {id}.")
        return OK
    _print_diff(diff)
    return OK


def solution_diff(root: Path, lab: Lab, exercise: Exercise) -> list[str]:
    """Unified diff from the learner's files to the same files with this exercise solved; nothing of another one."""
    return [line for file in exercise.files for line in _file_diff(root, lab, exercise, file)]


def _file_diff(root: Path, lab: Lab, exercise: Exercise, file: str) -> list[str]:
    path = root / lab.solutions_dir / file
    titles = {other.id: other.title for other in lab.exercises_of(file)}
    wanted = focus(path.read_text(encoding="utf-8"), relative(path, root), exercise.id, titles)
    mine = split_lines(read_text(root / lab.labs_dir / file) or "")
    shown = (lab.labs_dir / file).as_posix()
    solved = _with_part(mine, wanted)
    return list(unified_diff(mine, solved, f"{shown} (yours)", f"{shown} (reference for {exercise.id})", lineterm=""))


def _with_part(mine: list[str], wanted: list[tuple[str, bool]]) -> list[str]:
    """The learner's lines, changed only where the difference is about a line of the wanted part (marked True)."""
    lines = [line for line, _ in wanted]
    solved: list[str] = []
    for kind, a, b, c, d in SequenceMatcher(None, mine, lines, autojunk=False).get_opcodes():
        owned = [place for place in range(c, d) if wanted[place][1]]
        if kind == "equal" or not (owned or _inside(wanted, c, d)):
            solved += mine[a:b]
        elif owned:
            solved += lines[owned[0] : owned[-1] + 1]
    return solved


def _inside(wanted: list[tuple[str, bool]], c: int, d: int) -> bool:
    """Whether lines that the learner alone has stand between two lines of the part."""
    return c == d and 0 < c < len(wanted) and wanted[c - 1][1] and wanted[c][1]


def _print_diff(diff: list[str]) -> None:
    from rich.text import Text

    from labkit.render.style import make_console
    from labkit.text import for_line

    console = make_console()
    colours = {"+": "green", "-": "red", "@": "cyan"}
    for line in diff:
        bold = line.startswith(("---", "+++"))
        style = "bold" if bold else colours.get(line[:1], "default")
        console.print(Text(for_line(line, 500), style=style), soft_wrap=True)


def reset(which: str, *, yes: bool) -> int:
    """`lab reset N`: put the starter back; the old files are kept aside."""
    from labkit.course.starters import sync

    catalog = open_catalog()
    lab = catalog.lab(which)
    started = sum(standing.state != "todo" for standing in standings(catalog.root, lab, load_progress(catalog.root)))
    question = (
        f"This puts the starter of lab {lab.number} back into {lab.labs_dir.as_posix()}/ "
        f"({started} of {len(lab.exercises)} exercises are begun). Your files are kept. Go on?"
    )
    if not confirmed(question, yes=yes):
        print("Nothing was changed.")
        return FAILED
    report = sync(catalog.root, [lab])
    progress = load_progress(catalog.root)
    progress.forget(lab)
    progress.save()
    if not report.written:
        print(f"{lab.labs_dir.as_posix()}/ is as it was given: nothing to put back.")
        return OK
    for file in report.written:
        print(f"  put back  {file}")
    if report.kept:
        print(f"Your old files are in {relative(report.kept, catalog.root)}/{lab.package}/")
    sys.stdout.flush()
    return OK
