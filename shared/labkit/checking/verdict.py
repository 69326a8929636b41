"""From what happened in a check to an outcome and a message: the learner's fault, or the engine's own."""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable
from pathlib import Path

from labkit.checking.expect import CheckFailed
from labkit.checking.faults import LearnerError, LearnerFault, LearnerStopped
from labkit.documents.nodes import Refused
from labkit.documents.readers import kind_of
from labkit.records import Outcome
from labkit.text import clean

_MISSING = re.compile(r"module '[^']*' has no attribute")
_HELP_BY_TYPE = {
    "NotImplementedError": "this part is still to be written; delete `raise NotImplementedError` when it is",
    "EOFError": "nobody answers `input()` here; take values as arguments instead (and a `multiprocessing.Manager` "
    "cannot be reached in a check: it listens on a socket with a path, which the walls refuse)",
    "MemoryError": "it asked for more memory than a check may use; a smaller array or fewer copies will do",
    "RecursionError": "a function calls itself without an end",
    "SystemExit": "it called `sys.exit`; a function should return, or raise the error it means",
    "ModuleNotFoundError": "only the files that the lab names are checked; a module of your own is not taken along",
    "PermissionError": "a check may read the course and write its own temporary folder only",
    "CallbackError": "the object that the check passed in was called in a way that it does not know",
    "TypeError": "compare the signature and the types with the docstring of the function",
}


def describe(error: BaseException, where: Callable[[str, int], str]) -> tuple[Outcome, str]:
    """Return the outcome and the message for an exception that a check ended with.

    Args:
        where: turns a file of the lab and a line into what is shown.
    """
    if isinstance(error, LearnerError):
        return "failed", describe_error(error, where)
    if isinstance(error, LearnerStopped):
        return "failed", describe_stop(error)
    if isinstance(error, CheckFailed):
        return "failed", _lines(expected=error.expected, found=error.found, help=error.help, where=error.where)
    if isinstance(error, LearnerFault):
        return "failed", clean(str(error), 2000)
    if isinstance(error, AssertionError):
        return "failed", clean(str(error), 2000) or "the check's assertion does not hold"
    frames = _last_frames(error)
    trail = " < ".join(f"{frame.filename.rpartition('/')[2]}:{frame.lineno}" for frame in reversed(frames))
    return "error", clean(
        f"the check itself broke, which is not your fault: {type(error).__name__}: {error}\n({trail})", 2000
    )


def _last_frames(error: BaseException) -> list[traceback.FrameSummary]:
    """The last frames of an error, and before them the last one of the checks: that is where an author has to look."""
    frames = list(traceback.extract_tb(error.__traceback__))
    own = [frame for frame in frames[:-2] if "/tests/labs/" in Path(frame.filename).as_posix()]
    return [*own[-1:], *frames[-2:]]


def _lines(**parts: str) -> str:
    return "\n".join(f"{name}: {clean(text, 1500)}" for name, text in parts.items() if text)


def describe_error(error: LearnerError, where: Callable[[str, int], str]) -> str:
    """Return the message for an exception that the learner's code raised."""
    found = f"{error.type_name}: {error.message}" if error.message else error.type_name
    if error.syntax:
        return _describe_syntax(error, where)
    help_text = error.help or _HELP_BY_TYPE.get(error.type_name, "")
    if error.type_name == "AttributeError" and not error.frames and _MISSING.match(error.message):
        help_text = "the function keeps the name that the starter gave it"
    lines = [_lines(expected=f"{error.doing} works", found=found, help=help_text)]
    if error.frames:
        last = error.frames[-1]
        lines.append(f"where: {where(last.file, last.line)} in {clean(last.name, 80)}: {clean(last.text, 160)}")
    return "\n".join(lines)


def _describe_syntax(error: LearnerError, where: Callable[[str, int], str]) -> str:
    syntax = error.syntax or {}
    line, column = syntax.get("line"), syntax.get("column")
    code = with_caret(str(syntax.get("text") or ""), column if isinstance(column, int) else 0)
    place = where(str(syntax.get("file")), line if isinstance(line, int) else 0)
    return (
        _lines(expected=f"{error.doing} works", found=f"{error.type_name}: {error.message}") + f"{code}\nwhere: {place}"
    )


def with_caret(line: str, column: int) -> str:
    """Return a line of a learner's file and a caret below its column (from 1), each after a line end of its own."""
    if column > 150:  # show the place, not the beginning of an endless line
        line, column = "…" + line[column - 80 : column + 40], 81
    text = clean(line, 200).partition("\n")[0].replace("\t", " ")
    shown = text.lstrip()
    if not shown:
        return ""
    fits = 0 < column <= len(text) + 1
    caret = "\n    " + " " * max(0, column - 1 - (len(text) - len(shown))) + "^" if fits else ""
    return f"\n    {shown}{caret}"


def describe_refusal(file: str, text: str, refused: Refused, where: Callable[[str, int], str]) -> str:
    """Return the message for a file of data that cannot be read, with its line and a caret below the place."""
    lines = text.replace("\r\n", "\n").split("\n")
    code = with_caret(lines[refused.line - 1], refused.column) if 0 < refused.line <= len(lines) else ""
    said = _lines(
        expected=f"`{file}` can be read as {kind_of(file)}",
        found=f"line {refused.line}, column {refused.column}: {refused.why}",
        help=refused.help,
    )
    return f"{said}{code}\nwhere: {where(file, refused.line)}"


def describe_stop(stop: LearnerStopped) -> str:
    """Return the message for a worker that gave no answer, with the name of its end."""
    expected = f"{stop.doing} answers"
    if stop.reason == "time":
        return _lines(
            expected=f"{expected} within {stop.seconds:g} seconds",
            found="time: it was still running and was ended",
            help="look for a loop that does not end, or for work that could be done once "
            "(is this machine slow or busy? `LABKIT_PATIENCE=3` gives it three times as long)",
        )
    if stop.reason == "output":
        return _lines(
            expected=expected, found=f"output cut: it printed more than {stop.detail}", help="print less, or nothing"
        )
    if stop.reason == "answer":
        return _lines(
            expected=f"{expected} with readable data", found=stop.detail, help="return plain tables, arrays and numbers"
        )
    ending = stop.ending
    if ending and ending.signal is not None:
        return _lines(expected=expected, found=_signal_text(ending.signal), help=_signal_help(ending.signal))
    code = ending.code if ending else None
    return _lines(
        expected=expected,
        found=f"exit: the process ended itself with exit code {code}",
        help="a function should return its answer and never end the process",
    )


def _signal_text(number: int) -> str:
    import signal

    name = signal.Signals(number).name if number in {item.value for item in signal.Signals} else f"signal {number}"
    return f"signal: the process was ended by {name}"


def _signal_help(number: int) -> str:
    if number == 9:
        return "it used more processor time or memory than a check may"
    return "compiled code crashed; look for wrong sizes or types that are passed to it"
