"""Judges the `Dockerfile` and `.dockerignore` as they are written (2.8): base, files, packages, secrets. No Docker."""

from __future__ import annotations

import json
import posixpath
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lab2_judges import packages
from lab2_judges.checkout import LAB, Checkout, draw_checkout
from lab2_judges.context import Simulation, TooMuch
from lab2_judges.dockerfile import DockerfileError, Recipe, pairs, read_recipe
from lab2_judges.patterns import PatternError, read_ignore
from labkit.checks import expect, fail

if TYPE_CHECKING:
    import numpy as np

TRACKS = ("labs", "solutions")
_SECRET_NAME = re.compile(
    r"(^|[_-])(password|passwd|pwd|secret|token|apikey|api_key|access_key|private_key|credentials?)([_-]|$)", re.I
)
_SECRET_VALUE = re.compile(r"AKIA[0-9A-Z]{12,}|://[^/\s:@]+:[^/\s:@$]+@|-----BEGIN |ghp_\w{20,}")


@dataclass(frozen=True)
class Plan:
    """A submission read once for each track, over one drawn checkout."""

    text: str
    checkout: Checkout
    by_track: Mapping[str, Simulation]

    @property
    def own(self) -> Simulation:
        """The build with `TRACK=labs`."""
        return self.by_track["labs"]

    @property
    def recipe(self) -> Recipe:
        return self.own.recipe


def read_plan(submitted: Mapping[str, str], root: Path, rng: np.random.Generator) -> Plan:
    """Read the two files. Raises `DockerfileError` or `PatternError`."""
    text, rules = submitted.get("Dockerfile", ""), read_ignore(submitted.get(".dockerignore", ""))
    checkout = draw_checkout(root, rng)
    by_track = {
        track: Simulation(read_recipe(text, {"TRACK": track, "REVISION": checkout.commit}), checkout.files, rules)
        for track in TRACKS
    }  # fmt: skip
    return Plan(text, checkout, by_track)


def open_plan(submitted: Mapping[str, str], root: Path, rng: np.random.Generator) -> Plan:
    """Read the two files, or skip what needs them: one check says that they cannot be read."""
    try:
        return read_plan(submitted, root, rng)
    except TooMuch as error:
        fail(expected="a `Dockerfile` whose files can be followed", found=str(error))
    except (DockerfileError, PatternError):
        pytest.skip("the `Dockerfile` or the `.dockerignore` cannot be read: see the first check")


def judge_readable(submitted: Mapping[str, str]) -> None:
    """Both files can be read, and hadolint finds no error."""
    try:
        recipe = read_recipe(submitted.get("Dockerfile", ""), {"TRACK": "labs"})
    except DockerfileError as error:
        fail(expected="a `Dockerfile` that Docker can read", found=str(error))
    try:
        read_ignore(submitted.get(".dockerignore", ""))
    except PatternError as error:
        fail(expected="a `.dockerignore` that Docker can read", found=str(error))
    for finding in [] if recipe.has_heredocs else lint(submitted["Dockerfile"]):
        if finding.get("level") == "error" and not (finding.get("code") == "DL3021" and _ends_here(submitted, finding)):
            code = str(finding.get("code"))
            fail(
                expected="a `Dockerfile` without errors",
                found=f"line {finding.get('line')}: {finding.get('message')} ({code})",
                help=f"The linter hadolint says so; its page about {code} has an example." if code != "DL1000" else "",
            )


def _ends_here(submitted: Mapping[str, str], finding: Mapping[str, Any]) -> bool:
    """Whether a COPY goes to `.`: that is a folder, whatever hadolint says."""
    rest = "\n".join(submitted["Dockerfile"].splitlines()[int(finding.get("line") or 1) - 1 :])
    instruction = re.split(r"(?<!\\)\n", rest, maxsplit=1)[0].split()
    return bool(instruction) and instruction[-1] in (".", "..")


