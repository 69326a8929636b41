"""What no file may be, whatever its kind: too large, full of hidden characters, empty. Looked at before anything else.

The files are read by the checker itself, so every step is bounded: bytes here, nesting and repetition in the readers.
"""

from __future__ import annotations

import re

from labkit.documents.nodes import Empty, Refused

MAX_DEPTH = 50
"""How deep maps, lists, blocks and brackets may stand in one another."""

# C0 and C1 controls but tab and line end, DEL, the line ends of Unicode, the byte-order mark, lone surrogates, no
# characters. A line end of any other kind would make our lines other ones than those of the learner's editor.
_HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")
_NAMES = {
    "\x00": "a NUL character",
    "\r": "a carriage return without a line feed",
    "\x85": "an invisible line separator",
    "\u2028": "an invisible line separator",
    "\u2029": "an invisible line separator",
    "\ufeff": "an invisible byte-order mark",
}


def bounded(text: str, kind: str, most_bytes: int) -> str:
    """`text` with plain line ends. Raises `Refused` where it is too large, empty, or holds a hidden character."""
    size = len(text.encode(errors="surrogatepass"))
    if size > most_bytes:
        raise Refused(
            f"the file has {size:,} bytes, and at most {most_bytes:,} are read as {kind}",
            help="keep what is generated, or copied from elsewhere, out of this file",
        )
    text = text.replace("\r\n", "\n")
    if hidden := hidden_character(text):
        raise Refused(*hidden, help="delete it; an editor can show hidden characters")
    if not text.strip():
        raise Empty("the file is empty", help=f"write the {kind} that the exercise asks for, and save the file")
    return text


def hidden_character(text: str) -> tuple[str, int, int] | None:
    """The first character that nobody can see and no file needs: what it is, its line, its column."""
    found = _HIDDEN.search(text)
    if found is None:
        return None
    return (name_of(found[0]), *position(text, found.start()))


def name_of(character: str) -> str:
    """What a hidden character is called."""
    return _NAMES.get(character, f"the control character U+{ord(character):04X}")


def position(text: str, offset: int) -> tuple[int, int]:
    """Line and column, both from 1, of a place in the text."""
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


def nothing_but_comments(kind: str) -> Empty:
    """The refusal of a file that says nothing."""
    return Empty("nothing but comments stands in the file", help=f"write the {kind} that the exercise asks for")


def too_deep(line: int, column: int) -> Refused:
    """The refusal of what is nested too deeply."""
    return Refused(f"more than {MAX_DEPTH} levels stand in one another", line, column, help="look for a missing end")
