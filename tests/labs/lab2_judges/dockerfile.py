"""A Dockerfile as data (2.8): its stages, with `ARG` and `ENV` put in as Docker does it. Any text may come in."""

from __future__ import annotations

import json
import posixpath
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

MOST_LINES = 2_000
MOST_IN_FILE = 64 * 1024  # characters
MOST_CHARACTERS = 20_000  # of one instruction, also with its variables put in
MOST_INSTRUCTIONS = 300
MOST_FLAGS = 20
MOST_STAGES = 30  # what is carried from one to another is followed back
MOST_WORDS = 2_000  # of all instructions; each may be a package, a command, or a file
BASE_PATH = "/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"
PLATFORM = dict.fromkeys(("BUILDPLATFORM", "TARGETPLATFORM"), "linux/amd64") | dict.fromkeys(
    ("BUILDARCH", "TARGETARCH"), "amd64"
)
INSTRUCTIONS = {
    "ADD",
    "ARG",
    "CMD",
    "COPY",
    "ENTRYPOINT",
    "ENV",
    "EXPOSE",
    "FROM",
    "HEALTHCHECK",
    "LABEL",
    "MAINTAINER",
} | {"ONBUILD", "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR"}
_DIRECTIVE = re.compile(r"#\s*(\w+)\s*=\s*(\S+)\s*$")
_HEREDOC = re.compile(r"<<(-?)([\"']?)([A-Za-z_]\w*)\2")
_WORD = re.compile(r"[^\s;&|(),\"'\[\]]+")
_FLAG = re.compile(r"--([a-z][a-z-]*)(?:=(\S*))?(?:\s+|$)")
_VARIABLE = re.compile(
    r"\\(?P<escaped>.)|\$(?:(?P<plain>\w+)|\{(?P<name>\w+)(?::?(?P<sign>[-+?])(?P<word>[^}]{0,300}+))?\})"
)


class DockerfileError(ValueError):
    """A Dockerfile that Docker would refuse; says the line."""

    def __init__(self, line: int, why: str) -> None:
        super().__init__(f"line {line}: {why}" if line else why)


@dataclass(frozen=True)
class Instruction:
    """One instruction: its name in capitals, its flags, the rest of its text, and the bodies of its here-documents."""

    name: str
    flags: tuple[tuple[str, str], ...]
    rest: str
    line: int
    bodies: tuple[str, ...] = ()

    def flag(self, name: str) -> str | None:
        """The value of a flag; None where it is not given."""
        return next((value for key, value in self.flags if key == name), None)


@dataclass(frozen=True)
class Step:
    """An instruction in its stage: with the variables and the working directory that hold there."""

    instruction: Instruction
    variables: Mapping[str, str]
    workdir: str

    @property
    def name(self) -> str:
        return self.instruction.name

    @property
    def line(self) -> int:
        return self.instruction.line

    def expand(self, text: str) -> str:
        """A text with the variables put in."""
        return expand(text, self.variables, self.line)

    def flag(self, name: str) -> str | None:
        """The value of a flag with the variables put in."""
        value = self.instruction.flag(name)
        return None if value is None else self.expand(value)

    def words(self) -> list[str]:
        """The words of the instruction, in either form (`COPY`, `ADD`), with the variables put in."""
        exact = exec_form(self.instruction.rest)
        return [self.expand(word) for word in (self.instruction.rest.split() if exact is None else exact)]

    def script(self) -> str:
        """What a `RUN` gives to the shell."""
        exact = exec_form(self.instruction.rest)
        line = shlex.join(exact) if exact is not None else self.instruction.rest
        return "\n".join([line, *self.instruction.bodies])


@dataclass
class Stage:
    """One stage. `base` is the image it starts from, or None where that is an earlier stage, its `parent`."""

    index: int
    name: str
    base: str | None
    written: str
    parent: Stage | None
    line: int
    steps: list[Step] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    arguments: dict[str, str] = field(default_factory=dict)
    workdir: str = "/"

    def lineage(self) -> list[Stage]:
        """The stages whose layers this one has: the oldest first, itself last."""
        found = [self]
        while (parent := found[-1].parent) is not None:  # a thousand stages are too many for a function in itself
            found.append(parent)
        return found[::-1]

    def chain(self) -> list[Step]:
        """All steps whose results are in this stage."""
        return [step for stage in self.lineage() for step in stage.steps]

    def last(self, name: str) -> Step | None:
        """The instruction of that name that counts: the last one."""
        return next((step for step in reversed(self.chain()) if step.name == name), None)


