"""Which files of a checkout reach the image (2.8): `.dockerignore`, each `COPY`, and `COPY --from` followed back."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass, field

from lab2_judges.dockerfile import DockerfileError, Recipe, Stage, Step
from lab2_judges.patterns import PatternError, Rule, clean, is_ignored, matches, read_ignore

MOST_LOOKS = 1_500_000  # at files, to find those that `COPY`, `rm`, `cp` and `mv` name: about 2 seconds
WILD = "*?["
SEPARATORS = {"&&", "||", ";", "|", "&", "(", ")", "{", "}", "then", "do", "else"}


class TooMuch(DockerfileError):
    """A Dockerfile that Docker would build, but that names so many files that it cannot be followed here in time."""


@dataclass(frozen=True)
class Missing:
    """A `COPY` that finds nothing. `ignored` is a file that it would find if `.dockerignore` let it through."""

    line: int
    source: str
    ignored: str = ""
    rule: Rule | None = None


@dataclass(frozen=True)
class Carried:
    """What a stage takes over from an earlier stage or another image: `COPY --from`."""

    line: int
    stage: Stage | None
    image: str
    source: str
    target: str


@dataclass
class Contents:
    """What is known of a stage's files: place in the image → file of the checkout. `layers` forgets nothing."""

    files: dict[str, str] = field(default_factory=dict)
    layers: dict[str, str] = field(default_factory=dict)
    carried: list[Carried] = field(default_factory=list)
    missing: list[Missing] = field(default_factory=list)


class Simulation:
    """All stages of a Dockerfile, built on paper. Raises `TooMuch` where that would take too long."""

    def __init__(self, recipe: Recipe, files: Iterable[str], rules: list[Rule]) -> None:
        self.recipe = recipe
        self.rules = rules
        everything = sorted(files)
        self.context = [path for path in everything if not is_ignored(path, rules)]
        self.ignored = sorted(set(everything) - set(self.context))
        self.stages: dict[int, Contents] = {}
        self.looks = 0
        for stage in recipe.stages:
            self.stages[stage.index] = self._build(stage)

    @property
    def image(self) -> Contents:
        """The final stage."""
        return self.stages[self.recipe.final.index]

    def needed(self) -> set[int]:
        """The numbers of the stages that Docker builds for this image: the final one, and what it takes from."""
        todo, found = [self.recipe.final], set()
        while todo:
            stage = todo.pop()
            for one in stage.lineage():
                if one.index not in found:
                    found.add(one.index)
                    todo += [taken.stage for taken in self.stages[one.index].carried if taken.stage]
        return found

    def missing(self) -> list[Missing]:
        """The `COPY` lines that would stop the build."""
        return [one for index in sorted(self.needed()) for one in self.stages[index].missing]

    def mounted(self, step: Step) -> dict[str, str]:
        """The files of the checkout that a `RUN --mount=type=bind` sees: place → file."""
        found: dict[str, str] = {}
        for key, value in step.instruction.flags:
            parts = dict(part.partition("=")[::2] for part in step.expand(value).split(","))
            if key == "mount" and parts.get("type", "bind") == "bind" and "from" not in parts:
                source = clean(parts.get("source", parts.get("src", ".")))
                target = parts.get("target", parts.get("dst", parts.get("destination", "/")))
                for path in self.context:
                    if not source or path == source or path.startswith(source + "/"):
                        inside = path[len(source) :].lstrip("/")
                        found[posixpath.join(step.workdir, target, inside).rstrip("/")] = path
        return found

    def _build(self, stage: Stage) -> Contents:
        before = self.stages[stage.parent.index] if stage.parent else Contents()
        contents = Contents(dict(before.files), dict(before.layers), list(before.carried))
        for step in stage.steps:
            if step.name in ("COPY", "ADD"):
                self._copy(stage, step, contents)
            elif step.name == "RUN":
                self._change(step, contents)
        return contents

    def _look(self, files: int, pattern: str = "") -> None:
        """Count how many files are looked at; a pattern costs ten times as much as a name."""
        self.looks += files * (10 if any(sign in pattern for sign in WILD) else 1)
        if self.looks > MOST_LOOKS:
            raise TooMuch(0, "it copies, moves and removes too many files to follow: name folders, and fewer")

    def _copy(self, stage: Stage, step: Step, contents: Contents) -> None:
        words = [word for word in step.words() if not word.startswith("<<")]
        if len(words) < 2:
            return  # its content stands in the Dockerfile itself
        *sources, target = words
        target = posixpath.join(step.workdir, target)
        origin = step.flag("from")
        if origin is None:
            there = {path: path for path in self.context}
        else:
            taken = self.recipe.stage(origin)
            taken = taken if taken and taken.index < stage.index else None
            there = dict(self.stages[taken.index].files) if taken else {}
            there = {path.lstrip("/"): source for path, source in there.items()}
            for source in sources:
                place = posixpath.join("/", source)
                contents.carried.append(Carried(step.line, taken, "" if taken else origin, place, target))
        for source in sources:
            if re.match(r"\w+://|git@", source):
                continue
            into_folder = target.endswith("/") or len(sources) > 1 or _is_folder(target, contents)
            self._look(len(there) + len(contents.files), source)
            found = find(
                source,
                self._not_excluded(step, source, there),
                target,
                into_folder,
                keep=step.flag("parents") is not None,
                above=clean(source.partition("/./")[0]) if "/./" in source else "",
            )
            if not found and origin is None:
                contents.missing.append(self._why_missing(step, source))
            contents.files |= found
            contents.layers |= found

    def _not_excluded(self, step: Step, source: str, there: dict[str, str]) -> dict[str, str]:
        """The files without those that `COPY --exclude` leaves out: by their path from the top, or from the source."""
        patterns = [step.expand(value) for key, value in step.instruction.flags if key == "exclude"]
        if not patterns:
            return there
        for pattern in patterns:
            self._look(len(there), pattern)
        try:
            rules = read_ignore("\n".join(patterns))
            above = clean(source) + "/"
            return {
                path: origin
                for path, origin in there.items()
                if not any(is_ignored(one, rules) for one in (path, path.removeprefix(above)))
            }
        except PatternError:
            return there

    def _change(self, step: Step, contents: Contents) -> None:
        """Follow `rm`, `mv` and `cp` as far as they name known files."""
        for command in commands(step.script()):
            name = command[0].rpartition("/")[2]
            words = [posixpath.join(step.workdir, step.expand(w)) for w in command[1:] if not w.startswith("-")]
            if name == "rm":
                for word in words:
                    self._look(len(contents.files), word)
                    there = {path.lstrip("/"): path for path in contents.files}
                    for path in find(word, there, "/x", False, keep=True).values():
                        del contents.files[path]
            elif name in ("cp", "mv") and len(words) > 1:
                *sources, target = words
                there = {path.lstrip("/"): origin for path, origin in contents.files.items()}
                for source in sources:
                    self._look(len(there) + len(contents.files), source)
                    into = target.endswith("/") or len(sources) > 1 or _is_folder(target, contents)
                    is_folder = any(path.startswith(clean(source) + "/") for path in there)
                    own = posixpath.basename(clean(source)) if into and is_folder and not source.endswith("/.") else ""
                    found = find(source, there, posixpath.join(target, own), into)
                    contents.files |= found
                    contents.layers |= found

    def _why_missing(self, step: Step, source: str) -> Missing:
        self._look(len(self.ignored), source)
        for path in self.ignored:
            if find(source, {path: path}, "/x", False):
                rule = next((rule for rule in reversed(self.rules) if is_ignored(path, [rule])), None)
                return Missing(step.line, source, path, rule)
        return Missing(step.line, source)


