"""What a container starts (2.8): ENTRYPOINT and CMD put together as Docker does it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from lab2_judges.context import commands
from lab2_judges.dockerfile import Recipe, Stage, Step, exec_form, expand

_INITS = {"tini", "dumb-init", "catatonit", "docker-init"}
_SHELLS = {"sh", "bash", "dash", "ash"}
_VALUED = {"-s", "--signal", "-u", "-p", "-g"}


@dataclass
class Start:
    """What runs when the container starts. `problem` says why it is not the server that gets the signals."""

    shown: str
    line: int
    words: list[str] = field(default_factory=list)
    before: list[list[str]] = field(default_factory=list)
    problem: str = ""
    help: str = ""


def read_start(recipe: Recipe) -> Start:
    """What ENTRYPOINT and CMD make together."""
    final = recipe.final
    entry, command = final.last("ENTRYPOINT"), final.last("CMD")
    if entry and command and _stage_of(final, entry) > _stage_of(final, command):
        command = None  # Docker forgets the CMD of the stage below where a stage sets an ENTRYPOINT
    first = entry or command
    if first is None:
        return Start("", 0, problem="there is neither CMD nor ENTRYPOINT")
    shown = f"{first.name} {first.instruction.rest[:160]}"
    words = exec_form(first.instruction.rest)
    if words is None:
        return _shell_form(first, shown)
    if entry and command:
        more = exec_form(command.instruction.rest)
        if more is None:
            why = "CMD is a line for the shell, so ENTRYPOINT gets `/bin/sh -c …` as its arguments"
            return Start(f"CMD {command.instruction.rest[:160]}", command.line, words, problem=why)
        words = [*words, *more]
    return _unwrapped(Start(shown, first.line, words), final.environment)


def _stage_of(final: Stage, step: Step) -> int:
    return next(place for place, stage in enumerate(final.lineage()) if step in stage.steps)


def _shell_form(step: Step, shown: str) -> Start:
    text = step.instruction.rest
    start = Start(shown, step.line)
    _read_script(start, text, step.variables)
    if start.problem:
        start.problem = f"{step.name} is a line for the shell: process 1 is `/bin/sh -c`"
        start.help = (
            "Docker sends SIGTERM to process 1, and a shell does not pass it on: after 10 seconds the server is killed "
            "in the middle of its answers. (Where it works, a clever shell replaced itself.) Write a list: "
            '`CMD ["uvicorn", "--factory", …]`.'
        )
        if text.lstrip().startswith("["):
            start.help = "A list for Docker is JSON: double quotes, and no comma at the end. " + start.help
    return start


def _unwrapped(start: Start, variables: Mapping[str, str]) -> Start:
    """Look behind `tini --`, `env A=1` and `sh -c`."""
    words = list(start.words)
    while words:
        name = words[0].rpartition("/")[2]
        if name in _INITS:
            words.pop(0)
            while words and words[0].startswith("-"):
                option = words.pop(0)
                if option == "--":
                    break
                if option in _VALUED and words:
                    words.pop(0)
        elif name == "env" or re.match(r"\w+=", words[0]):
            words.pop(0)
        elif name in _SHELLS:
            if len(words) < 3 or not re.fullmatch(r"-\w*c", words[1]):
                break
            start.words = words
            _read_script(start, words[2], variables)
            return start
        else:
            break
    start.words = words
    if name := next((word for word in words if "$" in word and not re.search(r"\bpython", words[0])), ""):
        start.problem = f"`{name}` in a list stays as it is: no shell puts the variable in"
        start.help = 'Write the value, or start a shell that replaces itself: `["sh", "-c", "exec uvicorn … $PORT"]`.'
    return start


def _read_script(start: Start, script: str, variables: Mapping[str, str]) -> None:
    found = commands(expand(script, variables))
    if not found:
        start.problem = "it starts nothing"
        return
    *start.before, last = found
    if last[0] == "exec":
        start.words = last[1:]
        return
    start.words = last
    start.problem = "process 1 is a shell, and not the server"
    start.help = "A shell does not pass SIGTERM on. `exec` replaces it by the server: `sh -c 'exec uvicorn …'`."
