"""Proves the course whole: starters in step with solutions; a check, a hint, a mutant and a TODO for each exercise."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import unified_diff
from pathlib import Path

from labkit.course.catalog import Catalog
from labkit.course.check_functions import CheckFunction, read_checks
from labkit.course.lab import CatalogError, Lab, suggestion
from labkit.course.marks import MarkError, can_be_marked, open_todos
from labkit.course.mutants import Mutant, MutantError, apply_mutant, by_exercise, load_alternatives, load_mutants
from labkit.course.sentences import sentence_problems
from labkit.course.services import load_services
from labkit.course.starters import Starter, files_below, starters, stray_files
from labkit.documents.nodes import Refused
from labkit.documents.readers import kind_of, read

_DIFF_LINES = 12


def course_problems(catalog: Catalog, *, look_at_labs: bool = True) -> list[str]:
    """Every problem of the course as text that names file and line; empty where all is well.

    Without `look_at_labs` what stands in labs/ is not compared, because it may be a learner's work.
    """
    problems = [problem for lab in catalog for problem in lab_problems(catalog.root, lab, look_at_labs=look_at_labs)]
    return [*problems, *_unknown_folders(catalog, look_at_labs=look_at_labs)]


def _unknown_folders(catalog: Catalog, *, look_at_labs: bool) -> Iterator[str]:
    known = {lab.package for lab in catalog}
    for top in ("labs", "solutions", "tests/mutants", "tests/alternatives"):
        folder = catalog.root / top
        if folder.is_dir() and (look_at_labs or top != "labs"):
            strays = sorted(path.name for path in folder.iterdir() if path.name not in {*known, "README.md"})
            yield from (f"{top}/{name}: stray, no lab.toml stands for it" for name in strays if name[0] not in "._")


def lab_problems(root: Path, lab: Lab, *, look_at_labs: bool = True) -> list[str]:
    """Every problem of one lab."""
    try:
        made = starters(root, lab)
    except MarkError as error:
        return [str(error)]
    problems = [*_files(root, lab, made), *_solutions(root, lab), *_exercises(lab, made)]
    if look_at_labs:
        problems += _in_step(root, lab, made)
    try:
        checks = read_checks(root, lab)
    except (OSError, SyntaxError) as error:
        return [*problems, f"{lab.checks_file.as_posix()}: {error}"]
    problems += [*_checks(lab, checks), *_services(root, lab), *sentence_problems(root, lab, made, checks)]
    try:
        problems += _mutants(root, lab, checks)
    except MutantError as error:
        problems.append(str(error))
    return problems


def _files(root: Path, lab: Lab, made: list[Starter]) -> Iterator[str]:
    there = {starter.file for starter in made}
    for file in lab.files:
        if file not in there:
            yield f"{(lab.solutions_dir / file).as_posix()}: named in weeks/{lab.week}/lab.toml, but not there"
    if not (root / lab.guide).is_file():
        yield f"{lab.guide.as_posix()}: the guide is missing"


def _in_step(root: Path, lab: Lab, made: list[Starter]) -> Iterator[str]:
    for file in stray_files(root, lab):
        yield f"{file}: stray file, no solution stands for it"
    for starter in made:
        path = root / lab.labs_dir / starter.file
        shown = (lab.labs_dir / starter.file).as_posix()
        if not path.is_file():
            yield f"{shown}: missing; `lab dev sync` writes it"
        elif path.read_bytes() != starter.content:
            yield f"{shown}: differs from what `lab dev sync` would write\n{_short_diff(path.read_bytes(), starter)}"


def _short_diff(found: bytes, starter: Starter) -> str:
    old, new = found.decode(errors="replace").splitlines(), starter.content.decode(errors="replace").splitlines()
    lines = list(unified_diff(old, new, "now", "after sync", lineterm="", n=1))
    more = [f"… ({len(lines) - _DIFF_LINES} more lines)"] if len(lines) > _DIFF_LINES else []
    return "\n".join(f"    {line}" for line in [*lines[:_DIFF_LINES], *more])


def _solutions(root: Path, lab: Lab) -> Iterator[str]:
    for file in files_below(root / lab.solutions_dir):
        text = (root / lab.solutions_dir / file).read_bytes().decode(errors="replace")
        shown = (lab.solutions_dir / file).as_posix()
        for id, line in open_todos(text).items():
            yield f"{shown}:{line}: the solution still holds `TODO {id}`"


def _exercises(lab: Lab, made: list[Starter]) -> Iterator[str]:
    todos = {starter.file: open_todos(starter.content.decode(errors="replace")) for starter in made}
    for exercise in lab.exercises:
        for file in exercise.files:
            shown = (lab.solutions_dir / file).as_posix()
            if not can_be_marked(file):
                yield f"{shown}: JSON has no comments, so no `solution {exercise.id}` mark; take YAML or TOML instead"
            elif exercise.id not in todos.get(file, {}):
                yield f"{shown}: no `solution {exercise.id}` mark, so no TODO"
        if not exercise.hints:
            yield f"weeks/{lab.week}/lab.toml: exercise {exercise.id} has no hint"


def _checks(lab: Lab, checks: list[CheckFunction]) -> Iterator[str]:
    shown = lab.checks_file.as_posix()
    checked = {check.exercise for check in checks}
    known = {exercise.id for exercise in lab.exercises}
    for exercise in lab.exercises:
        if exercise.id not in checked:
            yield f'{shown}: no check for exercise {exercise.id}; mark one with `@exercise("{exercise.id}")`'
    for check in checks:
        if check.exercise not in known:
            yield f"{shown}:{check.line}: `{check.name}` is for exercise {check.exercise}, which lab.toml does not have"
        if not check.docstring:
            yield f"{shown}:{check.line}: `{check.name}` has no docstring, the sentence that the learner reads"


def _services(root: Path, lab: Lab) -> Iterator[str]:
    try:
        known = load_services(root) if lab.servers else {}
    except CatalogError as error:
        yield str(error)
        return
    for name in lab.servers:
        if name not in known:
            yield f"weeks/{lab.week}/lab.toml: `services`: there is no service `{name}`.{suggestion(name, known)}"


def _mutants(root: Path, lab: Lab, checks: list[CheckFunction]) -> Iterator[str]:
    mutants = load_mutants(root, lab)
    there = by_exercise(mutants)
    for exercise in lab.exercises:
        if exercise.id not in there:
            yield f"{lab.mutants_dir.as_posix()}/: no mutant for exercise {exercise.id}"
    names: dict[str, set[str]] = {}
    for check in checks:
        names.setdefault(check.name, set()).add(check.exercise)
    for mutant in mutants:
        yield from _caught(lab, mutant, names)
    for mutant in [*mutants, *load_alternatives(root, lab)]:
        solution = root / lab.solutions_dir / mutant.file
        if solution.is_file():
            yield from _unreadable(mutant, apply_mutant(solution.read_text(encoding="utf-8"), mutant), root)


def _unreadable(mutant: Mutant, text: str, root: Path) -> Iterator[str]:
    """A wrong answer that cannot even be read fails every check, and proves none."""
    if kind_of(mutant.file):
        try:
            read(mutant.file, text)
        except Refused as refused:
            shown = mutant.path.relative_to(root).as_posix()
            yield f"{shown}: `{mutant.file}` could not be read: {refused}"


def _caught(lab: Lab, mutant: Mutant, names: dict[str, set[str]]) -> Iterator[str]:
    shown = (lab.mutants_dir / mutant.path.name).as_posix()
    for name in mutant.caught_by:
        if name not in names:
            yield f"{shown}: no check is called `{name}`.{suggestion(name, names)}"
