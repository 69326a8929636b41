"""Judges what the container starts (2.8): its user, its command, the server. No Docker."""

from __future__ import annotations

import posixpath
import re

from lab2_judges.command import Start, read_start
from lab2_judges.context import commands
from lab2_judges.image_rules import Plan
from lab2_judges.packages import overlap, reaching
from labkit.checks import expect, fail

PORT = "8000"
KNOWN_USERS = {"nobody", "www-data", "daemon", "nonroot", "bin", "mail", "backup", "games"}


def judge_user(plan: Plan) -> None:
    """The container has a user that is not root, and what runs can be read by it."""
    final = plan.recipe.final
    step = final.last("USER")
    expect.that(
        step,
        expected="an instruction `USER` in the last stage",
        found="there is none, so the server runs as root",
        help="A hole in the server is then a hole with root's rights. `USER 10001:10001` needs no entry anywhere.",
    )
    assert step is not None
    user = step.expand(step.instruction.rest).strip().strip("\"'")
    name = user.partition(":")[0]
    expect.that(
        name not in ("root", "0", "") and not re.fullmatch(r"0+", name),
        expected="the last `USER` is not root",
        found=f"line {step.line}: `USER {step.instruction.rest}`" + ("" if name else ", which is empty here"),
        help="What needs root, such as `pip uninstall` or `apt-get`, stands above the last `USER`.",
    )
    if not name.isdigit() and name not in KNOWN_USERS:
        scripts = [one.expand(one.script()) for one in final.chain() if one.name == "RUN"]
        words = {word for script in scripts for command in commands(script) for word in command[1:]}
        made = name in words or any(re.search(rf"\b{re.escape(name)}:", script) for script in scripts)
        expect.that(
            made,
            expected=f"the user `{name}` is made in the last stage",
            found="no `useradd` makes it there",
            help="A user of an earlier stage is not in this image. A number needs no entry: `USER 10001:10001`.",
        )
    for taken in plan.own.image.carried:
        expect.that(
            not taken.target.startswith("/root"),
            expected=f"the user `{name}` can read what the server needs",
            found=f"line {taken.line}: it lies in `{taken.target}`, and only root may enter `/root`",
            help="Take a folder that everybody may read, such as /opt/venv.",
        )
    _judge_no_second_copy(plan)


def _judge_no_second_copy(plan: Plan) -> None:
    """No step gives other owners or modes to what was taken over from another stage."""
    for step in plan.recipe.final.chain():
        for command in commands(step.expand(step.script())) if step.name == "RUN" else ():
            program, *words = command
            if program not in ("chown", "chmod", "chgrp") or not any(re.match("-[a-zA-Z]*R|--rec", w) for w in words):
                continue
            folders = [posixpath.normpath(posixpath.join(step.workdir, word)) for word in words if "/" in word]
            for taken in plan.own.image.carried:
                if any(f"{taken.target}/".startswith(f"{folder}/") for folder in folders) and taken.line < step.line:
                    fail(
                        expected=f"`{taken.target}` is in the image once",
                        found=f"line {step.line}: `{program}` of all of it, in a layer of its own",
                        help="A layer that changes the owner or the mode of a file has a copy of the file. What only "
                        "is read needs no owner; `COPY --chown` makes no copy.",
                    )


def judge_start(plan: Plan) -> Start:
    """The server itself is process 1, so that SIGTERM reaches it."""
    start = read_start(plan.recipe)
    expect.that(
        not start.problem,
        expected="the server is process 1 and gets SIGTERM when the container is stopped",
        found=(f"line {start.line}: `{start.shown}`; " if start.line else "") + start.problem,
        help=start.help,
    )
    stop = plan.recipe.final.last("STOPSIGNAL")
    expect.that(
        stop is None or stop.instruction.rest.strip().upper().removeprefix("SIG") not in ("KILL", "9"),
        expected="a stop signal that the server can hear",
        found="STOPSIGNAL is SIGKILL",
        help="SIGKILL ends a process in the middle of an answer. The default, SIGTERM, is right.",
    )
    return start


def server_options(plan: Plan) -> tuple[Start, dict[str, str]]:
    """The start command and uvicorn's options in it, defaults put in. Fails where it does not start the service."""
    start = read_start(plan.recipe)
    environment = plan.recipe.final.environment
    name = start.words[0].rpartition("/")[2] if start.words else ""
    # Where CMD begins with an option, the base image's ENTRYPOINT is Python, as in distroless images.
    is_python = name.startswith("python") or name in ("-m", "-c")
    is_server = name == "uvicorn" or (is_python and "uvicorn" in " ".join(start.words))
    expect.that(
        is_server,
        expected="the container starts uvicorn",
        found=f"`{start.shown}`" if start.shown else "there is neither CMD nor ENTRYPOINT",
        help='`CMD ["uvicorn", "--factory", "lab2_service.app:create_app", "--host", "0.0.0.0", "--port", "8000"]`',
    )
    options = {
        "--host": environment.get("UVICORN_HOST", "127.0.0.1"),
        "--port": environment.get("UVICORN_PORT", PORT),
    }
    if environment.get("UVICORN_FACTORY", "").lower() in ("1", "true", "t", "yes", "y", "on"):
        options["--factory"] = ""
    words = [part for word in start.words for part in (word.split("=", 1) if word.startswith("--") else [word])]
    for place, word in enumerate(words):
        if word.startswith("-"):
            value = words[place + 1] if place + 1 < len(words) else ""
            options[word] = value
    named = (word for word in words if re.fullmatch(r"[\w.]+:\w+", word))
    options["app"] = next(named, environment.get("UVICORN_APP", ""))
    if "-c" in options and "uvicorn" in options["-c"]:
        code = options["-c"]  # a few lines of Python that call uvicorn.run
        options |= {"app": "lab2_service.app:create_app", "--factory": ""} if "create_app" in code else {}
        options["--host"] = "0.0.0.0" if "0.0.0.0" in code else options["--host"]
    return start, options