@dataclass(frozen=True)
class Recipe:
    """A Dockerfile that was read for certain build arguments."""

    stages: tuple[Stage, ...]
    global_arguments: Mapping[str, str]
    has_heredocs: bool

    @property
    def final(self) -> Stage:
        """The stage that becomes the image."""
        return self.stages[-1]

    @property
    def base(self) -> str:
        """The image that the final stage starts from in the end."""
        return self.final.lineage()[0].base or ""

    def stage(self, name: str) -> Stage | None:
        """The stage of that name or number."""
        for stage in reversed(self.stages):
            if name.lower() == stage.name.lower() or name == str(stage.index):
                return stage
        return None


def exec_form(text: str) -> list[str] | None:
    """The list of strings that an instruction holds; None where it is not one, so that Docker asks the shell."""
    if not text.lstrip().startswith("["):
        return None
    try:
        found = json.loads(text)
        json.dumps(found, ensure_ascii=False).encode()  # half a character, as "\\ud800", could not be shown
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, list) and all(isinstance(item, str) for item in found) else None


def expand(text: str, variables: Mapping[str, str], line: int = 0) -> str:
    """Put variables into a text: `$A`, `${A}`, `${A:-other}`, `${A:+other}`. Unknown ones are empty, as in Docker."""

    def value(match: re.Match[str]) -> str:
        if match["escaped"] is not None:
            return match["escaped"] if match["escaped"] == "$" else match[0]
        found = variables.get(match["plain"] or match["name"], "")
        word = (match["word"] or "").replace("$", "")
        return {"-": found or word, "+": word if found else ""}.get(match["sign"] or "", found)

    expanded = _VARIABLE.sub(value, text)
    if len(expanded) > MOST_CHARACTERS:
        raise DockerfileError(line, f"with its variables put in it has more than {MOST_CHARACTERS:,} characters")
    return expanded


def pairs(text: str) -> list[tuple[str, str]]:
    """The pairs of `ENV`, `LABEL` or `ARG`: `A=1 B="2 3"`, or the old form `A 1`. A value that is not given is ""."""
    kept = text.replace("\\$", "\0")  # a dollar that is meant stays so
    try:
        words = [word.replace("\0", "\\$") for word in shlex.split(kept)]
    except ValueError:
        words = text.split()
    if words and "=" not in words[0] and len(words) > 1:
        return [(words[0], text.split(None, 1)[1])]
    return [(key, value) for key, _, value in (word.partition("=") for word in words)]


def read_instructions(text: str) -> list[Instruction]:
    """The instructions of a Dockerfile. Raises `DockerfileError`."""
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").split("\n")
    _within(MOST_LINES, len(lines), "lines")
    _within(MOST_IN_FILE, len(text), "characters")
    found = list(_instructions(lines, _escape_of(lines)))
    _within(MOST_INSTRUCTIONS, len(found), "instructions")
    _within(MOST_STAGES, sum(one.name == "FROM" for one in found), "stages")
    _within(MOST_WORDS, sum(len(_WORD.findall(part)) for one in found for part in (one.rest, *one.bodies)), "words")
    return found


def _within(most: int, count: int, what: str) -> None:
    if count > most:
        raise DockerfileError(0, f"it has more than {most:,} {what}")


def _escape_of(lines: list[str]) -> str:
    for line in lines:
        match = _DIRECTIVE.match(line)
        if match is None:
            break
        if match[1].lower() == "escape" and match[2] in ("\\", "`"):
            return match[2]
    return "\\"


def _instructions(lines: list[str], escape: str) -> Iterator[Instruction]:
    place = 0
    while place < len(lines):
        start, text = 0, ""
        while place < len(lines):
            line = lines[place].rstrip()
            place += 1
            if line.lstrip().startswith("#") or (text and not line):
                continue  # also in the middle of an instruction
            start = start if text else place
            if not line.endswith(escape):
                text += line
                break
            text += line[:-1]
        if text.strip():
            instruction = _instruction(text.strip(), start)
            bodies, place = _bodies(instruction, lines, place)
            yield Instruction(instruction.name, instruction.flags, instruction.rest, start, bodies)


