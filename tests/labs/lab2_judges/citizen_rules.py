"""Judges what makes a container a good citizen (2.8): its health check, its models, its labels. No Docker."""

from __future__ import annotations

import posixpath
import re

from lab2_judges.context import Simulation, commands
from lab2_judges.dockerfile import Stage, Step, exec_form, expand, pairs
from lab2_judges.image_rules import Plan
from lab2_judges.packages import LOCK, TRAIN_LOCK, installs_of
from lab2_judges.start_rules import PORT
from labkit.checks import expect, fail

DATA = "shared/mlops_lab/data/"
TRAINS = "solutions/lab1_models/house_price.py"
# `a || echo no` and `a; echo done` end as `echo` does, a pipe as its last part.
_ALWAYS = re.compile(
    r"\|\|\s*(true|exit 0|:|echo|printf)|;\s*(true|exit 0|:|(echo|printf)\b[^;|&]*)\s*$|"
    r"[^|]\|\s*(cat|tee|logger)\b[^|]*$|except|suppress\("
)
LABELS = ("org.opencontainers.image.title", "org.opencontainers.image.revision")


def judge_health(plan: Plan) -> None:
    """HEALTHCHECK asks the service itself, with what the image has, and can fail."""
    step = plan.recipe.final.last("HEALTHCHECK")
    text = step.instruction.rest if step else "NONE"
    expect.that(
        step is not None and text.strip().upper() != "NONE",
        expected="a HEALTHCHECK in the last stage",
        found="there is none",
        help="A process that runs is not a service that answers. Docker restarts nothing by itself, but Compose and "
        "Swarm wait for `healthy`.",
    )
    assert step is not None
    command = text[3:].strip() if text[:3].upper() == "CMD" else text
    words = exec_form(command)
    where, script = f"line {step.line}", " ".join(words) if words is not None else expand(command, step.variables)
    bodies = [body for one in plan.recipe.final.chain() for body in one.instruction.bodies]
    if "/readyz" not in script and "/livez" not in script:
        script = "\n".join([script, *bodies])  # a script of its own, written by a here-document
    if tool := re.search(r"\b(curl|wget|nc|httpie)\b", script):
        fail(
            expected="HEALTHCHECK uses what is in the image",
            found=f"{where}: `{tool[1]}`",
            help="The slim image has none, so the container would be unhealthy for ever. Python can ask, too: "
            "`import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/readyz', timeout=2)`.",
        )
    expect.that(
        "/readyz" in script or "/livez" in script,
        expected="HEALTHCHECK asks `/readyz` or `/livez`",
        found=f"{where}: `{script[:120]}`",
        help="Only an answer of the service shows that it serves.",
    )
    if other := re.search(r"\b(httpx|requests|aiohttp)\b", script):
        fail(
            expected="HEALTHCHECK uses what is in the image",
            found=f"{where}: `{other[1]}`, which `requirements-serve.lock` does not have",
            help="`urllib.request` is a part of Python.",
        )
    ends_badly = re.search(r"exit\(\s*[^0\s)]|\bexit [1-9]", script, re.I) or "raise" in script
    always = _ALWAYS.search(script) and not ends_badly
    expect.that(
        not always and re.search(r"urlopen|urlretrieve|status|exit|assert|raise|grep", script),
        expected="HEALTHCHECK ends with 1 where the answer is not 200",
        found=f"{where}: `{script[:160]}` ends with 0 whatever the answer is",
        help="`urllib.request.urlopen` raises an error for 503, and Python then ends with 1. Nothing may come after "
        "it: `|| echo …`, `; echo …` and a pipe end with 0. `http.client` raises nothing: compare its `status`.",
    )
    ports = set(re.findall(r"(?:127\.0\.0\.1|localhost|0\.0\.0\.0|\[::1\])(?::|['\"], ?)(\d+)", script))
    expect.that(
        ports <= {PORT} and (ports or "http://" not in script or re.search(r"\$|environ|getenv", script)),
        expected=f"HEALTHCHECK asks port {PORT}, where the server listens",
        found=f"{where}: port {', '.join(sorted(ports)) or '80'}",
    )