def lint(text: str) -> list[dict[str, Any]]:
    """What hadolint finds; nothing where it is not there."""
    beside = Path(sys.executable).with_name("hadolint")
    program = str(beside) if beside.exists() else shutil.which("hadolint")
    if program is None:
        return []
    command = [program, "--config", "/dev/null", "--no-fail", "--disable-ignore-pragma", "--format", "json", "-"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=30, cwd="/")
    found = json.loads(done.stdout or "[]")
    return [one for one in found if isinstance(one, dict)]


def judge_base(plan: Plan) -> None:
    """The base is an `ARG`; it and all other images are pinned."""
    recipe = plan.recipe
    root = recipe.final.lineage()[0]
    expect.that(
        re.search(r"\$\{?\w", root.written),
        expected="the last stage starts from an image whose name is an `ARG`, such as `FROM ${BASE}`",
        found=f"line {root.line}: `FROM {root.written}`",
        help="Write `ARG BASE=…` before the first `FROM`. Then CI and a private registry can give another name with "
        "`--build-arg`, and no stage can be forgotten at the next update.",
    )
    needed = plan.own.needed()
    images = [(stage.line, stage.base) for stage in recipe.stages if stage.base and stage.index in needed]
    images += [(one.line, one.image) for index in needed for one in plan.own.stages[index].carried if one.image]
    for line, image in images:
        if problem := _not_pinned(image):
            fail(
                expected="each image is pinned: a full version, or a digest",
                found=f"line {line}: `{image}` {problem}",
                help="A tag that moves gives you another system on another day, and nobody sees which. Take the full "
                "tag, with the patch of Python and the release of Debian: `python:3.13.11-slim-bookworm`.",
            )
    _judge_one_python(plan, root.base or "")
    for stage in recipe.stages:
        if (
            stage.index in needed
            and "$" not in stage.written
            and stage.base
            and _same_image(stage.base, root.base or "")
        ):
            fail(
                expected="all stages start from the `ARG` of the base, such as `FROM ${BASE}`",
                found=f"line {stage.line}: `FROM {stage.written}`",
                help="At the next update, or with another `--build-arg`, this stage would stay behind. Then packages "
                "and models are made with one Python and run with another.",
            )


def _same_image(one: str, other: str) -> bool:
    """Whether two names of images differ in their tags at most."""
    first, second = (re.sub(r"[:@][^/]*$", "", name).rpartition("/")[2] for name in (one, other))
    return first == second


def _not_pinned(image: str) -> str:
    if "@sha256:" in image or image == "scratch":
        return ""
    name, colon, tag = image.rpartition(":")
    if not colon or "/" in tag:
        return "has no tag, which means `latest`"
    if "latest" in tag:
        return "is `latest`: whatever is newest on the day"
    if name.rpartition("/")[2] == "python":
        if not re.match(r"\d+\.\d+\.\d+", tag):
            return "names no patch version of Python: it moves every few weeks"
        if not re.search(r"bookworm|trixie|bullseye", tag):
            return "names no release of Debian: one day it is another one"
        return ""
    return "" if re.search(r"\d+\.\d+", tag) and not re.match(r"python\d", tag) else "names no full version"


def _judge_one_python(plan: Plan, base: str) -> None:
    """Packages are carried only between images of one Python."""
    version = re.search(r"python:(\d+\.\d+)", base)
    for taken in plan.own.image.carried:
        first = taken.stage.lineage()[0].base if taken.stage else None
        other = re.search(r"python:(\d+\.\d+)", first or "")
        if version and other and version[1] != other[1]:
            holds = any(packages.overlap(one.place, taken.source) for one in packages.reaching(plan.own))
            expect.that(
                not holds,
                expected=f"packages are installed with the Python that runs them, {version[1]}",
                found=f"line {taken.line}: `{taken.source}` comes from a stage with Python {other[1]}",
                help="Compiled packages belong to one version of Python. Start each stage from the same `${BASE}`.",
            )


