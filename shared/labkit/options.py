"""The options and the help of every `lab` command, as typer reads them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from labkit.commands.common import guarded

EXIT_CODES = (
    "Exit status: 0 every check passed or was skipped, 1 one failed or is to do, 2 wrong usage, "
    "3 the engine's own fault, 130 stopped by Ctrl-C."
)

app = typer.Typer(
    name="lab",
    help="The exercises of the eight labs: what there is, what is done, and a verdict in a moment.\n\n"
    "Without a command it shows the board of all labs.",
    epilog=EXIT_CODES,
    invoke_without_command=True,
    no_args_is_help=False,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
dev = typer.Typer(
    help="For the people who write the course.", no_args_is_help=True, rich_markup_mode="markdown", add_completion=False
)
app.add_typer(dev, name="dev")

LabArgument = Annotated[
    str, typer.Argument(metavar="N", help="A lab: its number or its name, such as `1` or `models`.")
]
ExerciseArgument = Annotated[str, typer.Argument(metavar="N.M", help="An exercise, such as `1.2`.")]
JsonOption = Annotated[
    str | None, typer.Option("--json", metavar="FILE", help="Write the results as JSON; `-` prints them.")
]
JunitOption = Annotated[
    str | None, typer.Option("--junit", metavar="FILE", help="Write the results as JUnit XML; `-` prints them.")
]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Answer the question with yes.")]


def examples(*lines: str) -> str:
    """The examples at the end of a command's help, one a line."""
    return "Examples:\n\n" + "\n\n".join(f"`{line}`" for line in lines)


def finish(command: Callable[[], int]) -> None:
    """Run a command and end with its exit status, as the parser wants it."""
    raise typer.Exit(guarded(command))


@app.callback()
def board(context: typer.Context) -> None:
    """Show the board of all labs."""
    if context.invoked_subcommand is None:
        from labkit.commands.learn import board as show

        finish(show)


@app.command(epilog=examples("lab start 1", "lab start models"))
def start(lab: LabArgument) -> None:
    """Show how to begin a lab: its guide, its exercises with state and minutes, the next command."""
    from labkit.commands import learn

    finish(lambda: learn.start(lab))


@app.command(
    epilog=examples(
        "lab check",
        "lab check 1.2",
        "lab check 1 --track solutions",
        "lab check 1 --json report.json --junit report.xml",
        "lab check 3 --live --context kind-mlops-lab",
    )
    + "\n\n"
    + EXIT_CODES
)
def check(
    target: Annotated[
        str | None,
        typer.Argument(
            metavar="N|N.M",
            help="A lab or an exercise. Default: the first lab with an exercise that has not passed.",
        ),
    ] = None,
    track: Annotated[
        str, typer.Option(metavar="labs|solutions|DIR", help="Whose code: yours, the reference, or a folder's.")
    ] = "labs",
    json: JsonOption = None,
    junit: JunitOption = None,
    github: Annotated[bool, typer.Option("--github", help="Write GitHub annotations, and the step summary.")] = False,
    seed: Annotated[int | None, typer.Option(min=0, help="Draw the checks' inputs again as in an earlier run.")] = None,
    live: Annotated[
        bool, typer.Option("--live", help="On what is really there, such as a cluster: your own code only.")
    ] = False,
    context: Annotated[
        str, typer.Option(metavar="NAME", help="With `--live`: the context of the cluster that you mean, by its name.")
    ] = "",
) -> None:
    """Check a lab or one exercise, and show the verdict."""
    from labkit.commands.check import CheckOptions
    from labkit.commands.check import check as run

    options = CheckOptions(target, track, json, junit, github, seed, live, context)
    finish(lambda: run(options))


@app.command(epilog=examples("lab watch", "lab watch 1"))
def watch(
    lab: Annotated[
        str | None,
        typer.Argument(metavar="N", help="A lab. Default: the first one with an exercise that has not passed."),
    ] = None,
) -> None:
    """Check the exercises of a file each time you save it. Ctrl-C ends."""
    from labkit.commands.watching import watch as run

    finish(lambda: run(lab))


