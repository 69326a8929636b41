"""Names what a figure of matplotlib was drawn from, and saves it without drawing where only that is asked."""

from __future__ import annotations

import functools
import hashlib
import struct
import zlib
from typing import Any

import numpy as np

KEY = "Drawn-From"
READERS = ("get_xydata", "get_offsets", "get_array", "get_segments", "get_path", "get_bbox", "get_text")


class FigureNamer:
    """Writes into each PNG that matplotlib saves, as a text of that key, a digest of the data it shows, until `stop`.

    Args:
        sketch: save a small picture of noise instead of the figure, which takes a hundredth of the time.
    """

    def __init__(self, *, sketch: bool) -> None:
        from matplotlib.figure import Figure

        self.owner: Any = Figure
        self.original = savefig = self.owner.savefig

        @functools.wraps(savefig)
        def save(figure: Any, file: Any, **options: Any) -> None:
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