def judge_copies(plan: Plan) -> None:
    """Every `COPY` finds its files, for both tracks."""
    for track in TRACKS:
        for one in plan.by_track[track].missing():
            source = one.source or '""'
            if one.ignored:
                rule = f"line {one.rule.line} of `.dockerignore`" if one.rule else "`.dockerignore`"
                fail(
                    expected=f"`COPY` in line {one.line} finds `{source}`",
                    found=f"`{one.ignored}` is there, but {rule} keeps it out of the build",
                    help="After a line `*` each file that the build needs has a line with `!`, and the last line that "
                    "fits decides.",
                )
            fail(
                expected=f"`COPY` in line {one.line} finds `{source}` from the top of the repository, `TRACK={track}`",
                found="there is no such file",
                help="An `ARG` from before the first `FROM` is empty inside of a stage: say `ARG TRACK=labs` there "
                "again. The paths of `COPY` begin at the top of the repository, wherever the `Dockerfile` lies.",
            )


def judge_service_files(plan: Plan) -> None:
    """The service of the wanted track is in the image, as a package that Python finds, with its page."""
    for track in TRACKS:
        simulation = plan.by_track[track]
        files = simulation.image.files
        wanted = f"{track}/{LAB}/app.py"
        places = [place for place, origin in files.items() if origin == wanted]
        expect.that(
            places,
            expected=f"with `--build-arg TRACK={track}` the image has `{wanted}`",
            found="it has "
            + (", ".join(sorted(o for o in files.values() if o.endswith(f"{LAB}/app.py"))) or "no `app.py`"),
            help="`COPY ${TRACK}/lab2_service …`, with `ARG TRACK=labs` in the same stage.",
        )
        folder = next((place.removesuffix("/app.py") for place in places if place.endswith(f"/{LAB}/app.py")), None)
        expect.that(
            folder is not None,
            expected=f"`app.py` lies in a folder `{LAB}`, so that `import {LAB}.app` finds it",
            found=f"it is `{places[0]}`",
            help="`COPY folder target` copies what is in the folder, not the folder: name it in the target again, as "
            f"in `COPY ${{TRACK}}/{LAB} /app/{LAB}`.",
        )
        _judge_importable(simulation, str(folder).removesuffix(f"/{LAB}") or "/", LAB)
        for name in plan.checkout.service(track):
            expect.that(
                f"{folder}/{name}" in files,
                expected=f"the image has the whole service, also `{name}`",
                found=f"`{folder}/{name}` is missing",
                help="See what `COPY` names, and what `.dockerignore` lets through.",
            )
    _judge_library(plan.own)
    _judge_default_track(plan)


def _judge_default_track(plan: Plan) -> None:
    """Where nobody names a track, it is the learner's own, in every stage."""
    plain = read_recipe(plan.text)
    for stage in plain.stages:
        track = stage.arguments.get("TRACK", TRACKS[0])
        expect.that(
            stage.index not in plan.own.needed() or track == TRACKS[0],
            expected="without `--build-arg` the image has your own service: `ARG TRACK=labs` in each stage",
            found=f"in the stage of line {stage.line} `TRACK` is " + (f"`{track}`" if track else "empty"),
            help="`make image-2 TRACK=solutions` takes the solution. Who says nothing gets yours.",
        )


def _judge_importable(simulation: Simulation, folder: str, package: str) -> None:
    final = simulation.recipe.final
    paths = [part for part in final.environment.get("PYTHONPATH", "").split(":") if part]
    command = final.last("CMD"), final.last("ENTRYPOINT")
    paths += re.findall(r"--app-dir[\"',=\s]+([^\"',\s]+)", " ".join(step.instruction.rest for step in command if step))
    paths = [posixpath.normpath(posixpath.join(final.workdir, part)) for part in paths]
    if folder in [*paths, final.workdir] or "site-packages" in folder:
        return
    fail(
        expected=f"Python finds the package `{package}`",
        found=f"it lies in `{folder}`; WORKDIR is `{final.workdir}`, PYTHONPATH is `{':'.join(paths) or 'not set'}`",
        help=f"`ENV PYTHONPATH={folder}` in the last stage.",
    )


