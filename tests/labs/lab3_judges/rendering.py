"""What `kubectl kustomize` makes of a folder of the submission.

Kustomize follows what it reads: it would fetch a repository, or read a folder that is none of the submission's. So each
kustomization is read here first, and only fields whose references can be looked at are let through. It then runs with
limits, over a copy of the lab's own files.
"""

from __future__ import annotations

import contextlib
import posixpath
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from labkit.checks import CheckFailed, Documents, Located, expect
from labkit.documents.nodes import Refused
from labkit.documents.readers import read
from labkit.text import clean
from labkit.tools import find

SECONDS = 60.0
# Of one run: 20 s of CPU, 2 GB of address space, 2 MB of output.
_LIMITED = 'ulimit -t 20; ulimit -v 2000000 2>/dev/null || :; ulimit -f 4096; exec "$0" kustomize "$1"'
_PLAIN = {
    "apiVersion",
    "kind",
    "metadata",
    "namespace",
    "namePrefix",
    "nameSuffix",
    "labels",
    "commonLabels",
    "commonAnnotations",
    "images",
    "replicas",
    "generatorOptions",
    "sortOptions",
    "buildMetadata",
}
_FOLDERS = {"resources", "components", "bases"}
_FILES = {
    "patches": ("path",),
    "patchesJson6902": ("path",),
    "replacements": ("path",),
    "configMapGenerator": ("files", "envs", "env"),
    "secretGenerator": ("files", "envs", "env"),
}


@dataclass(frozen=True)
class Rendered:
    """What a folder renders to; or in `problem` why it cannot be rendered."""

    folder: str
    objects: list[Located] = field(default_factory=list)
    warning: str = ""
    problem: CheckFailed | None = None

    def one(self, kind: str, name: str | None = None) -> Located:
        """The one object of a kind (and a name); the check fails where there is none, or another one."""
        found = [one for one in self.all(kind) if name is None or one["metadata"]["name"].value == name]
        if len(found) != 1:
            there = ", ".join(f"`{one['kind'].value} {one['metadata']['name'].value}`" for one in self.objects)
            wanted = f"`{kind}{f' {name}' if name else ''}`"
            raise CheckFailed(
                f"one {wanted} in what `{self.folder}` renders",
                clean(f"{len(found)}; there is {there or 'nothing'}", 400),
                "What is not in `resources` of a `kustomization.yaml` is not rendered.",
            )
        return found[0]

    def all(self, kind: str) -> list[Located]:
        """The objects of a kind."""
        return [one for one in self.objects if one["kind"].value == kind]


def render(submitted: Mapping[str, str], documents: Documents, folder: str) -> Rendered:
    """Render a folder."""
    try:
        _judge_references(submitted, documents, folder)
        return _run(submitted, folder)
    except CheckFailed as failed:
        return Rendered(folder, problem=failed)


def judge_rendered(rendered: Rendered) -> None:
    """Fail where a folder cannot be rendered, or `kubectl` warns."""
    if rendered.problem is not None:
        raise rendered.problem
    expect.that(
        not rendered.warning,
        expected=f"`kubectl kustomize {rendered.folder}` without a warning",
        found=clean(rendered.warning, 300),
        help="A field that is called deprecated goes away with one of the next versions.",
    )


def _judge_references(submitted: Mapping[str, str], documents: Documents, folder: str) -> None:
    """Fail where a kustomization, or one that it refers to, leads out of the lab's own files."""
    waiting, seen = [folder], set()
    while waiting:
        here = waiting.pop()
        if here in seen:
            continue
        seen.add(here)
        name = f"{here}/kustomization.yaml"
        for kustomization in documents.yaml(name):
            for key, value in kustomization.items():
                if key in _FOLDERS:
                    waiting += [one for one in _resources(submitted, here, value) if one is not None]
                elif key in _FILES:
                    for item in value:
                        _judge_files(submitted, here, item, _FILES[key])
                elif key == "patchesStrategicMerge":
                    for item in value:
                        _judge_patch(submitted, here, item)
                elif key not in _PLAIN:
                    raise CheckFailed(
                        f"a kustomization without `{key}`",
                        f"`{key}`, which these checks do not render",
                        f"There is {', '.join(f'`{one}`' for one in ('resources', 'labels', 'images', 'patches'))}"
                        " and `configMapGenerator`.",
                        where=value.place,
                    )