@app.command(
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    epilog=examples("lab run 1 python -m lab1_models.house_price", "lab run --track solutions 1 jupyter-lab"),
)
def run(
    lab: LabArgument,
    command: Annotated[list[str], typer.Argument(metavar="COMMAND", help="A program and its arguments.")],
    track: Annotated[
        str, typer.Option(metavar="labs|solutions", help="Whose files: yours, or the reference.")
    ] = "labs",
) -> None:
    """Run a program on your files of a lab; what it needs of the other labs is there, finished."""
    from labkit.commands import running

    finish(lambda: running.run(lab, command, track=track))


@app.command(
    epilog=examples("lab up 4", "lab up 4 --port mlflow=5001")
    + "\n\nExit status: 130 ended by Ctrl-C, SIGTERM or SIGHUP, 1 a server ended by itself or was not ready in time, "
    "2 wrong usage, or a port that is taken."
)
def up(
    lab: Annotated[
        str | None, typer.Argument(metavar="N", help="A lab. Default: the one that you are at, where it has servers.")
    ] = None,
    port: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=PORT", help="Another port for one server; for several, once for each."),
    ] = None,
    wait: Annotated[
        float, typer.Option(min=1, metavar="SECONDS", help="How long the servers may take to be ready.")
    ] = 180.0,
) -> None:
    """Run the servers that a lab talks to, such as MLflow, and show what they print. Ctrl-C ends all of them."""
    from labkit.commands.up import up as run

    finish(lambda: run(lab, port or (), seconds=wait))


@app.command(epilog=examples("lab hint 1.2"))
def hint(exercise: ExerciseArgument) -> None:
    """Give one more hint, each time you ask."""
    from labkit.commands import learn

    finish(lambda: learn.hint(exercise))


@app.command(epilog=examples("lab solution 1.2", "lab solution 1.2 --yes"))
def solution(exercise: ExerciseArgument, yes: YesOption = False) -> None:
    """Show the reference for one exercise, as a diff against your file."""
    from labkit.commands import learn

    finish(lambda: learn.solution(exercise, yes=yes))


@app.command(epilog=examples("lab reset 1", "lab reset 1 --yes"))
def reset(lab: LabArgument, yes: YesOption = False) -> None:
    """Put the starter of a lab back. Your files are kept in `.lab/kept/`."""
    from labkit.commands import learn

    finish(lambda: learn.reset(lab, yes=yes))


@app.command(epilog=examples("lab doctor"))
def doctor() -> None:
    """Look at Python, memory, disk, ports and optional tools; say how to install what is missing."""
    from labkit.commands.health import doctor as run

    finish(run)


@app.command(
    epilog=examples(
        "lab grade 1 submissions/anna submissions/ben", "lab grade 1 submissions/* --jobs 2 --json grades.json"
    )
    + "\n\n"
    + EXIT_CODES
)
def grade(
    lab: LabArgument,
    folders: Annotated[list[str], typer.Argument(metavar="DIR...", help="Submissions: folders with the lab's files.")],
    jobs: Annotated[int, typer.Option("--jobs", "-j", min=1, max=64, help="How many are checked at a time.")] = 2,
    no_walls: Annotated[
        bool, typer.Option("--no-walls", help="Grade where this machine does not keep submissions from your files.")
    ] = False,
    json: JsonOption = None,
    junit: JunitOption = None,
) -> None:
    """Check many submissions of one lab. Says where this machine isolates them less than it should."""
    from labkit.commands.grade import grade as run

    finish(lambda: run(lab, folders, jobs=jobs, no_walls=no_walls, json_to=json, junit_to=junit))


@dev.command("sync", epilog=examples("lab dev sync"))
def dev_sync() -> None:
    """Write labs/ anew from solutions/. What was there and differs is kept in `.lab/kept/`."""
    from labkit.commands import dev as maintain

    finish(maintain.dev_sync)


@dev.command("check", epilog=examples("lab dev check", "lab dev check --skip-labs"))
def dev_check(
    skip_labs: Annotated[
        bool, typer.Option("--skip-labs", help="Leave out labs/, which may hold a learner's work.")
    ] = False,
) -> None:
    """Fail where labs/ is out of step, or an exercise lacks its TODO, check, hint or mutant."""
    from labkit.commands import dev as maintain

    finish(lambda: maintain.dev_check(skip_labs=skip_labs))
