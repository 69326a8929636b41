"""`lab dev sync` and `lab dev check`: for the people who write the course."""

from __future__ import annotations

from labkit.commands.common import FAILED, OK, open_catalog, relative, say
from labkit.course.marks import MarkError


def dev_sync() -> int:
    """Write labs/ from solutions/."""
    from labkit.course.starters import sync
    from labkit.text import plural

    catalog = open_catalog()
    try:
        report = sync(catalog.root)
    except MarkError as error:
        say(str(error))
        return FAILED
    for file in report.written:
        print(f"  wrote  {file}")
    for file in report.stray:
        print(f"  stray  {file}: no solution stands for it; delete it, or write the solution")
    if report.kept:
        print(f"  kept   what was replaced, in {relative(report.kept, catalog.root)}/")
    written, unchanged, stray = len(report.written), len(report.unchanged), len(report.stray)
    print(f"{plural(written, 'starter')} written, {unchanged} unchanged, {stray} stray.")
    return FAILED if report.stray else OK


def dev_check(*, skip_labs: bool = False) -> int:
    """Prove the course whole; one line for each problem."""
    from labkit.course.proof import course_problems
    from labkit.text import plural

    catalog = open_catalog()
    problems = course_problems(catalog, look_at_labs=not skip_labs)
    for problem in problems:
        print(problem)
    exercises = sum(len(lab.exercises) for lab in catalog)
    if problems:
        print(f"\n{plural(len(problems), 'problem')}.")
        return FAILED
    whole = f"each has a TODO, a check, a hint and a mutant.{'' if skip_labs else ' labs/ is in step.'}"
    print(f"{plural(len(catalog), 'lab')}, {plural(exercises, 'exercise')}: {whole}")
    return OK