def judge_server(plan: Plan) -> None:
    """uvicorn serves `create_app` to the world outside of the container, on port 8000, and makes nothing before."""
    start, options = server_options(plan)
    line = f"line {start.line}: `{start.shown}`"
    expect.that(
        options["app"] == "lab2_service.app:create_app" and "--factory" in options,
        expected="uvicorn is told `--factory lab2_service.app:create_app`",
        found=line,
        help="`create_app` is a function that makes the application: `--factory` says so.",
    )
    expect.that(
        options["--host"] in ("0.0.0.0", "::", "[::]", ""),
        expected="the server listens on `0.0.0.0`",
        found=f"{line}: it listens on `{options['--host']}`",
        help="Each container has a loopback of its own. On 127.0.0.1 only the container itself can call the service.",
    )
    expect.that(
        options["--port"] == PORT,
        expected=f"the server listens on port {PORT}",
        found=f"{line}: port `{options['--port']}`",
        help="The manifests of lab 3 expect it there.",
    )
    expect.that(
        "--reload" not in options,
        expected="the server runs as in production",
        found=f"{line}: `--reload`",
        help="It watches files that never change here, and starts a second process that gets no signals.",
    )
    threads = plan.recipe.final.environment.get("OMP_NUM_THREADS")
    expect.that(
        threads == "1" or "OMP_NUM_THREADS=1 " in start.shown,
        expected="`ENV OMP_NUM_THREADS=1` in the last stage",
        found="it is not set there" if threads is None else f"`{threads}`",
        help="One request is one row: more threads would only wait for each other, and where it is not said, there are "
        "as many as the node has cores.",
    )
    for command in start.before:
        text = " ".join(command)
        if re.search(r"training|\b(mkdir|touch|chown|chmod|cp|mv|tee|pip|uv)\b", text):
            fail(
                expected="everything is made while the image is built",
                found=f"line {start.line}: at each start it runs `{text[:100]}`",
                help="The root file system is read-only when it runs, and a start must take seconds.",
            )
    exposed = plan.recipe.final.last("EXPOSE")
    ports = exposed.expand(exposed.instruction.rest).split() if exposed else []
    expect.that(
        not ports or any(port.partition("/")[0] == PORT for port in ports),
        expected=f"`EXPOSE {PORT}`",
        found=f"`EXPOSE {' '.join(ports)}`",
        help="EXPOSE opens nothing, it tells readers and tools where the server listens. So it must be right.",
    )
    _judge_moved_environment(plan, start)


def _judge_moved_environment(plan: Plan, start: Start) -> None:
    """The programs of a virtual environment know where they were installed."""
    if not start.words or start.words[0].rpartition("/")[2] != "uvicorn":
        return
    installs = reaching(plan.own)
    places = {install.place for install in installs}
    environments = places - {install.place for install in installs if install.is_put_there}
    for taken in plan.own.image.carried:
        source, target = posixpath.normpath(taken.source), posixpath.normpath(taken.target)
        is_one = source in environments and not re.search(r"site-packages|/\.?local|/install|/prefix", source)
        if source != target and is_one:
            fail(
                expected=f"a virtual environment stays where it was made, `{source}`",
                found=f"line {taken.line}: it is copied to `{target}`",
                help="The first line of each of its programs names its Python with the full path. Copy it to the same "
                "path, or start `python -m uvicorn`.",
            )
    if not any(overlap(part, place) for place in places for part in _path_of(plan, start)):
        fail(
            expected="`uvicorn` is found on PATH",
            found=f"it is installed in {', '.join(f'`{p}`' for p in sorted(places)) or 'no place'}, and PATH is "
            f"`{plan.recipe.final.environment.get('PATH', '')}`",
            help="`ENV PATH=/opt/venv/bin:$PATH` in the last stage: ENV of an earlier stage does not come along.",
        )


def _path_of(plan: Plan, start: Start) -> list[str]:
    if "/" in start.words[0]:
        return [posixpath.dirname(start.words[0])]
    path = [part for part in plan.recipe.final.environment.get("PATH", "").split(":") if part]
    # A prefix that was copied to another place (`/install` → `/usr/local`) is found there.
    back = [taken.source for taken in plan.own.image.carried if any(overlap(part, taken.target) for part in path)]
    return [*path, *back]