def judge_models(plan: Plan) -> None:
    """The models are trained while the image is built, and lie where the service looks for them."""
    for simulation in plan.by_track.values():
        final = simulation.recipe.final
        made = [
            (stage, folder)
            for stage in simulation.recipe.stages
            for step in stage.steps if step.name == "RUN"
            for folder in _trained_folders(step)
        ]  # fmt: skip
        expect.that(
            made,
            expected="a step `RUN python -m lab2_service.training --out …`",
            found="no step trains the models",
            help="The image is what you test, and what you roll back to. A model that it fetches or trains at its "
            "start is another one each time.",
        )
        _judge_data(simulation, [stage for stage, _ in made])
        expect.that(
            any(TRAIN_LOCK in name for stage in simulation.recipe.stages for name in _lists(stage, simulation)),
            expected=f"the models are trained with the packages of `{TRAIN_LOCK}`",
            found="no stage installs them",
            help=f"Training reads the data with pyarrow, which `{LOCK}` does not have. A package that is "
            "installed by its name is another one on another day.",
        )
        wanted = posixpath.join(final.workdir, final.environment.get("MODELS_DIR") or "artifacts")
        places = [folder for stage, folder in made if stage in final.lineage()]
        for taken in simulation.image.carried:
            for stage, folder in made:
                source = posixpath.normpath(taken.source)
                if (
                    taken.stage
                    and stage in taken.stage.lineage()
                    and (folder + "/").startswith(source.rstrip("/") + "/")
                ):
                    rest = folder[len(source) :].lstrip("/")
                    places.append(posixpath.normpath(posixpath.join(taken.target, rest)))
        expect.that(
            places,
            expected=f"the models of `{made[0][1]}` get into the last stage",
            found="no `COPY --from=…` takes them over",
            help="A stage keeps what it makes to itself.",
        )
        expect.that(
            wanted in places,
            expected=f"the service finds the models, which are in `{places[0]}`",
            found=f"it looks into `{wanted}`"
            + ("" if final.environment.get("MODELS_DIR") else ": MODELS_DIR is not set in the last stage"),
            help=f"`ENV MODELS_DIR={places[0]}` in the last stage.",
        )


def _judge_data(simulation: Simulation, stages: list[Stage]) -> None:
    """Where the models are trained, all the data is, and the sums that it is compared with."""
    needed = {path for path in (*simulation.context, *simulation.ignored) if path.startswith(DATA)}
    needed = {path for path in needed if path.endswith((".parquet", "SHA256SUMS"))} | {TRAINS}
    for stage in stages:
        there = set(simulation.stages[stage.index].layers.values())
        for step in stage.chain():
            there |= set(simulation.mounted(step).values()) if step.name == "RUN" else set()
        expect.that(
            any(path.endswith("lab2_service/training.py") for path in there),
            expected="the stage that trains the models has `lab2_service/training.py`",
            found="no `COPY` brings it there",
            help="A stage has only what is copied into it: `COPY ${TRACK}/lab2_service/… /src/lab2_service/`.",
        )
        if lost := sorted(needed - there):
            fail(
                expected=f"the stage that trains the models has `{lost[0]}`",
                found="`.dockerignore` keeps it out of the build"
                if lost[0] in simulation.ignored
                else "no `COPY` brings it there",
                help="Training uses the finished code of week 1, whatever the track: yours may not be done yet."
                if lost[0] == TRAINS
                else "Training reads the data of the course, and compares each file with its sum in `SHA256SUMS`.",
            )


def _lists(stage: Stage, simulation: Simulation) -> list[str]:
    """The names of the locks that a stage installs."""
    return [name.rpartition("/")[2] for install in installs_of(stage, simulation) for name in install.lists]


def _trained_folders(step: Step) -> list[str]:
    found, folder = [], step.workdir
    for command in commands(step.expand(step.script())):
        if command[0] == "cd" and len(command) > 1:
            folder = posixpath.join(folder, command[1])
        line = " ".join(command)
        if re.search(r"\blab2_service(\.training|/training\.py)\b", line):
            out = re.search(r"--out[= ](\S+)", line)
            found.append(posixpath.normpath(posixpath.join(folder, out[1] if out else "artifacts")))
    return found


def judge_labels(plan: Plan) -> None:
    """The image says what it is, and which commit it was built from."""
    found = {
        key: (step, value)
        for step in plan.recipe.final.chain() if step.name == "LABEL"
        for key, value in pairs(step.instruction.rest)
    }  # fmt: skip
    for label in LABELS:
        expect.that(
            label in found and (found[label][0].expand(found[label][1]).strip() or label.endswith("revision")),
            expected=f"a label `{label}`, which says something",
            found="it is empty"
            if label in found
            else "the labels " + (", ".join(f"`{name}`" for name in list(found)[:6]) or "none at all"),
            help="The names are the ones of the OCI. Registries, scanners and `docker inspect` show them.",
        )
    step, value = found["org.opencontainers.image.revision"]
    expect.that(
        "$" in value,
        expected="`org.opencontainers.image.revision` is filled by the build",
        found=f"line {step.line}: it is always `{value[:60]}`",
        help='`ARG REVISION=unknown`, then `…image.revision="${REVISION}"`. `make image-2` gives the commit.',
    )
    declared = [name for name in re.findall(r"\$\{?(\w+)", value) if name in step.variables]
    expect.that(
        declared,
        expected=f"the variable of `{value[:60]}` is known in the last stage",
        found="no `ARG` above it in this stage declares it",
        help="An `ARG` holds in its own stage, from its line on.",
    )
    expect.that(
        plan.checkout.commit in step.expand(value),
        expected="`org.opencontainers.image.revision` is the commit, which `--build-arg REVISION=…` gives",
        found=f"line {step.line}: with `REVISION={plan.checkout.commit}` it is `{step.expand(value)[:60]}`",
        help='`make image-2` names it `REVISION`: `ARG REVISION=unknown`, then `…image.revision="${REVISION}"`.',
    )