def _instruction(text: str, line: int) -> Instruction:
    name, _, rest = text.partition(" ") if " " in text else text.partition("\t")
    if name.upper() not in INSTRUCTIONS:
        raise DockerfileError(line, f"`{name[:40]}` is no instruction of a Dockerfile")
    rest, flags, place = rest.strip(), [], 0
    while name.upper() not in ("CMD", "ENTRYPOINT", "ENV", "LABEL", "ARG") and (match := _FLAG.match(rest, place)):
        flags.append((match[1], match[2] or ""))
        place = match.end()
    rest = rest[place:]
    if len(rest) > MOST_CHARACTERS or len(flags) > MOST_FLAGS:
        raise DockerfileError(line, f"`{name}` has more than {MOST_CHARACTERS:,} characters or {MOST_FLAGS} flags")
    if not rest:
        raise DockerfileError(line, f"nothing stands after `{name}`")
    return Instruction(name.upper(), tuple(flags), rest, line)


def _bodies(instruction: Instruction, lines: list[str], place: int) -> tuple[tuple[str, ...], int]:
    bodies: list[str] = []
    if instruction.name in ("RUN", "COPY", "ADD"):
        for match in _HEREDOC.finditer(instruction.rest):
            body: list[str] = []
            while place < len(lines) and (lines[place].lstrip("\t") if match[1] else lines[place]) != match[3]:
                body.append(lines[place])
                place += 1
            if place == len(lines):
                raise DockerfileError(instruction.line, f"the here-document `{match[3][:40]}` has no end")
            bodies.append("\n".join(body))
            place += 1
    return tuple(bodies), place


def read_recipe(text: str, arguments: Mapping[str, str] | None = None) -> Recipe:
    """Read a Dockerfile as `docker build --build-arg …` does. Raises `DockerfileError`."""
    instructions = read_instructions(text)
    given = dict(arguments or {})
    outside: dict[str, str] = dict(PLATFORM)
    stages: list[Stage] = []
    for one in instructions:
        if one.name == "FROM":
            stages.append(_open_stage(one, stages, outside))
        elif stages:
            _add(stages[-1], one, outside, given)
        elif one.name == "ARG":
            for key, value in pairs(one.rest):
                outside[key] = given.get(key, expand(value, outside, one.line))
        else:
            raise DockerfileError(one.line, f"`{one.name}` stands before the first `FROM`")
    if not stages:
        raise DockerfileError(0, "it has no `FROM`")
    return Recipe(tuple(stages), outside, any(one.bodies for one in instructions))


def _open_stage(one: Instruction, stages: list[Stage], outside: Mapping[str, str]) -> Stage:
    words = one.rest.split()
    if len(words) not in (1, 3) or (len(words) == 3 and words[1].lower() != "as"):
        raise DockerfileError(one.line, "`FROM` needs an image, or an image, `AS` and a name")
    base = expand(words[0], outside, one.line)
    if not base:
        raise DockerfileError(
            one.line, f"`FROM {words[0]}` has no image: the `ARG` needs a default and stands before the first `FROM`"
        )
    parent = next((stage for stage in reversed(stages) if stage.name and stage.name.lower() == base.lower()), None)
    stage = Stage(len(stages), words[2] if len(words) == 3 else "", base, words[0], parent, one.line)
    if parent:
        stage.base, stage.workdir = None, parent.workdir
        stage.environment, stage.arguments = dict(parent.environment), dict(parent.arguments)
    else:
        stage.environment = {"PATH": BASE_PATH}
    return stage


def _add(stage: Stage, one: Instruction, outside: Mapping[str, str], given: Mapping[str, str]) -> None:
    variables = {**stage.arguments, **stage.environment}
    stage.steps.append(Step(one, variables, stage.workdir))
    if one.name == "ARG":
        for key, value in pairs(one.rest):
            default = expand(value, variables, one.line) if "=" in one.rest else outside.get(key, "")
            stage.arguments[key] = given.get(key, default)
    elif one.name == "ENV":
        stage.environment |= {key: expand(value, variables, one.line) for key, value in pairs(one.rest)}
    elif one.name == "WORKDIR":
        stage.workdir = posixpath.normpath(posixpath.join(stage.workdir, expand(one.rest, variables, one.line)))
