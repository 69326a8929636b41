"""The board of all labs, and the page of one lab."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from labkit.course.catalog import WEEK_NAMES, Catalog
from labkit.course.lab import Lab
from labkit.learner.progress import Progress, Standing, first_unfinished, lab_in_hand, standings
from labkit.render.style import QUIET, colour, columns, commands, minutes, sign, words
from labkit.text import for_line

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text


def print_board(console: Console, catalog: Catalog, progress: Progress) -> None:
    """All eight weeks: what is done, what there is to do, what is not there yet; and the next command."""
    found = {lab.number: standings(catalog.root, lab, progress) for lab in catalog}
    everything = [standing for lab in found.values() for standing in lab]
    done = sum(standing.state == "passed" for standing in everything)
    console.print()
    console.print(heading(console, "mlops-lab", f"{done} of {len(everything)} exercises done"))
    console.print()
    console.print(columns(console, list(_weeks(console, catalog, found)), elastic=1))
    console.print()
    warn(console, progress)
    lab = lab_in_hand(catalog.root, catalog, progress)
    print_next(console, lab, found[lab.number])


def _weeks(console: Console, catalog: Catalog, found: dict[int, list[Standing]]) -> Sequence[Sequence[Text]]:
    from rich.text import Text

    labs = {lab.number: lab for lab in catalog}
    names = dict(enumerate(WEEK_NAMES, start=1))
    rows: list[list[Text]] = []
    for number in sorted({*labs, *names}):
        if number in labs:
            rows.append(_week(console, labs[number], found[number]))
        else:
            rows.append([Text(str(number), QUIET), Text(names[number], QUIET), Text("not there yet", QUIET)])
    return rows


def _week(console: Console, lab: Lab, found: Sequence[Standing]) -> list[Text]:
    from rich.text import Text

    done = sum(standing.state == "passed" for standing in found)
    signs = Text(" ").join(sign(console, standing.state) for standing in found)
    count = Text(f"{done} of {len(found)}", style="green" if done == len(found) else "default")
    return [Text(str(lab.number), "bold"), Text(lab.title, "bold"), signs, count, Text(minutes(lab.minutes), QUIET)]


def print_lab(console: Console, root: Path, lab: Lab, progress: Progress) -> None:
    """One lab: where everything is, each exercise with state and minutes, and the next command."""
    found = standings(root, lab, progress)
    done = sum(standing.state == "passed" for standing in found)
    console.print()
    console.print(
        heading(console, f"Lab {lab.number}  {lab.title}", f"{done} of {len(found)} done, {minutes(lab.minutes)}")
    )
    console.print()
    console.print(columns(console, _places(console, root, lab), elastic=0))
    console.print()
    console.print(exercise_table(console, found))
    console.print()
    warn(console, progress)
    print_next(console, lab, found)


def _places(console: Console, root: Path, lab: Lab) -> list[list[Text]]:
    from rich.text import Text

    places = {
        "guide": lab.guide.as_posix(),
        "your files": f"{lab.labs_dir.as_posix()}/",
        "notebook": lab.notebook.as_posix(),
    }
    there = {name: path for name, path in places.items() if name == "your files" or (root / path).exists()}
    if lab.needs:
        there["needs"] = ", ".join(lab.needs)
    rows = [[Text(name, QUIET), Text(path)] for name, path in there.items()]
    if lab.servers:
        rows.append([Text("servers", QUIET), commands(console, f"`lab up {lab.number}`")])
    return rows


def exercise_table(console: Console, found: Sequence[Standing]) -> Text:
    """The exercises below the name of their file: sign, id, title, minutes, state."""
    from rich.text import Text

    lines = columns(console, [_row(console, standing) for standing in found], elastic=2, right=3, indent=4).split("\n")
    table: list[Text] = []
    file = ""
    for standing, line in zip(found, lines, strict=True):
        if standing.exercise.file != file:
            file = standing.exercise.file
            table.append(Text(f"  {file}", style=QUIET))
        table.append(line)
    return Text("\n").join(table)


def _row(console: Console, standing: Standing) -> list[Text]:
    from rich.text import Text

    exercise = standing.exercise
    return [
        sign(console, standing.state),
        Text(exercise.id, "bold"),
        Text(exercise.title),
        Text(minutes(exercise.minutes), QUIET),
        Text(words(standing.state), colour(standing.state)),
    ]


def print_next(console: Console, lab: Lab, found: Sequence[Standing]) -> None:
    """The next exercise, where it is written, and what to type."""
    standing = first_unfinished(found)
    if standing is None:
        console.print(
            commands(console, f"  Lab {lab.number} is done. `lab solution {lab.number}.1` shows the reference.\n")
        )
        return
    exercise = standing.exercise
    if standing.state == "missing":
        console.print(
            commands(
                console, f"  {place(lab, standing)} is missing: `lab reset {lab.number}` puts the starter there.\n"
            )
        )
        return
    console.print(
        commands(console, f"  Next  {exercise.id} {exercise.title}, in ").append(place(lab, standing), "default"),
        soft_wrap=True,
    )
    console.print(
        commands(
            console, f"        `lab check {exercise.id}`, or `lab watch {lab.number}` for a verdict at each save\n"
        )
    )


def place(lab: Lab, standing: Standing) -> str:
    """`labs/lab1_models/house_price.py:32`, which editors open."""
    path = (lab.labs_dir / standing.file).as_posix()
    return f"{path}:{standing.line}" if standing.line else path


def warn(console: Console, progress: Progress) -> None:
    """Say what was wrong with the progress file, if anything was."""
    if progress.warning:
        console.print(f"  {for_line(progress.warning, 1000)}\n", style="yellow")


def heading(console: Console, left: str, right: str) -> Text:
    """A bold title with a quiet note behind it."""
    from rich.text import Text

    return Text(f"  {left}", style="bold").append(f"   {right}", style=f"not bold {QUIET}")
