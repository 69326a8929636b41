"""Judges a model that was registered (4.3)."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab4_judges import sales, store
from lab4_judges.sales import METRICS, Generator
from lab4_judges.store import Store, Version
from labkit.checks import LabHandle, expect, fail

Template = Callable[[str], Path]


@dataclass
class Registered:
    """Two trainings that were registered one after the other, the first of them twice, beside a champion."""

    lab: LabHandle
    person: str
    champion: int
    runs: list[str]
    other: str
    answers: list[Any]
    after_first: Store
    after_second: Store
    found: Store


def register(lab: LabHandle, template: Template, rng: Generator) -> Registered:
    """Have the learner's code register two trainings; a champion is there already."""
    store.prepare(
        lab, template("mlflow"), GIT_COMMIT=secrets.token_hex(20), MLFLOW_TRACKING_USERNAME="somebody-who-trains"
    )
    train, test = sales.draw(rng, 80)
    entry = {"answers": {}, "inputs": sales.FEATURES}
    made = lab.make("mlops_probes.tracking:add_versions", "house-price", train, [entry])
    champion = int(made[0])
    lab.make("mlops_probes.tracking:point", "house-price", "champion", champion)
    namer = lab.make("mlops_probes.figures:FigureNamer", sketch=True)
    model = lab.make("mlops_probes.tracking:small_model")
    # The third is never registered: it is there for the refusals.
    *runs, other = [
        lab.tracking.log_training(train, test, model, {"ridge__alpha": alpha}) for alpha in (3.0, 30.0, 9.0)
    ]
    expect.handle(namer, "the namer of figures").stop()
    # Who registers is not who has trained, and a run may say more about its data than `fingerprint` does.
    person = f"person-{secrets.token_hex(3)}"
    lab.make("mlops_probes.tracking:use_store", store.DATABASE, MLFLOW_TRACKING_USERNAME=person)
    for run in runs:
        for name in ("data.export", "test.export", "git.branch"):
            lab.make("mlops_probes.tracking:tag_run", run, name, f"one {secrets.token_hex(3)}")
    first = lab.registry.register(runs[0])
    after_first = store.read(lab)
    answers = [first, lab.registry.register(runs[1])]
    after_second = store.read(lab)
    # Who starts the pipeline again did not make the version.
    lab.make("mlops_probes.tracking:use_store", store.DATABASE, MLFLOW_TRACKING_USERNAME="somebody-who-came-later")
    answers.append(lab.registry.register(runs[0]))
    found = store.read(lab)
    stores = after_first, after_second, found
    return Registered(lab, person, champion, [str(run) for run in runs], str(other), answers, *stores)


def version_of(found: Registered, place: int) -> Version:
    """The version that the learner's code says it has made."""
    number = found.answers[place]
    if isinstance(number, bool) or not isinstance(number, int):
        fail(
            expected="`register` returns the number of the version, an int",
            found=expect.shown(number),
            help="MLflow answers with text here: `int(….version)`.",
        )
    version = found.found.version(number)
    if version is None:
        known = ", ".join(f"{one.name} {one.number}" for one in found.found.versions[:6])
        fail(expected=f"version {number} of `house-price` in the registry", found=f"the versions {known or 'none'}")
    return version


def judge_version(found: Registered) -> None:
    """The version is that of the run's own model."""
    models = {model.run: model.id for model in found.found.models if model.name == "model"}
    for place, run in enumerate(found.runs):
        version = version_of(found, place)
        model = models.get(run) or next((model.id for model in found.found.models if model.run == run), "?")
        expect.that(
            version.run == run and (model in version.source or run in version.source),
            expected="the version comes from the run, and serves the model that the run has logged",
            found=f"the source `{version.source}`, the run `{version.run or 'none'}`",
            help="`mlflow.register_model(f'runs:/{run_id}/model', name)`: then the way back from the version to "
            "the run is there.",
        )


def judge_aliases(found: Registered) -> None:
    """The newest version is the challenger, and the champion is what it was."""
    for known, place in ((found.after_first, 0), (found.after_second, 1)):
        wanted = version_of(found, place).number
        expect.that(
            known.alias("champion") == found.champion,
            expected="`champion` stays where it is: only the gate moves it",
            found=f"it points to version {known.alias('champion')}",
            help="To register is not to deploy. `promote` comes later, and asks first.",
        )
        expect.that(
            known.alias("challenger") == wanted,
            expected=f"the alias `challenger` points to version {wanted}, the one just made",
            found=f"to version {known.alias('challenger')}",
            help="`client.set_registered_model_alias(name, CHALLENGER, version)`. Stages are deprecated.",
        )