def _judge_library(simulation: Simulation) -> None:
    places = [p for p, o in simulation.image.files.items() if o == "shared/mlops_lab/artifacts.py"]
    installed = any(name in (".", "./", "/src") or "mlops" in name or name.startswith(("/", "./"))
                    for one in packages.reaching(simulation) for name in one.names)  # fmt: skip
    if installed and not places:
        return
    expect.that(
        places,
        expected="the image has the package `mlops_lab`: the service loads its models with it",
        found="no file of `shared/mlops_lab` is in the image",
        help="`COPY shared/mlops_lab/*.py /app/mlops_lab/`",
    )
    good = [place for place in places if place.endswith("/mlops_lab/artifacts.py")]
    expect.that(good, expected="`artifacts.py` lies in a folder `mlops_lab`", found=f"it is `{places[0]}`")
    folder = good[0].removesuffix("artifacts.py")
    modules = [
        path for path in {*simulation.context, *simulation.ignored} if re.match(r"shared/mlops_lab/\w+\.py$", path)
    ]
    if lost := sorted(path for path in modules if folder + path.rpartition("/")[2] not in simulation.image.files):
        fail(
            expected=f"`mlops_lab` is in the image with all its modules, also `{lost[0].rpartition('/')[2]}`",
            found=f"`{folder}{lost[0].rpartition('/')[2]}` is missing",
            help="`COPY shared/mlops_lab/*.py /app/mlops_lab/`: modules need each other.",
        )
    if not installed:
        _judge_importable(simulation, good[0].removesuffix("/mlops_lab/artifacts.py") or "/", "mlops_lab")


def judge_unwanted(plan: Plan, kinds: tuple[str, ...]) -> None:
    """No file of these kinds is in a layer of the image."""
    for track in TRACKS:
        layers = plan.by_track[track].image.layers
        found = [
            (place, origin, *why) for place, origin in sorted(layers.items(), key=lambda one: (LAB not in one[1], one))
            if (why := plan.checkout.unwanted(origin, track)) and why[0] in kinds
        ]  # fmt: skip
        if not found:
            continue
        place, origin, kind, reason = found[0]
        more = f", and {len(found) - 1} more such files" if len(found) > 1 else ""
        removed = place not in plan.by_track[track].image.files
        inside = kind == "secret" and f"/{LAB}/" in origin
        fail(
            expected="the image has the service, `mlops_lab`, packages and models, and nothing else of your checkout",
            found=f"`{origin}` is in the image as `{place}`{more}; such a file {reason}",
            help="`rm` in a later step hides a file, but its layer is shipped. Do not copy it." if removed
            else "`COPY` of a folder takes all that lies in it on the day. `.dockerignore` can let through `*.py` only."
            if inside
            else "Copy the folders that the service needs, each by its name, and not `.`. A `.dockerignore` that "
            "begins with `*` and names what is let in (`!…`) also keeps out the files that nobody thought of.",
        )  # fmt: skip


def judge_no_secret_values(plan: Plan) -> None:
    """No `ENV`, `ARG` or `LABEL` holds a secret."""
    given = [(0, name, value) for name, value in plan.recipe.global_arguments.items()]
    given += [
        (step.line, name, step.expand(value))
        for stage in plan.recipe.stages for step in stage.steps if step.name in ("ENV", "ARG", "LABEL")
        for name, value in pairs(step.instruction.rest)
    ]  # fmt: skip
    for line, name, value in given:
        named = _SECRET_NAME.search(name) and not name.upper().endswith(("_FILE", "_PATH", "_DIR"))
        if named or _SECRET_VALUE.search(value):
            where = f"line {line}: " if line else ""
            fail(
                expected="no password, token or key in `ENV`, `ARG` or `LABEL`",
                found=f"{where}`{name}`",
                help="Whoever has the image reads it with `docker history`, also a build argument. A build that needs "
                "a secret mounts it: `RUN --mount=type=secret,id=…`. The running service gets it from its environment.",
            )
