"""What all commands share: exit codes, wrong usage, questions, the repository in hand."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from labkit.course.catalog import Catalog, find_root, load_catalog
from labkit.course.lab import CatalogError
from labkit.text import for_terminal

OK, FAILED, USAGE, ENGINE_FAULT, INTERRUPTED = 0, 1, 2, 3, 130


class UsageFault(Exception):
    """Wrong usage of a command; the message says what is wrong, then what to do."""


def open_catalog() -> Catalog:
    """The catalog of the repository that the working directory belongs to."""
    root = find_root()
    catalog = load_catalog(root)
    if not catalog.labs:
        raise CatalogError(f"no lab is there: {root / 'weeks'} holds no `week*/lab.toml`.")
    return catalog


def guarded(command: Callable[[], int]) -> int:
    """Run a command; every way to end becomes one of the exit codes and at most a few lines on stderr."""
    from labkit.course.marks import MarkError
    from labkit.course.tracks import TrackError

    try:
        return command()
    except (CatalogError, UsageFault, TrackError) as error:
        say(str(error))
        return USAGE
    except MarkError as error:
        say(f"a solution file has a broken mark, which is not your fault:\n{error}")
        return ENGINE_FAULT
    except KeyboardInterrupt:
        say("stopped.")
        return INTERRUPTED
    except BrokenPipeError:
        return _quiet_pipe()
    except Exception:
        return _fault()


def _quiet_pipe() -> int:
    """`lab check | head`: nobody reads on. Keep Python from complaining when it flushes at exit."""
    import os

    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return FAILED


def _fault() -> int:
    import traceback

    say(traceback.format_exc())
    say("\nthe engine itself broke, which is not your fault. `lab doctor` looks for a cause.")
    return ENGINE_FAULT


def say(text: str) -> None:
    """A line or a few on stderr. Much of what is said here names a file or a folder of somebody else's."""
    print(for_terminal(text, 20_000), file=sys.stderr, flush=True)


def confirmed(question: str, *, yes: bool) -> bool:
    """Ask on the terminal, or read one line of the input; without an answer the answer is no."""
    if yes:
        return True
    print(f"{question} [y/N] ", end="", flush=True)
    answer = sys.stdin.readline()
    if not answer.endswith("\n"):
        print("\nno answer; `--yes` answers beforehand", flush=True)
    return answer.strip().lower() in {"y", "yes"}


def relative(path: Path, root: Path) -> str:
    """`path` from the root of the repository, with `/`."""
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
