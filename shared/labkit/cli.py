"""The `lab` command: its options and its help. What the commands do is in `labkit.commands`, imported when called.

Exit status: 0 every check passed or was skipped, 1 one failed or is to do, 2 wrong usage, 3 the engine's own fault,
130 stopped by Ctrl-C.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from labkit.commands.common import guarded

if TYPE_CHECKING:
    import typer


def main() -> int:
    """Entry point of `lab`; returns the exit status."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal of another encoding shows a `?` and does not end the command.
        getattr(stream, "reconfigure", lambda **_: None)(errors="replace")
    if len(sys.argv) == 1:
        # The board is looked at often: it does not wait for the parser of options to be imported.
        from labkit.commands.learn import board

        return guarded(board)
    from labkit.options import app

    return run_app(app, sys.argv[1:])


def run_app(app: typer.Typer, arguments: list[str]) -> int:
    """Run the parser; it ends by `SystemExit` in each case."""
    name = os.path.basename(sys.argv[0])
    try:
        app(arguments, prog_name="lab" if name in {"__main__.py", "lab"} else name)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0 if end.code is None else 2
    return 0
