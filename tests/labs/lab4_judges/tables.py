"""Judgements of 4.8: a run, a `.dvc` file and a table that belong together, or do not."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd

from lab4_judges import sales, store
from labkit.checks import LabHandle, LearnerError, expect, fail
from mlops_lab.datasets import load_house_sales

Template = Callable[[str], Path]
DATA, NAME = "data/train.dvc", "tables/sales.parquet"
CACHE = "store"


@dataclass
class Table:
    """A table as DVC would have it: its parquet file and the checksum of it."""

    frame: pd.DataFrame
    content: bytes
    md5: str

    def pointer(self, size: int | None = None) -> bytes:
        """A `.dvc` file: keys in any order, as in each YAML file, and a text in quotes is the same text."""
        size = len(self.content) if size is None else size
        return f"outs:\n- path: '{NAME}'\n  hash: md5\n  size: {size}\n  md5: \"{self.md5}\"\n".encode()

    @property
    def place(self) -> str:
        """Where it lies in a store."""
        return f"{CACHE}/files/md5/{self.md5[:2]}/{self.md5[2:]}"


def table(frame: pd.DataFrame) -> Table:
    """Write a table as a parquet file."""
    buffer = BytesIO()
    frame.to_parquet(buffer, index=False)
    content = buffer.getvalue()
    return Table(frame, content, hashlib.md5(content, usedforsecurity=False).hexdigest())


@dataclass
class World:
    """A worker with a store of MLflow's, in which runs are made as 4.1 logs them."""

    lab: LabHandle
    rng: np.random.Generator

    def draw(self) -> Table:
        """A drawn table of sales."""
        sample = load_house_sales().sample(160, random_state=self.rng)
        # Each day once: sorted by day again, the rows stand in their old order.
        return table(sample.drop_duplicates("date").head(80).sort_values("date"))

    def run_on(self, one: Table | None) -> str:
        """A run that was trained on a table; None: a run that says nothing of its data."""
        fingerprint = f"{self.lab._package}.lineage:fingerprint"
        return str(self.lab.make("mlops_probes.tracking:logged_run", fingerprint, one.frame if one else None))

    def put(self, one: Table, content: bytes | None = None) -> None:
        """Put a table and its `.dvc` file into the folder of the data."""
        content = one.content if content is None else content
        self.lab.write_bytes(DATA, one.pointer(len(content)))
        self.lab.write_bytes(f"data/{NAME}", content)

    def link(self, run: str) -> None:
        """Have the learner's code link a run."""
        self.lab.make("mlops_probes.tracking:with_path", self._target("link_run"), run, DATA, doing="`link_run(…)`")

    def data_of(self, run: str) -> object:
        """Have the learner's code find the data of a run."""
        target = self._target("data_of_run")
        return self.lab.make("mlops_probes.tracking:with_path", target, run, CACHE, doing="`data_of_run(…)`")

    def tags(self, run: str) -> dict[str, str]:
        """The tags of a run that begin with `dvc.`."""
        found = store.read(self.lab).run(run)
        return {name: value for name, value in found.tags.items() if name.startswith("dvc.")} if found else {}

    def _target(self, name: str) -> str:
        return f"{self.lab._package}.data_versions:{name}"


def world(lab: LabHandle, template: Template, rng: np.random.Generator) -> World:
    """Prepare a worker."""
    store.prepare(lab, template("mlflow"))
    return World(lab, rng)


def _refused(call: Callable[[str], object], run: str, what: str, help: str = "") -> str:
    """Expect DataMismatch; return what it says, without the checksums in it."""
    said = ""
    with expect.raises("DataMismatch", what=what, help=help):
        try:
            call(run)
        except LearnerError as error:
            said = error.message
            raise
    return re.sub("[0-9a-f]{6,}", "…", said).strip()


