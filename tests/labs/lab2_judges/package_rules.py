"""Judges what is installed in the image, and what is left in it (2.8). No Docker."""

from __future__ import annotations

import re

from lab2_judges import packages
from lab2_judges.context import commands
from lab2_judges.image_rules import Plan
from lab2_judges.packages import FULL_LOCK, LOCK, TRAIN_LOCK, Install, overlap
from labkit.checks import expect, fail

_LOCK_HELP = (
    f"`{LOCK}` at the top of the repository has what serving needs, each package with its version and its hashes: "
    f"`pip install --require-hashes -r {LOCK}`."
)


def judge_lock(plan: Plan) -> None:
    """All packages in the image come from the lock of the group `serve`."""
    found = packages.reaching(plan.own)
    for install in found:
        _judge_install(install)
    expect.that(
        any(LOCK in (name.rpartition("/")[2] for name in install.lists) for install in found),
        expected=f"the packages of `{LOCK}` are installed, and get into the last stage",
        found="no such install" if not found else "; ".join(_shown(install) for install in found[:3]),
        help=_LOCK_HELP
        + " Install into a folder, such as a virtual environment, and take it over with `COPY --from=…`.",
    )


def _shown(install: Install) -> str:
    return f"line {install.line}: `{' '.join([install.tool, *install.lists, *install.names])[:120]}`"


def _judge_install(install: Install) -> None:
    expected = f"the packages in the image come from `{LOCK}`, and from nowhere else"
    for name in (one.rpartition("/")[2] for one in install.lists):
        if name in (FULL_LOCK, TRAIN_LOCK):
            fail(
                expected=expected,
                found=f"line {install.line}: `{name}` is installed in what the image gets",
                help="The full lock has 300 packages: MLflow, Prefect, Jupyter. None of them serves a prediction, and "
                "each can have a hole. " + _LOCK_HELP
                if name == FULL_LOCK
                else "Training needs more packages than serving. Train in a stage of its own, and carry over only the "
                "models.",
            )
    if switches := install.switches & {"--no-verify-hashes", "--no-require-hashes"}:
        fail(
            expected=expected, found=f"line {install.line}: `{min(switches)}`", help="The hashes are the lock's point."
        )
    if install.tool.startswith("uv project"):
        fail(expected=expected, found=_shown(install), help=f"uv would choose versions anew. {_LOCK_HELP}")
    if "--no-index" in install.switches:
        return
    for name in install.names:
        local = name in (".", "./") or name.startswith(("./", "/")) or name.endswith(".whl")
        if local and ("--no-deps" in install.switches or name.endswith(".whl")):
            continue
        fail(
            expected=expected,
            found=f"line {install.line}: `{install.tool} {name}`",
            help="`pip install .` also installs all that `pyproject.toml` names, and chooses versions anew; add "
            "`--no-deps`, or copy the package."
            if local
            else f"On another day this is another version, or a package that somebody else put there. {_LOCK_HELP}",
        )


def judge_no_build_tools(plan: Plan) -> None:
    """The last stage has no pip, no compiler and no download tool."""
    simulation, final = plan.own, plan.recipe.final
    for step in final.chain():
        if step.name == "RUN":
            for name in packages.programs_of_the_system(step):
                if packages.BUILD_TOOLS.match(name):
                    fail(
                        expected="the last stage installs nothing that only the build needs",
                        found=f"line {step.line}: `{name}`",
                        help="Compilers and download tools belong into an earlier stage. In the image they serve only "
                        "whoever breaks in. For HEALTHCHECK there is Python.",
                    )
    for taken in simulation.image.carried:
        for path in (taken.source, taken.target):
            if re.search(r"/(uv|uvx|pip\d?|curl|wget|git)$", path):
                fail(
                    expected="the last stage takes over no build tool",
                    found=f"line {taken.line}: `{path}`",
                    help="Install in an earlier stage, and carry over what was installed.",
                )
    _judge_pip_of_environment(plan)
    base = plan.recipe.base.partition("@")[0].rpartition(":")[0].rpartition("/")[2]
    if base == "python":
        expect.that(
            packages.removes_pip(final.chain(), packages.SYSTEM),
            expected="there is no pip in the image",
            found="the base image brings pip, and no step of the last stage removes it",
            help="Nothing is installed any more when the image runs, but an intruder would like to: "
            "`RUN pip uninstall --yes pip`.",
        )


def _judge_pip_of_environment(plan: Plan) -> None:
    """A virtual environment that reaches the image was made without pip."""
    simulation, final = plan.own, plan.recipe.final
    reached = {install.place for install in packages.reaching(simulation)}
    for stage in plan.recipe.stages:
        for step in stage.steps if stage.index in simulation.needed() else ():
            for command in commands(step.expand(step.script())) if step.name == "RUN" else ():
                line = " ".join(command)
                made = re.search(r"(?:-m venv|\bvirtualenv)\b(.*)", line)
                seeded = re.search(r"\buv venv\b(.*--seed.*)", line)
                if not (made and "--without-pip" not in line and "--no-pip" not in line) and not seeded:
                    continue
                place = _target((made or seeded)[1].split(), step.workdir)  # type: ignore[index]
                if place and any(overlap(place, one) for one in reached):
                    expect.that(
                        packages.removes_pip([*stage.chain(), *final.chain()], place),
                        expected="there is no pip in the image",
                        found=f"line {step.line}: `{line[:100]}` puts pip into `{place}`, which is in the image",
                        help="`python -m venv --without-pip …`, then `pip --python …/bin/python install …`.",
                    )


def _target(words: list[str], workdir: str) -> str:
    place = next((word for word in words if not word.startswith("-")), "")
    return place if place.startswith("/") or not place else f"{workdir.rstrip('/')}/{place}"
