"""`make demo`: a year through the finished system. It leaves nothing running, and no file but its page."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from labkit.course.catalog import load_catalog
from labkit.render.style import make_console
from weeks.demo import sources

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / ".lab" / "demo" / "year.html"
STEPS = 40  # how often `doing` is called, about


def main() -> int:
    """Play the year; return the exit status."""
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--mine", action="store_true", help="your own labs where they are done, else the solutions")
    asked = parser.parse_args()
    # Whoever ends the demo by a signal wants what it has started to end, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with tempfile.TemporaryDirectory(prefix="mlops-lab-demo-") as name, contextlib.ExitStack() as stack:
        folder = Path(name).resolve()
        # MLflow leaves the models that it has downloaded where temporary files are: they go with the folder.
        temporary = folder / "tmp"
        temporary.mkdir()
        tempfile.tempdir = os.environ["TMPDIR"] = str(temporary)
        screen = stack.enter_context(quiet(folder / "output.log"))
        try:
            play(folder, make_console(screen), stack, mine=asked.mine)
        except KeyboardInterrupt:
            print("\n  stopped: nothing is left", file=screen)
            return 130
        except Exception as error:
            traceback.print_exc()
            sys.stderr.flush()
            last = (folder / "output.log").read_text(encoding="utf-8", errors="replace").splitlines()[-40:]
            print(f"\n  the demo stopped: {error}", *last, sep="\n    ", file=screen)
            return 1
        finally:
            # What has been started is ended now, and nobody's impatience keeps it from that.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            stack.callback(os.chdir, ROOT)
    return 0


@contextlib.contextmanager
def quiet(log: Path) -> Iterator[IO[str]]:
    """Send what libraries print to a file, and yield what leads to the terminal."""
    kept = os.dup(1), os.dup(2)
    with log.open("w") as file, os.fdopen(kept[0], "w", encoding=sys.stdout.encoding) as screen:
        sys.stdout.flush()
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        try:
            yield screen
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os.dup2(screen.fileno(), 1)
            os.dup2(kept[1], 2)
            os.close(kept[1])


def play(folder: Path, console: Console, stack: contextlib.ExitStack, *, mine: bool) -> None:
    """Play the year on a console, and write its page."""
    began = time.monotonic()
    chosen = sources.sources(load_catalog(ROOT), mine=mine)
    labs = sources.lay_out(chosen, ROOT, folder)
    sys.path[:0] = [str(labs)]
    os.chdir(folder)
    os.environ |= {
        "DO_NOT_TRACK": "true",
        "OMP_NUM_THREADS": "1",  # on a busy machine, threads that wait for each other take minutes
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow.db",
        "PREFECT_HOME": str(folder / "home"),
        "PREFECT_LOGGING_TO_API_ENABLED": "false",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    }
    console.print()
    console.print("  A year of house sales, played through all that the labs build.", style="bold")
    owners = sources.whose(chosen, mine=mine)
    show_owners(console, owners)
    console.print()
    with Screen(console) as screen:
        screen.doing("importing pandas and scikit-learn")
        from weeks.demo.year import Player

        year = Player(labs, folder, stack, screen).play()
        screen.doing("writing the page")
        from weeks.demo import page

    seconds = time.monotonic() - began
    console.print()
    for line in page.table(year):
        console.print("  " + line)
    console.print()
    for line in page.conclusions(year):
        say(console, line)
    page.write(PAGE, year, screen.sentences, owners, seconds)
    console.print()
    say(console, f"The page: {PAGE.relative_to(ROOT)} ({seconds:.1f} s; nothing is left running)")
    console.print()


def show_owners(console: Console, owners: list[tuple[str, str, str]]) -> None:
    """Say which files are the learner's."""
    if not owners:
        say(console, "Labs: the solutions. ARGS=--mine takes yours, where they are done.")
        return
    for lab, yours, solution in owners:
        say(console, f"{lab}  yours: {yours}  solution: {solution}")


def say(console: Console, text: str, first: str = "  ", rest: str = "  ") -> None:
    """Print a sentence, wrapped."""
    import textwrap

    for line in textwrap.wrap(text, console.width - 2, initial_indent=first, subsequent_indent=rest):
        console.print(line)


class Screen:
    """Shows what happens: the sentences, and below them, in a terminal, what is going on."""

    def __init__(self, console: Console) -> None:
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        self.console = console
        self.sentences: list[tuple[pd.Timestamp, str]] = []
        self.progress = Progress(
            SpinnerColumn(), BarColumn(bar_width=24), TimeElapsedColumn(), TextColumn("{task.description}"),
            console=console, transient=True, disable=not console.is_terminal,
        )  # fmt: skip
        self.task = self.progress.add_task("", total=STEPS)

    def __enter__(self) -> Screen:
        self.progress.start()
        return self

    def __exit__(self, *unused: Any) -> None:
        self.progress.stop()

    def doing(self, what: str) -> None:
        """Say what is going on now."""
        self.progress.update(self.task, advance=1, description=what)

    def told(self, day: pd.Timestamp, sentence: str) -> None:
        """Print a sentence; its day only where it is another one."""
        is_new = not self.sentences or self.sentences[-1][0] != day
        self.sentences.append((day, sentence))
        say(self.console, sentence, f"  {day:%Y-%m-%d}  " if is_new else " " * 14, " " * 14)


if __name__ == "__main__":
    sys.exit(main())