def _judge_messages(said: dict[str, str]) -> None:
    """Each kind of mismatch has a message of its own."""
    for what, message in said.items():
        others = [other for other in said if other != what and said[other] == message]
        expect.that(
            bool(message) and not others,
            expected=f"the message of DataMismatch says which two do not belong together, where {what}",
            found=f"{expect.shown(message)}, as where {others[0]}" if others and message else "an empty message",
            help="Run, `.dvc` file and table: who reads the message has to know which two of them to look at.",
        )


def judge_pointer(world: World) -> None:
    """Path, md5 and size; a folder is refused."""
    # The data is not there: what is read is the `.dvc` file.
    one = replace(world.draw(), md5=secrets.token_hex(16))
    size = int(world.rng.integers(10**6, 10**7))
    world.lab.write_bytes(DATA, one.pointer(size))
    target = f"{world.lab._package}.data_versions:read_pointer"
    found = world.lab.make("mlops_probes.tracking:pointer_as_data", target, DATA, doing="`read_pointer(…)`")
    wanted = {"path": f"data/{NAME}", "md5": one.md5, "size": size}
    found = found if isinstance(found, dict) else {}
    whole = {"path": f"{world.lab.folder}/data/{NAME}"}  # relative or absolute is open
    for name, value in wanted.items():
        expect.that(
            found.get(name) in (value, whole.get(name, value)),
            expected=f"`{name}` of the pointer is {value!r}",
            found=found.get(name),
            help="The path in a `.dvc` file counts from the folder in which it lies."
            if name == "path"
            else "A `.dvc` file is YAML: `yaml.safe_load` reads it, in whatever order its keys stand.",
        )
    folder = (
        f"outs:\n- md5: {secrets.token_hex(16)}.dir\n  size: 9\n  nfiles: 2\n  hash: md5\n  path: {NAME}\n".encode()
    )
    several = one.pointer() + b"- md5: '00'\n  size: 1\n  hash: md5\n  path: other.parquet\n"
    for what, content in (("a folder", folder), ("two files", several), ("no file", b"outs: []\n")):
        world.lab.write_bytes(DATA, content)
        with expect.raises(
            "DataMismatch",
            what=f"`read_pointer` of a `.dvc` file that names {what}",
            help="A run belongs to one table. Look at how many `outs` there are, and that the one is a file: the `md5` "
            "of a folder ends in `.dir`.",
        ):
            world.lab.make("mlops_probes.tracking:pointer_as_data", target, DATA, doing="`read_pointer(…)`")


def judge_link(world: World) -> None:
    """A run on the table of the `.dvc` file gets its tags."""
    one = world.draw()
    run = world.run_on(one)
    world.put(one)
    world.link(run)
    wanted = {"dvc.md5": one.md5, "dvc.path": NAME}
    found = world.tags(run)
    for name, value in wanted.items():
        expect.that(
            found.get(name) == value,
            expected=f"the run has the tag `{name}`: {value}",
            found=found.get(name, "no such tag"),
            help="`MlflowClient().set_tag(run_id, name, value)` works for a run that has ended. The path is the one in "
            "the `.dvc` file, with its folders.",
        )
    after = store.read(world.lab).run(run)
    status = after.status if after else "no such run"
    expect.that(
        status == "FINISHED",
        expected="the run is FINISHED, as it was before the tags",
        found=status,
        help="`mlflow.start_run(run_id=…)` begins the run again. `MlflowClient().set_tag` does not.",
    )


