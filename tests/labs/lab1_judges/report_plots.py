"""Judges the plots of a report (1.9): the pictures that it shows, and what each was drawn from."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from labkit.checks import expect, fail

PLOTS = "predicted against actual, residuals by month, confusion matrix, segments"
CAPTIONS = {
    "predicted_against_actual": r"(?:predict\w* (?:against|vs\W|versus|and) actual|actual (?:against|vs\W|versus|and) )"
    r"(?! ?(?:species|class|flower|predicted species))",
    "residuals_by_month": r"residual|differences? between|\bminus\b|by month",
    "confusion_matrix": r"confusion|taken for",
    "segments": r"segment",
}
"""Words of a caption that can be about this plot only."""


def judge_pictures(images: dict[str, bytes]) -> None:
    """Fail where fewer than four pictures are shown, or one is no picture."""
    expect.that(
        len(images) >= 4,
        expected=f"the report shows four plots: {PLOTS}",
        found=f"{len(images)} pictures: {', '.join(images)}" if images else "no picture",
        help="Save each plot into `folder` and show it: `![what it shows](name.png)`.",
    )
    for name, content in images.items():
        problem = png_problem(content)
        expect.that(not problem, expected=f"`{name}` is a plot, as PNG", found=problem)


def png_problem(content: bytes) -> str:
    """What is wrong with a PNG: not one, broken, tiny, or blank. Empty where nothing is."""
    if content[:8] != b"\x89PNG\r\n\x1a\n":
        return f"{len(content)} bytes that are no PNG"
    pixels, size = b"", (0, 0)
    for kind, part in chunks(content):
        size = struct.unpack(">II", part[:8]) if kind == b"IHDR" and len(part) >= 8 else size
        pixels += part if kind == b"IDAT" else b""
    try:
        data = zlib.decompressobj().decompress(pixels, 64 * 2**20)
    except zlib.error:
        return "a damaged PNG"
    if min(size) < 100:
        return f"a picture of {size[0]} × {size[1]} pixels"
    width = len(data) // size[1]
    lines = {data[start + 1 : start + width] for start in range(0, len(data) - width + 1, width)} if width else set()
    return "" if len(lines) > 20 else "a blank picture"


def chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The parts of a PNG: kind and content."""
    place = 8
    while place + 12 <= len(content):
        length, kind = struct.unpack(">I4s", content[place : place + 8])
        yield kind, content[place + 8 : place + 8 + length]
        place += 12 + length


def digest_of(content: bytes) -> str:
    """The digest of what a picture of matplotlib was drawn from; empty for any other picture."""
    for kind, part in chunks(content):
        if kind == b"tEXt" and part.startswith(b"Drawn-From\0"):
            return part.partition(b"\0")[2].decode("latin-1")
    return ""


class Drawings:
    """The figures behind the pictures that a report shows.

    Args:
        images: the pictures.
        saved: what was noted when figures were saved (see `mlops_probes.figures`).
    """

    def __init__(self, images: dict[str, bytes], saved: Any) -> None:
        digests = {digest_of(content) for content in images.values()} - {""}
        notes = [note for note in saved if isinstance(note, dict)] if isinstance(saved, list) else []
        self.shown = {str(note.get("digest")): note for note in notes if note.get("digest") in digests}
        self.strangers = len(images) - len(self.shown)

    def frames(self, kind: str) -> list[pd.DataFrame]:
        """What the plots of this function of `mlops_lab.plots` were drawn from."""
        frames = [note.get("frame") for note in self.shown.values() if note.get("kind") == kind]
        return [frame for frame in frames if isinstance(frame, pd.DataFrame)]

    def judge_caption(self, caption: str, content: bytes) -> None:
        """Fail where the words beside a picture are those of another plot of `mlops_lab.plots`."""
        kind = str(self.shown.get(digest_of(content), {}).get("kind") or "")
        named = [one for one, words in CAPTIONS.items() if re.search(words, caption, re.IGNORECASE)]
        expect.that(
            not kind or not named or kind in named,
            expected=f"the picture `{caption[:60]}` shows what it says",
            found=f"the plot `{kind}`",
            help="Were two pictures saved under each other's names?",
        )

    @property
    def own(self) -> list[list[np.ndarray]]:
        """The numbers in each of the other figures, and nothing of pictures that matplotlib has not drawn."""
        notes = [note for note in self.shown.values() if not note.get("kind")]
        numbers = [[one for one in note.get("shown", []) if isinstance(one, np.ndarray)] for note in notes]
        return [*numbers, *([] for _ in range(self.strangers))]

    def judge(self, kind: str, wanted: pd.DataFrame, keys: list[str], what: str, help_text: str) -> None:
        """Fail where no plot of this kind shows the frame that is wanted. A figure of another make may show anything
        but for points and images, which must be those of the frame."""
        for frame in self.frames(kind):
            if same_rows(frame, wanted, keys):
                return
        if self.frames(kind):
            fail(expected=f"{what}: {_shown(wanted, keys)}", found=_shown(self.frames(kind)[0], keys), help=help_text)
        values = wanted[keys].to_numpy(dtype=float)
        points = {"predicted_against_actual": [values, values[:, ::-1]], "confusion_matrix": [values, values[::-1]]}
        for numbers in self.own:
            if kind not in points or any(_alike(one, other) for one in numbers for other in points[kind]):
                return
        fail(expected=what, found="no plot of the report that shows it", help=help_text)


def same_rows(found: pd.DataFrame, wanted: pd.DataFrame, keys: list[str]) -> bool:
    """Whether two frames have the same rows of numbers in these columns, in any order."""
    if not set(keys) <= set(found.columns) or len(found) != len(wanted):
        return False
    try:
        sides = [np.asarray(frame[keys], dtype=float) for frame in (found, wanted)]
    except (TypeError, ValueError):
        return False
    mine, other = (side[np.lexsort(side.round(6).T)] for side in sides)
    return bool(np.allclose(mine, other, rtol=1e-6))


def _alike(found: np.ndarray, wanted: np.ndarray) -> bool:
    """Whether an array of a figure has these numbers, as they are or as logarithms."""
    if found.size != wanted.size:
        return False
    mine, other = (np.sort(side.ravel()) for side in (found, wanted))
    scales = (lambda v: v, np.log, np.log10, np.log1p, lambda v: v / 1e3, lambda v: v / 1e6)
    with np.errstate(all="ignore"):
        return any(np.allclose(mine, scale(other), rtol=1e-6) for scale in scales)


def _shown(frame: pd.DataFrame, keys: list[str]) -> str:
    there = [key for key in keys if key in frame.columns]
    if not len(frame) or not there:
        return expect.shown(frame)
    first = ", ".join(f"{key} {expect.figure(float(frame[key].iloc[0]))}" for key in there)
    return f"{len(frame)} rows, one of them {first}"
