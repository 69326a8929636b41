"""Text that a submission had a hand in: held by a type that cannot be shown, and made safe for each medium here.

`Foreign` holds it. The functions `for_…` are the only way out: each cuts and cleans it, then escapes it for its medium.
"""

from __future__ import annotations

import html
import re
import unicodedata
from typing import TYPE_CHECKING, NoReturn

# Escape sequences: colours and cursor (CSI), titles and links (OSC), two-character codes; and their 8-bit forms.
_ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"
    r"|\x1b[ -/]*[0-~]?"
)
_KEEP = {"\n", "\t", "\u200c", "\u200d"}  # the joiners are part of Persian words and of emoji

if TYPE_CHECKING:

    class Foreign:
        """As the type checker sees it, it is no `str`: whoever wants one has to choose a medium."""

        def __init__(self, text: str | Foreign) -> None: ...
        @property
        def raw(self) -> str: ...
        def __eq__(self, other: object) -> bool: ...
        def __hash__(self) -> int: ...
        def __contains__(self, part: str) -> bool: ...
        def __len__(self) -> int: ...
        def startswith(self, part: str) -> bool: ...
        def endswith(self, part: str) -> bool: ...

else:

    class Foreign(str):
        """Text that a submission had a hand in. It can be compared, searched and written as JSON, and not be shown.

        An f-string, `print`, `str`, `%s` and `+` raise `TypeError`; `repr` shows it with all that is odd escaped.
        """

        __slots__ = ()

        def __new__(cls, text):
            return super().__new__(cls, text[:])  # a slice of one that is held already is a plain text

        @property
        def raw(self) -> str:
            """The text as it came, for whoever does not show it."""
            return self[:]

        def _refuse(self, *_: object) -> NoReturn:
            raise TypeError("a submission's text is shown with one of the functions `for_…` of labkit.text")

        __str__ = __format__ = __add__ = __radd__ = _refuse


Text = str | Foreign
"""What the functions below take: they make nothing worse where a text was clean before."""


def _visible(character: str) -> bool:
    # Cc control, Cf format (bidirectional overrides, zero-width), Cs surrogates, Zl/Zp line separators; no characters.
    if character in _KEEP:
        return True
    is_none = ord(character) & 0xFFFE == 0xFFFE or "\ufdd0" <= character <= "\ufdef"
    return not is_none and unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Zl", "Zp"}


def clean(text: Text, limit: int = 4000) -> str:
    """`text` without escape codes and control characters, at most about `limit` characters.

    Line ends become `\\n`; where text was cut, the last line says how many characters are missing.
    This is what all media have in common, and not enough for any: show a text with `for_…`.
    """
    # Cut before the work: a gigabyte of output must not be filtered character by character.
    raw = (text.raw if isinstance(text, Foreign) else text)[: 8 * limit + 1024]
    raw = _ESCAPES.sub("", raw).replace("\r\n", "\n").replace("\r", "\n")
    kept = "".join(character for character in raw if _visible(character))
    if len(kept) <= limit and len(text) <= 8 * limit + 1024:
        return kept
    missing = max(len(kept), len(text)) - limit
    return f"{kept[:limit].rstrip()}\n… ({missing:,} more characters)"


def _cut(text: Text, limit: int, lines: int) -> str:
    cleaned = clean(text, limit)
    return clip_lines(cleaned.strip("\n"), lines) if lines else cleaned


def for_terminal(text: Text, limit: int = 4000, lines: int = 0) -> str:
    """Lines of a terminal or of a log, at most `lines` of them; GitHub's runner reads no command in them."""
    return re.sub(r"(?m)^([^\S\n]*):(?=:)", r"\1˸", _cut(text, limit, lines)).replace("##[", "#＃[")


def for_line(text: Text, limit: int = 300) -> str:
    """A part of one line of a terminal: a name, a title."""
    return for_terminal(_one_line(text, limit), limit + 100)


def for_json(text: Text, limit: int = 10_000) -> str:
    """A text of a JSON document, which whoever reads it may show."""
    return clean(text, limit)


def for_xml(text: Text, limit: int = 8000) -> str:
    """The text of an element or an attribute, for an XML library that escapes it: all of it is allowed in XML 1.0."""
    return clean(text, limit)


def for_html(text: Text, limit: int = 300, lines: int = 0) -> str:
    """Text between tags or inside a quoted attribute."""
    return html.escape(_cut(text, limit, lines), quote=True)


def for_markdown(text: Text, limit: int = 300) -> str:
    """Text inside a line or a table cell of Markdown."""
    return _inert(_one_line(text, limit))


def for_markdown_block(text: Text, limit: int = 4000, lines: int = 0) -> str:
    """Text inside `<pre>` in Markdown: no tag, and no empty line, after which Markdown would begin again."""
    return _inert(_cut(text, limit, lines)).replace("\n", "<br>")


def for_command(text: Text, limit: int = 1500) -> str:
    """The message of a GitHub workflow command, escaped as the runner undoes it."""
    return clean(text, limit).replace("%", "%25").replace("\n", "%0A")


def for_property(text: Text, limit: int = 400) -> str:
    """A property of a GitHub workflow command."""
    return for_command(text, limit).replace(":", "%3A").replace(",", "%2C")


def _one_line(text: Text, limit: int) -> str:
    return clean(text, limit).replace("\n", " ")


def _inert(text: str) -> str:
    # Numeric references are never Markdown, nor a mention, nor an address that becomes a link.
    escaped = html.escape(text, quote=True)
    return re.sub(r"[\\`*_{}\[\]()#+!|~@:/^$.-]", lambda match: f"&#{ord(match[0])};", escaped) if escaped else ""


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