def _resources(submitted: Mapping[str, str], here: str, value: Located) -> Iterator[str | None]:
    for item in value:
        target = posixpath.normpath(posixpath.join(here, item.of(str)))
        is_folder = f"{target}/kustomization.yaml" in submitted
        if not is_folder:
            _judge_file(submitted, target, item)
        yield target if is_folder else None


def _judge_files(submitted: Mapping[str, str], here: str, item: Located, keys: tuple[str, ...]) -> None:
    for key in keys:
        named = item.get(key)
        if named is None:
            continue
        for one in named if isinstance(named.value, list) else [named]:
            path = one.of(str).rpartition("=")[2]  # `files: [key=path]`
            _judge_file(submitted, posixpath.normpath(posixpath.join(here, path)), one)


def _judge_patch(submitted: Mapping[str, str], here: str, item: Located) -> None:
    text = item.of(str)
    if "\n" not in text and ":" not in text:  # a path, else the patch itself
        _judge_file(submitted, posixpath.normpath(posixpath.join(here, text)), item)


def _judge_file(submitted: Mapping[str, str], target: str, item: Located) -> None:
    expect.that(
        target in submitted,
        expected=f"{item.name} is a file or a folder of this lab",
        found=item,
        help="Paths count from the folder of the `kustomization.yaml`. Only the files of the lab come along to a check,"
        " so write a patch into the kustomization itself: `patch: |-`.",
        where=item,
    )


@contextlib.contextmanager
def _in_time(folder: str) -> Iterator[None]:
    try:
        yield
    except subprocess.TimeoutExpired:
        raise CheckFailed(
            f"`kubectl kustomize {folder}` renders it", f"it was not done after {SECONDS:.0f} s"
        ) from None


def _run(submitted: Mapping[str, str], folder: str) -> Rendered:
    kubectl = find("kubectl")
    assert kubectl is not None
    with tempfile.TemporaryDirectory(prefix="kustomize-") as scratch:
        tree, output = Path(scratch) / "tree", Path(scratch) / "output"
        for name, text in submitted.items():
            if name.endswith(".yaml"):
                (tree / name).parent.mkdir(parents=True, exist_ok=True)
                (tree / name).write_text(text, encoding="utf-8")
        with output.open("wb") as written, _in_time(folder):
            done = subprocess.run(
                ["/bin/sh", "-c", _LIMITED, str(kubectl), str(tree / folder)],
                stdout=written,
                stderr=subprocess.PIPE,
                stdin=subprocess.DEVNULL,
                cwd=tree,
                env={"HOME": scratch, "PATH": "/usr/bin:/bin"},
                timeout=SECONDS,
                check=False,
            )
        told = done.stderr.decode(errors="replace").replace(f"{tree}/", "").strip()
        if done.returncode:
            raise CheckFailed(
                f"`kubectl kustomize {folder}` renders it",
                clean(told or f"it ended with status {done.returncode}", 600),
                "A patch needs a target that is there: the same `kind` and `name`.",
            )
        text = output.read_text(encoding="utf-8", errors="replace")
    try:
        nodes = read("rendered.yaml", text) if text.strip() else []
    except Refused as refused:
        raise CheckFailed(f"`kubectl kustomize {folder}` renders YAML", str(refused)) from None

    def where(file: str, line: int) -> str:
        return f"line {line} of `kubectl kustomize {file}`"

    return Rendered(folder, [Located(folder, node, where) for node in nodes], told)