def judge_mismatches(world: World) -> None:
    """Whatever does not agree is refused, and leaves no tag."""
    one, other = world.draw(), world.draw()
    sorted_again = table(one.frame.iloc[::-1])
    tested, said = world.run_on(other), []
    world.lab.make("mlops_probes.tracking:tag_run", tested, "test.sha256", sales.sha256(one.frame))
    cases = [
        (
            "the run was trained on another table",
            world.run_on(other), one, None,
            "The md5 says that the file is the one of the `.dvc` file. That the run knew it, only the fingerprint "
            "says: compare `fingerprint(frame)` with the run's `data.sha256`.",
        ),
        (
            "the rows stand in another order",
            world.run_on(one), sorted_again, None,
            "Another order is another table: folds and seeds choose rows by their place.",
        ),
        (
            "the file was changed after `dvc add`",
            world.run_on(other), one, other.content,
            "The `.dvc` file is in git, the data is not: it can be another one by now. Compute the md5 of the file "
            "that is there.",
        ),
        (
            "the run was tested on this table, and trained on another one",
            tested, one, None,
            "Both fingerprints stand in the run: that of what it was trained on is `data.sha256`.",
        ),
        ("the run says nothing of its data", world.run_on(None), one, None, "Without a fingerprint, nothing agrees."),
    ]  # fmt: skip
    for what, run, there, content, help in cases:
        world.put(there, content)
        said.append(_refused(world.link, run, f"`link_run` where {what}", help))
        expect.that(
            not world.tags(run),
            expected=f"no tag on the run where {what}",
            found=expect.shown(world.tags(run)),
            help="First all comparisons, then the tags: a tag that lies is worse than none.",
        )
    _judge_messages({cases[place][0]: said[place] for place in (0, 2)})


def judge_found_again(world: World) -> None:
    """The very table comes back, from the store."""
    one, other = world.draw(), world.draw()
    run = world.run_on(one)
    world.put(one)
    world.link(run)
    for each in (one, other):
        world.lab.write_bytes(each.place, each.content)
    # The working copy has moved on: only the store has the old table.
    world.put(other)
    found = expect.frame(world.data_of(run), "the answer of `data_of_run`", rows=len(one.frame))
    if not found.reset_index(drop=True).equals(one.frame.reset_index(drop=True)):
        fail(
            expected="the table that the run was trained on",
            found="another one"
            + (", the one in the folder of the data" if found["id"].tolist() == other.frame["id"].tolist() else ""),
            help="`files/md5/` + the first two digits + `/` + the others, in the store.",
        )


def judge_store(world: World) -> None:
    """What the store has damaged, or not at all, is told."""
    one, other = world.draw(), world.draw()
    run, never = world.run_on(one), world.run_on(one)
    world.put(one)
    world.link(run)
    world.lab.write_bytes(NAME, one.content)
    help = "It comes from the store alone: a table of that name in the working folder is anybody's."
    with expect.raises("FileNotFoundError", what="`data_of_run` where the store does not have the table", help=help):
        world.data_of(run)
    help = "A cache is a folder like any other: somebody may have written into it. Compare what comes out of it, and "
    help += "the md5 first: what has another one need not be a table at all."
    said: dict[str, str] = {}
    for what, content in (("another table lies", other.content), ("half of the file lies", one.content[:2_000])):
        world.lab.write_bytes(one.place, content)
        where = f"{what} under that checksum"
        said[where] = _refused(world.data_of, run, f"`data_of_run` where {where}", help)
    unlinked = _refused(world.data_of, never, "`data_of_run` of a run that was never linked")
    world.lab.write_bytes(other.place, other.content)
    world.lab.make("mlops_probes.tracking:tag_run", run, "dvc.md5", other.md5)
    help = "A tag can be changed by anybody. What the run was trained on, its fingerprint says: compare it here, too."
    what = "the tag names another table by now"
    said[what] = _refused(world.data_of, run, f"`data_of_run` where {what}", help)
    unknown = world.run_on(None)
    world.lab.make("mlops_probes.tracking:tag_run", unknown, "dvc.md5", other.md5)
    help = "Without `data.sha256` nobody knows which table the run has seen: nothing comes back that was not compared."
    _refused(world.data_of, unknown, "`data_of_run` where the run has the tag `dvc.md5`, and no fingerprint", help)
    # In all of them it is run and table that do not belong together; a run that was never linked is another thing.
    for where, message in said.items():
        _judge_messages({where: message, "the run was never linked": unlinked})
