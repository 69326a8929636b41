"""`lab watch`: which lab, which screen, and a clean end."""

from __future__ import annotations

import signal
from types import FrameType
from typing import NoReturn

from labkit.commands.common import OK, open_catalog
from labkit.learner.progress import lab_in_hand, load_progress


def watch(which: str | None) -> int:
    """Check at each save until Ctrl-C, which ends every process."""
    from labkit.learner.watch import watch_lab
    from labkit.render.live import TerminalScreen
    from labkit.render.style import make_console

    catalog = open_catalog()
    lab = catalog.lab(which) if which else lab_in_hand(catalog.root, catalog, load_progress(catalog.root))
    # A terminal that is closed, or a `kill`, ends the same way as Ctrl-C.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    watch_lab(catalog.root, lab, TerminalScreen(make_console(), lab))
    return OK


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
