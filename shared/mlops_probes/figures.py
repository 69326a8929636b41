"""Names what a figure of matplotlib was drawn from, and saves it without drawing where only that is asked."""

from __future__ import annotations

import functools
import hashlib
import struct
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np

KEY = "Drawn-From"
KINDS = ("predicted_against_actual", "residuals_by_month", "confusion_matrix", "segments")
READERS = ("get_xydata", "get_offsets", "get_array", "get_segments", "get_path", "get_bbox", "get_text")


class FigureNamer:
    """Writes into each PNG that matplotlib saves, as a text of that key, a digest of the data it shows, until `stop`.

    `saved` has a record of each: `digest`, and for a plot of `mlops_lab.plots` the name of its function as `kind` and
    the `frame` that it was drawn from. Of any other figure it has the numbers that its artists show, as `shown`.

    Args:
        sketch: save a small picture of noise instead of the figure, which takes a hundredth of the time.
    """

    def __init__(self, *, sketch: bool) -> None:
        from matplotlib.figure import Figure

        from mlops_lab import plots

        self.saved: list[dict[str, Any]] = []
        self.drawn: list[tuple[Any, str, Any]] = []
        self.plots: Any = plots
        self.functions = {name: getattr(plots, name) for name in KINDS}
        for name, function in self.functions.items():
            setattr(plots, name, self._noting(name, function))
        self.owner: Any = Figure
        self.original = savefig = self.owner.savefig

        @functools.wraps(savefig)
        def save(figure: Any, file: Any, **options: Any) -> None:
            self._note(figure)
            kind = options.get("format") or (str(file).rpartition(".")[2] if "." in str(file)[-5:] else "png")
            if str(kind).lower() != "png":
                savefig(figure, file, **options)
            elif sketch:
                _write(file, _noise(digest(figure)))
            else:
                _draw_quickly(figure, options)
                metadata = {**(options.pop("metadata", None) or {}), KEY: digest(figure)}
                savefig(figure, file, metadata=metadata, **options)

        setattr(Figure, "savefig", save)  # noqa: B010

    def stop(self) -> None:
        """Let figures be saved as before."""
        setattr(self.owner, "savefig", self.original)  # noqa: B010
        for name, function in self.functions.items():
            setattr(self.plots, name, function)

    def _noting(self, kind: str, function: Any) -> Any:
        @functools.wraps(function)
        def noted(*args: Any, **kwargs: Any) -> Any:
            plot = function(*args, **kwargs)
            self.drawn.append((plot.figure, kind, plot.data.copy()))
            return plot

        return noted

    def _note(self, figure: Any) -> None:
        kind, frame = next(((kind, frame) for drawn, kind, frame in self.drawn if drawn is figure), ("", None))
        shown = [] if kind else list(_numbers(figure))
        self.saved.append({"digest": digest(figure), "kind": kind, "frame": frame, "shown": shown})


def _draw_quickly(figure: Any, options: dict[str, Any]) -> None:
    """Half the pixels and no search for the best layout: nobody looks at the picture."""
    figure.set_layout_engine("none")
    options["dpi"] = max(50, 200 / min(figure.get_size_inches()))


def digest(figure: Any) -> str:
    """A digest of the lines, points, bars, images and texts in the figure's axes."""
    found = hashlib.sha256()
    for axes in figure.axes:
        for artist in axes.get_children():
            for name in READERS:
                if hasattr(artist, name):
                    found.update(_bytes(getattr(artist, name)()))
    return found.hexdigest()


def _numbers(figure: Any) -> Iterator[Any]:
    """The points, lines and images of a figure, each as an array."""
    for axes in figure.axes:
        for artist in axes.get_children():
            for name in ("get_xydata", "get_offsets", "get_array"):
                values = getattr(artist, name)() if hasattr(artist, name) else None
                if values is not None:
                    yield np.ma.filled(np.ma.asarray(values, dtype=float), np.nan)


def _bytes(value: Any) -> bytes:
    if isinstance(value, str) or value is None:
        return str(value).encode()
    value = getattr(value, "vertices", getattr(value, "bounds", value))
    if isinstance(value, list):
        return b"".join(_bytes(item) for item in value)
    return np.round(np.ma.filled(np.ma.asarray(value, dtype=float), np.nan), 9).tobytes()


def _write(file: Any, content: bytes) -> None:
    if hasattr(file, "write"):
        file.write(content)
        return
    name = str(file)
    with open(name if name.lower().endswith(".png") else f"{name}.png", "wb") as stream:
        stream.write(content)


def _noise(seed: str) -> bytes:
    """A PNG of 128 × 128 grey pixels that differ from seed to seed."""
    rows = np.random.default_rng(int(seed[:16], 16)).integers(256, size=(128, 128), dtype=np.uint8)
    data = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))
    parts = [
        (b"IHDR", struct.pack(">IIBBBBB", 128, 128, 8, 0, 0, 0, 0)),
        (b"tEXt", KEY.encode() + b"\0" + seed.encode()),
        (b"IDAT", data),
        (b"IEND", b""),
    ]
    chunks = (
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in parts
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)