def find(
    source: str, there: dict[str, str], target: str, into_folder: bool, *, keep: bool = False, above: str = ""
) -> dict[str, str]:
    """What `COPY source target` brings: place in the image → file of the checkout.

    Args:
        there: the files to choose from, by their path from the top.
        into_folder: whether the target is a folder already, so that a single file goes into it.
        keep: whether the folders above are kept (`--parents`), but for those of `above`: what stands before `/./`.
    """
    wanted = clean(source)
    plain = bool(wanted) and not any(sign in wanted for sign in WILD)
    found: dict[str, str] = {}
    for path, origin in there.items():
        if plain and not path.startswith(wanted):
            continue
        parts = path.split("/")
        count = wanted.count("/") + 1 if wanted else 0
        head = "/".join(parts[:count])
        if len(parts) < count or not _same(wanted, head):
            continue
        rest = parts[count:]  # of a folder, what is in it is copied, and not the folder itself
        own = "/".join(rest) if rest else parts[-1] if into_folder else ""
        inside = path.removeprefix(above + "/") if keep else own
        found[posixpath.normpath(posixpath.join(target, inside))] = origin
    return found


def _same(pattern: str, path: str) -> bool:
    if pattern == path:
        return True
    try:
        return any(sign in pattern for sign in WILD) and matches(pattern, path, deep=False)
    except PatternError:
        return False


def _is_folder(target: str, contents: Contents) -> bool:
    place = posixpath.normpath(target)
    return target.endswith(("/.", "/")) or any(path.startswith(place.rstrip("/") + "/") for path in contents.files)


def commands(script: str) -> list[list[str]]:
    """The simple commands of a shell script, as lists of words, without the variables set in front of them."""
    return [command for command, _ in commands_and_variables(script)]


def commands_and_variables(script: str) -> list[tuple[list[str], dict[str, str]]]:
    """The simple commands of a shell script, each with the variables set in front of it, as in `A=1 make`."""
    try:
        lexer = shlex.shlex(script.replace("\n", " ; "), posix=True, punctuation_chars=True)
        lexer.commenters, lexer.whitespace_split = "", True
        words = list(lexer)
    except ValueError:
        words = re.sub(r"(&&|\|\||;|\||\n)", r" \1 ", script).split()
    found: list[tuple[list[str], dict[str, str]]] = [([], {})]
    for word in words:
        command, variables = found[-1]
        name, equals, value = word.partition("=")
        if word in SEPARATORS or set(word) <= set(";&|()"):
            found.append(([], {}))
        elif not command and equals and name.isidentifier():
            variables[name] = value
        else:
            command.append(word)
    return [(command, variables) for command, variables in found if command]
