"""Text that came from a learner's program, made safe to show."""

from __future__ import annotations

import re
import unicodedata

# Escape sequences: colours and cursor (CSI), titles and links (OSC), two-character codes; and their 8-bit forms.
_ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"
    r"|\x1b[ -/]*[0-~]?"
)
_KEEP = {"\n", "\t", "\u200c", "\u200d"}  # the joiners are part of Persian words and of emoji


def _visible(character: str) -> bool:
    # Cc control, Cf format (bidirectional overrides, zero-width), Cs surrogates, Zl/Zp line separators; no characters.
    if character in _KEEP:
        return True
    is_none = ord(character) & 0xFFFE == 0xFFFE or "\ufdd0" <= character <= "\ufdef"
    return not is_none and unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Zl", "Zp"}


def clean(text: str, limit: int = 4000) -> str:
    """`text` without escape codes and control characters, at most about `limit` characters.

    Line ends become `\\n`; where text was cut, the last line says how many characters are missing.
    """
    # Cut before the work: a gigabyte of output must not be filtered character by character.
    raw = text[: 8 * limit + 1024]
    raw = _ESCAPES.sub("", raw).replace("\r\n", "\n").replace("\r", "\n")
    kept = "".join(character for character in raw if _visible(character))
    if len(kept) <= limit and len(text) <= 8 * limit + 1024:
        return kept
    missing = max(len(kept), len(text)) - limit
    return f"{kept[:limit].rstrip()}\n… ({missing:,} more characters)"


def clip_lines(text: str, lines: int) -> str:
    """The first `lines` lines of `text`; a last line says how many are missing."""
    parts = text.splitlines()
    if len(parts) <= lines:
        return text
    return "\n".join([*parts[:lines], f"… ({len(parts) - lines} more lines)"])


_MADE = re.compile(r"`lab (?P<verb>start|check|watch|up) (?P<what>[\d.]+)`")


def typed(line: str) -> str:
    """`line` with its `lab …` commands as they can be typed here: where `lab` is not on PATH, through `make`."""
    import shutil
    import sys
    from pathlib import Path

    found = shutil.which("lab")
    if found and Path(found).parent == Path(sys.executable).parent:
        return line
    made = _MADE.sub(lambda match: f"`make {match['verb'].replace('start', 'lab')}-{match['what']}`", line)
    return made.replace("`lab ", "`.venv/bin/lab ")


def plural(count: int, word: str) -> str:
    """`1 check`, `2 checks`."""
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