def judge_tags(found: Registered) -> None:
    """The version has the lineage of its run."""
    for place, number in enumerate(found.runs):
        version, run = version_of(found, place), found.found.run(number)
        assert run is not None
        wanted = {key: value for key, value in run.tags.items() if key.startswith(("data.", "test.", "git."))}
        missing = [key for key, value in wanted.items() if version.tags.get(key) != value]
        expect.that(
            not missing,
            expected=f"the version has the {len(wanted)} tags of its run that begin with `data.`, `test.` or `git.`",
            found=f"missing or other: {', '.join(missing[:5])}",
            help="All that begin so, also those that nobody thought of today. Whoever looks at the version after an "
            "incident must not have to search for its run: that one may be deleted.",
        )
        for name in METRICS:
            expect.that(
                _near(version.tags.get(f"metric.{name}"), run.last(name)),
                expected=f"the tag `metric.{name}` is {run.last(name)}, as in the run",
                found=expect.shown(version.tags.get(f"metric.{name}", "no such tag")),
                help="Tags of a version are text: `str(run.data.metrics[name])`, not rounded.",
            )
        expect.that(
            version.tags.get("registered_by") == found.person,
            expected=f"the tag `registered_by` is `{found.person}`, the `person()` of `lineage.py`",
            found=expect.shown(version.tags.get("registered_by", "no such tag")),
            help="Who made it a version: not who trained the model, and not who called `register` once more. It is the "
            "third question after an incident.",
        )


def _near(text: str | None, wanted: float | None) -> bool:
    try:
        return text is not None and wanted is not None and abs(float(text) - wanted) <= 1e-9 * abs(wanted)
    except ValueError:
        return False


def judge_once(found: Registered) -> None:
    """A run that is registered already gives the version that it has."""
    expect.that(
        found.answers[2] == found.answers[0] and len(found.found.versions) == 3,
        expected="the second call for the same run answers with the version that is there, and makes none",
        found=f"version {expect.shown(found.answers[2])}; {len(found.found.versions)} versions in all, and not 3",
        help="A pipeline that was interrupted is started again: look first whether a version has this `run_id`.",
    )
    expect.that(
        found.found.aliases == found.after_second.aliases,
        expected="the second call for the same run moves no alias: a newer version is the `challenger` by now",
        found=f"`challenger` points to version {found.found.alias('challenger')}, and not to {found.answers[1]}",
        help="Answer with the version that is there, and do nothing else.",
    )
    found.lab.make("mlops_probes.tracking:use_store", store.DATABASE, MLFLOW_TRACKING_USERNAME="")
    elsewhere = found.lab.registry.register(found.runs[1], "flats")
    after = store.read(found.lab)
    version = after.version(1, "flats")
    user = str(found.lab.make(f"{found.lab._package}.lineage:person"))
    expect.that(
        elsewhere == 1 and version is not None and version.run == found.runs[1],
        expected="under another name, the same run becomes version 1 of that name",
        found=f"the answer {expect.shown(elsewhere)}, and {'another' if version else 'no'} version there",
        help="Search among the versions of `name` alone.",
    )
    assert version is not None
    expect.that(
        version.tags.get("registered_by") == user,
        expected=f"the tag `registered_by` is `{user}`, the `person()`, also where MLflow knows no user",
        found=expect.shown(version.tags.get("registered_by", "no such tag")),
        help="`lineage.py` is given: its `person()` knows where to look.",
    )
    expect.that(
        after.alias("champion", "flats") is None and after.alias("challenger", "flats") == 1,
        expected="the first version of a name is a `challenger` like any other, and nobody is `champion`",
        found=f"`champion` points to {after.alias('champion', 'flats')}, `challenger` to "
        f"{after.alias('challenger', 'flats')}",
        help="The first version goes through the gate, too: `promote` knows what to do without a champion.",
    )


def judge_refused(found: Registered, status: str) -> None:
    """A run that has not finished, or has no model, is refused."""
    if status == "FINISHED":
        run = found.lab.make("mlops_probes.tracking:add_run", "house-price", status)
    else:
        # It has its model already: the status alone speaks against it.
        run = found.other
        found.lab.make("mlops_probes.tracking:set_status", run, status)
    what = "without a model" if status == "FINISHED" else f"that is {status}"
    with expect.raises(
        "ValueError",
        what=f"`register` of a run {what}",
        help="`run.info.status` says how it ended, `run.outputs.model_outputs` which models it has logged.",
    ):
        found.lab.registry.register(run, "other-houses")
    there = store.read(found.lab).registered
    expect.that(
        "other-houses" not in there,
        expected="nothing is registered: no version, and no name",
        found=f"the registered models {', '.join(there[:5])}",
        help="Refuse first. What is made before the refusal stays.",
    )
