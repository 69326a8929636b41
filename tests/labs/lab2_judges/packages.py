"""What is installed while the image is built (2.8): by which command, from which list, to which place."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from lab2_judges.context import Simulation, commands, commands_and_variables
from lab2_judges.dockerfile import Stage, Step

LOCK, FULL_LOCK, TRAIN_LOCK = "requirements-serve.lock", "requirements.lock", "requirements-train.lock"
SYSTEM, HOME = "/usr/local", posixpath.join("/root", ".local")
BUILD_TOOLS = re.compile(
    r"^(build-essential|gcc(-\d+)?|g\+\+(-\d+)?|gfortran(-\d+)?|clang(-\d+)?|llvm(-\d+)?|binutils|make|cmake|ninja-build|"
    r"autoconf|automake|libtool|pkg-config|pkgconf|git|curl|wget|python3?(\.\d+)?-(dev|pip|venv|full)|pip|uv|cargo|rustc|"
    r"poetry|pipenv|pdm|setuptools|wheel|virtualenv|build)([-=<>~!\[].*)?$"
)
_PIP = re.compile(r"^pip(3(\.\d+)?)?$")
_PIP_VERBS = (
    "install",
    "wheel",
    "download",
    "uninstall",
    "list",
    "show",
    "check",
    "freeze",
    "cache",
    "config",
    "inspect",
)
_PYTHON = re.compile(r"^python(3(\.\d+)?)?$")
_VALUED = {
    "-r": "requirements", "--requirement": "requirements", "--requirements": "requirements",
    "-c": "constraint", "--constraint": "constraint", "--constraints": "constraint",
    "-t": "target", "--target": "target", "--prefix": "prefix", "--root": "root", "--python": "python",
    "-w": "target", "--wheel-dir": "target", "-d": "target", "--dest": "target", "--dir": "target",
    "-f": "links", "--find-links": "links", "-i": "index", "--index-url": "index", "--extra-index-url": "index",
    "--default-index": "index", "--index": "index", "--cache-dir": "cache", "--root-user-action": "other",
    "--platform": "other", "--python-version": "other", "--only-binary": "other", "--no-binary": "other",
    "--link-mode": "other", "--timeout": "other", "--retries": "other", "--progress-bar": "other",
    "--trusted-host": "other", "--src": "other", "--log": "other", "--proxy": "other", "--cert": "other",
}  # fmt: skip


FOLDERS = ("target", "prefix", "root")
"""Options of an install that name the folder that packages go to."""


@dataclass
class Install:
    """One command that installs Python packages. `lists` are the files of the checkout that it installs from.

    `is_put_there`: into a folder that is named, which has no Python of its own.
    """

    line: int
    place: str
    tool: str
    lists: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    switches: set[str] = field(default_factory=set)
    is_put_there: bool = False


def installs_of(stage: Stage, simulation: Simulation) -> list[Install]:
    """The installs of a stage itself, without those of its parents."""
    found: list[Install] = []
    made = ""
    for step in stage.steps:
        if step.name == "RUN":
            lines = commands_and_variables(step.expand(step.script()))
            made = made or _made_by_uv(step, lines)
            files = {**simulation.stages[stage.index].layers, **simulation.mounted(step)}
            found += _installs(step, lines, files, made)
    return found


Line = tuple[list[str], dict[str, str]]
"""A command, and the variables set in front of it."""


def _installs(step: Step, lines: list[Line], files: dict[str, str], made: str) -> Iterator[Install]:
    folder, active = step.workdir, ""
    exported = dict(step.variables)
    for command, variables in lines:
        if command[0] == "export":
            exported |= dict(word.split("=", 1) for word in command[1:] if "=" in word)
        name = command[0].rpartition("/")[2]
        if name == "cd" and len(command) > 1:
            folder = posixpath.join(folder, command[1])
        if name in (".", "source") and len(command) > 1 and command[1].endswith("/bin/activate"):
            active = posixpath.join(folder, command[1].removesuffix("/bin/activate"))
        if words := _words_of_pip(command):
            yield _read(words, step, files, folder, active, {"VIRTUAL_ENV": made, **exported, **variables})


def _made_by_uv(step: Step, lines: list[Line]) -> str:
    """The environment that `uv venv` makes where it is told no place: uv finds it there again."""
    for command, _ in lines:
        words = [word for word in command if not word.startswith("-")]
        is_uv = bool(words) and words[0].rpartition("/")[2] == "uv" and words[1:2] == ["venv"]
        if is_uv and not any("/" in word for word in words[2:]):
            return posixpath.join(step.workdir, ".venv")
    return ""


def _words_of_pip(command: list[str]) -> list[str]:
    """The command as `[program, options…, "install", …]`; nothing where it installs no Python packages."""
    name, rest = command[0].rpartition("/")[2], command[1:]
    if _PYTHON.match(name):
        rest = rest[next((place for place, word in enumerate(rest) if word == "-m"), len(rest)) :][1:]
        if not rest or rest[0] not in ("pip", "uv"):
            return []
        name, rest = rest[0], rest[1:]
    if name == "uv":
        if rest[:1] == ["pip"] and len(rest) > 1 and rest[1] in ("install", "sync"):
            return [command[0], "uv", *rest[1:]]
        return [command[0], "uv project", *rest] if rest[:1] in (["sync"], ["add"]) else []
    # `pip uninstall wheel` installs nothing: the first of these words is the command.
    verb = next((word for word in rest if word in _PIP_VERBS), "")
    if _PIP.match(name) and verb in ("install", "wheel", "download"):
        return [command[0], "pip", *rest]
    return []


def _read(
    words: list[str], step: Step, files: dict[str, str], folder: str, active: str, variables: dict[str, str]
) -> Install:
    program, tool, *rest = words
    values: dict[str, list[str]] = {}
    names: list[str] = []
    switches: set[str] = set()
    place = 0
    while place < len(rest):
        word, place = rest[place], place + 1
        option, equals, value = word.partition("=")
        if not word.startswith("-"):
            names.append(word)
        elif re.match(r"-[rc].", word) and not word.startswith("--"):
            values.setdefault(_VALUED[word[:2]], []).append(word[2:])
        elif option in _VALUED or (tool == "uv" and option == "-p"):
            if not equals and place < len(rest):
                value, place = rest[place], place + 1
            values.setdefault(_VALUED.get(option, "python"), []).append(value)
        else:
            switches.add(option)
    verb = next((name for name in names if name in ("install", "sync", "wheel", "download", "add")), "")
    if verb:
        names.remove(verb)
    lists = values.get("requirements", [])
    if tool == "uv" and verb == "sync":
        lists, names = names, []
    found = [files.get(posixpath.normpath(posixpath.join(folder, one)), one) for one in lists]
    where = posixpath.join(folder, _place(program, tool, values, switches, active, variables))
    is_put_there = any(key in values for key in FOLDERS)
    return Install(step.line, where, f"{tool} {verb}".strip(), found, names, switches, is_put_there)


def _place(
    program: str,
    tool: str,
    values: dict[str, list[str]],
    switches: set[str],
    active: str,
    variables: dict[str, str],
) -> str:
    """The folder that the packages go to."""
    for key in FOLDERS:
        if key in values:
            return values[key][-1]
    asked = variables.get("UV_PYTHON" if tool.startswith("uv") else "PIP_PYTHON", "")
    if python := values.get("python", [asked if "/" in asked else ""])[-1]:
        return _folder_of(python)
    if "--user" in switches:
        return HOME
    if "/" in program:
        return _folder_of(program)
    for key in ("PIP_TARGET", "PIP_PREFIX") if tool == "pip" else ():
        if variables.get(key):
            return variables[key]
    if active:
        return active
    if tool.startswith("uv") and "--system" not in switches:
        project = variables.get("UV_PROJECT_ENVIRONMENT", ".venv") if tool == "uv project" else ""
        if found := project or variables.get("VIRTUAL_ENV", ""):
            return found
    first = variables.get("PATH", "").partition(":")[0]
    return _folder_of(first + "/python") if first.endswith("/bin") else SYSTEM


def _folder_of(program: str) -> str:
    """`/opt/venv` for `/opt/venv/bin/pip`, and for `/opt/venv` itself."""
    folder, slash, _ = program.partition("/bin/")
    return (folder or "/") if slash else program if "/" in program else SYSTEM


def overlap(one: str, other: str) -> bool:
    """Whether one place is the other, or lies in it."""
    first, second = (posixpath.normpath(place).rstrip("/") + "/" for place in (one, other))
    return first.startswith(second) or second.startswith(first)


def reaching(simulation: Simulation) -> list[Install]:
    """The installs whose packages get into the image: of its own layers, and those whose place is carried over."""
    final = simulation.recipe.final
    found = {_key(one): one for stage in final.lineage() for one in installs_of(stage, simulation)}
    todo = [(taken.stage, taken.source) for taken in simulation.image.carried]
    seen: set[tuple[int, str]] = set()
    while todo:
        stage, source = todo.pop()
        if stage is None or (stage.index, source) in seen:
            continue
        seen.add((stage.index, source))
        for one in stage.lineage():
            for install in installs_of(one, simulation):
                if overlap(install.place, source):
                    found[_key(install)] = install
        for taken in simulation.stages[stage.index].carried:
            if overlap(taken.target, source):
                todo.append((taken.stage, taken.source))
    return sorted(found.values(), key=lambda install: install.line)


def _key(install: Install) -> tuple[object, ...]:
    return install.line, install.tool, install.place, tuple(install.lists), tuple(install.names)


def programs_of_the_system(step: Step) -> list[str]:
    """The packages of the operating system that a `RUN` installs."""
    found: list[str] = []
    for command in commands(step.expand(step.script())):
        if command[0].rpartition("/")[2] in ("apt-get", "apt", "apk", "dnf", "microdnf", "yum"):
            verb = next((word for word in command[1:] if word in ("install", "add")), None)
            if verb:
                found += [word for word in command[command.index(verb) + 1 :] if not word.startswith("-")]
    return found


def removes_pip(steps: list[Step], place: str) -> bool:
    """Whether one of these steps takes pip away from a place."""
    for step in steps:
        if step.name != "RUN":
            continue
        for command in commands(step.expand(step.script())):
            line = " ".join(command)
            if re.search(r"\buninstall\b.*\bpip\b", line) and any(
                overlap(one, place) for one in _served(command, step)
            ):
                return True
            if re.match(r"(\S*/)?(rm|find)\b", line) and "pip" in line:
                where = re.search(r"(/\S+?)/(?:bin|lib)\b", line)
                if where is None or overlap(where[1], place):
                    return True
    return False


def _served(command: list[str], step: Step) -> list[str]:
    """The places that a `pip uninstall` may mean: the one it names, else the first of PATH and the system's."""
    if "--python" in command[:-1]:
        return [_folder_of(command[command.index("--python") + 1])]
    if "/" in command[0]:
        return [_folder_of(command[0])]
    first = step.variables.get("PATH", "").partition(":")[0]
    return [SYSTEM, _folder_of(first + "/python")]
