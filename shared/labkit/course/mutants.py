"""Wrong answers that the checks must reject, and right answers written another way that they must accept.

A wrong answer is a file in `tests/mutants/lab1_models/`, named `<exercise>_<misconception>` and the suffix of the
file it changes. It begins with comment lines:

    # exercise: 1.1
    # file: house_price.py
    # caught by: test_every_earlier_sale_is_in_train
    # misconception: the split is random, not by time
    # says: random split

`says` may be left out; it is a text that the message of the failed check must contain, so that it names the mistake.
A right answer is a file in `tests/alternatives/lab1_models/` with `# accepted: one sentence` instead of the last two.
In Python the rest holds the functions, classes and assignments that replace those of the same name in the solution;
new names and imports are added. In any other kind of file the rest is the whole file. Where the name ends in `.edit`,
the rest changes some lines of the solution, whatever its kind; what stands above must be there once:

    <<<<<<<
    USER 10001
    =======
    USER root
    >>>>>>>
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from labkit.course import marks
from labkit.course.lab import Lab, suggestion
from labkit.course.splice import SpliceError, apply_edits, splice
from labkit.course.starters import files_below
from labkit.files import write_atomic
from labkit.records import Report

_HEADER = re.compile(r"^(?:#|//|<!--) (?P<key>[a-z ]+): (?P<value>.*?)(?: -->)?\s*$")
_KEYS = ("exercise", "file", "caught by", "misconception", "says", "accepted")


class MutantError(ValueError):
    """A wrong or right answer that cannot be used; the message names the file."""


@dataclass(frozen=True)
class Mutant:
    """One answer. `caught_by` are the checks that must each fail; empty where it is to be accepted."""

    name: str
    exercise: str
    file: str
    caught_by: tuple[str, ...]
    misconception: str
    accepted: str = ""
    says: str = ""
    path: Path = field(default=Path(), repr=False)
    body: str = field(default="", repr=False)
    root: Path = field(default=Path(), repr=False)
    lab: Lab | None = field(default=None, repr=False)

    def not_caught_by(self, report: Report) -> tuple[str, ...]:
        """The checks of `caught_by` that did not fail in this report."""
        failed = {result.check.partition("[")[0] for result in report.results if result.outcome == "failed"}
        return tuple(check for check in self.caught_by if check not in failed)

    def is_named_by(self, report: Report) -> bool:
        """Whether the message of a check of `caught_by` says what the mistake is."""
        messages = [result.message.raw for result in report.results if result.check.partition("[")[0] in self.caught_by]
        return any(self.says.lower() in message.lower() for message in messages)


def load_mutants(root: Path, lab: Lab) -> list[Mutant]:
    """The wrong answers of a lab, sorted by exercise and name. Raises `MutantError`."""
    return _load(root, lab, root / lab.mutants_dir, ("exercise", "file", "caught by", "misconception"))


def load_alternatives(root: Path, lab: Lab) -> list[Mutant]:
    """The right answers of a lab that are written another way. Raises `MutantError`."""
    return _load(root, lab, root / lab.alternatives_dir, ("exercise", "file", "accepted"))


def _load(root: Path, lab: Lab, folder: Path, needed: tuple[str, ...]) -> list[Mutant]:
    names = [name for name in files_below(folder) if not name.endswith(("__init__.py", "README.md"))]
    mutants = [_read(folder / name, root, lab, needed) for name in names]
    return sorted(mutants, key=lambda mutant: (lab.exercise(mutant.exercise).sort_key, mutant.name))


def _read(path: Path, root: Path, lab: Lab, needed: tuple[str, ...]) -> Mutant:
    shown = path.relative_to(root).as_posix()
    header, body = _split(path.read_text(encoding="utf-8"), shown)
    for key in needed:
        if not header.get(key):
            raise MutantError(f"{shown}: the header line `# {key}: …` is missing")
    for key in header:
        if key not in needed and not (key == "says" and "misconception" in needed):
            raise MutantError(f"{shown}: unexpected header `{key}`.{suggestion(key, needed)}")
    mutant = Mutant(
        name=path.stem if path.suffix in (".py", ".edit") else path.name,
        exercise=header["exercise"],
        file=header["file"],
        caught_by=tuple(name.strip() for name in header.get("caught by", "").split(",") if name.strip()),
        misconception=header.get("misconception", ""),
        accepted=header.get("accepted", ""),
        says=header.get("says", ""),
        path=path,
        body=body,
        root=root,
        lab=lab,
    )
    _fits(mutant, lab, shown)
    return mutant


def _split(text: str, shown: str) -> tuple[dict[str, str], str]:
    header: dict[str, str] = {}
    lines = marks.split_lines(text)
    for place, line in enumerate(lines):
        match = _HEADER.match(line)
        if match is None or match["key"] not in _KEYS:
            return header, "\n".join(lines[place:]) + "\n"
        if match["key"] in header:
            raise MutantError(f"{shown}:{place + 1}: `{match['key']}` comes twice")
        header[match["key"]] = match["value"]
    raise MutantError(f"{shown}: nothing follows the header")


def _fits(mutant: Mutant, lab: Lab, shown: str) -> None:
    known = [exercise.id for exercise in lab.exercises]
    if mutant.exercise not in known:
        raise MutantError(f"{shown}: no exercise `{mutant.exercise}`.{suggestion(mutant.exercise, known)}")
    if mutant.file not in lab.files:
        raise MutantError(f"{shown}: no file `{mutant.file}` in lab {lab.number}.{suggestion(mutant.file, lab.files)}")
    if not re.match(rf"{re.escape(mutant.exercise)}_\w", mutant.path.name):
        raise MutantError(f"{shown}: the file name must begin with `{mutant.exercise}_`")


def apply_mutant(solution_text: str, mutant: Mutant) -> str:
    """The solution file with the mutant's definitions in place of its own, without marks."""
    try:
        if mutant.path.suffix == ".edit":
            return apply_edits(marks.reference(solution_text, mutant.file), mutant.body)
        if mutant.file.endswith(".py"):
            return splice(marks.reference(solution_text, mutant.file), mutant.body)
    except (SpliceError, SyntaxError) as error:
        raise MutantError(f"{mutant.path.name}: {error}") from None
    return mutant.body


def write_submission(mutant: Mutant, out_folder: Path) -> Path:
    """Write all files of the mutant's lab to `out_folder`, solved, with the mutant's own file changed.

    Returns `out_folder`: a submission that `lab check --track` and `lab grade` take.
    """
    if mutant.lab is None:
        raise MutantError(f"{mutant.name}: belongs to no lab; get it from load_mutants")
    for file, content in solved_files(mutant.root, mutant.lab):
        write_atomic(out_folder / file, _submitted(mutant, file, content))
    return out_folder


def _submitted(mutant: Mutant, file: str, content: bytes) -> bytes:
    if file == mutant.file:
        return apply_mutant(content.decode(), mutant).encode()
    return content if _is_binary(content) else marks.reference(content.decode(), file).encode()


def solved_files(root: Path, lab: Lab) -> Iterator[tuple[str, bytes]]:
    """The files of the lab's solution with their marks: path inside its folder, bytes."""
    folder = root / lab.solutions_dir
    for file in files_below(folder):
        yield file, (folder / file).read_bytes()


def _is_binary(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return True
    return False


def by_exercise(mutants: Iterable[Mutant]) -> dict[str, list[Mutant]]:
    """The mutants of each exercise."""
    grouped: dict[str, list[Mutant]] = {}
    for mutant in mutants:
        grouped.setdefault(mutant.exercise, []).append(mutant)
    return grouped
