"""What the game days of the weeks share: the seed of the game that goes on, in a folder of the game."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from mlops_lab.files import write_atomically


class SeededGame:
    """A game in a folder. The same seed is the same trouble."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._note = folder / "game.json"

    @property
    def seed(self) -> int | None:
        """The seed of the game that goes on; None where there is none."""
        try:
            return int(json.loads(self._note.read_text(encoding="utf-8"))["seed"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def begin(self, seed: int) -> None:
        """Remember the seed."""
        self.folder.mkdir(parents=True, exist_ok=True)
        write_atomically(self._note, json.dumps({"seed": seed}))

    def end(self) -> None:
        """Forget it, and remove the files of the game."""
        shutil.rmtree(self.folder, ignore_errors=True)
