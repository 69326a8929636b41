"""Judges a training that was logged (4.1): what stands in the store of MLflow afterwards, and beside it."""

from __future__ import annotations

import json
import platform
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from lab4_judges import sales, store
from lab4_judges.sales import METRICS, Generator
from lab4_judges.store import Run, Store
from labkit.checks import LabHandle, LearnerError, expect, fail

Template = Callable[[str], Path]

PLOTS = ("predicted_against_actual.png", "residuals_by_month.png")
BROKEN = ("fit", "late fit", "late predict")
PACKAGES = ("scikit-learn", "pandas", "numpy")
NO_RUN = (
    "`mlflow.set_experiment(experiment)` and `mlflow.start_run()` write to the store that MLFLOW_TRACKING_URI names, "
    "so name no other one."
)


@dataclass
class Training:
    """One training of the learner's: what went in, and what came back."""

    lab: LabHandle
    experiment: str
    train: pd.DataFrame
    test: pd.DataFrame
    alpha: float
    answer: Any
    learned: Any
    alpha_after: Any
    environment: dict[str, str]


@dataclass
class Trainings:
    """Two trainings into one experiment, and the store after them.

    `drawn` has, by what stands in a picture, which function of `mlops_lab.plots` drew it, and from which frame.
    """

    first: Training
    second: Training
    found: Store
    drawn: dict[str, tuple[str, pd.DataFrame | None]]


def log_two(lab: LabHandle, template: Template, rng: Generator) -> Trainings:
    """Have the learner's code log two trainings."""
    environment = {"GIT_COMMIT": secrets.token_hex(20), "GIT_DIRTY": "true", "GIT_DIFF": secrets.token_hex(32)}
    store.prepare(lab, template("mlflow"), **environment)
    experiment = f"houses-{secrets.token_hex(3)}"
    namer = lab.make("mlops_probes.figures:FigureNamer", sketch=True)
    two = [_log(lab, experiment, rng, environment, few=few) for few in (False, True)]
    named = expect.handle(namer, "the namer of figures")
    saved = named.attr("saved")
    named.stop()
    drawn = {one["digest"]: (one["kind"], one["frame"]) for one in saved if isinstance(one, dict)}
    return Trainings(two[0], two[1], store.read(lab), drawn)


def _log(lab: LabHandle, experiment: str, rng: Generator, environment: dict[str, str], *, few: bool) -> Training:
    train, test = sales.draw(rng)
    if few:  # fewer than an example may have
        test = test.tail(4)
    # One house was sold twice before the day, and another one before and after it: `train` and `test` are as they are.
    train.iloc[1, train.columns.get_loc("id")] = train["id"].iloc[0]
    test.iloc[0, test.columns.get_loc("id")] = train["id"].iloc[2]
    alpha = round(float(rng.uniform(20, 400)), 3)
    model = lab.make("mlops_probes.tracking:small_model")
    params = {"ridge__alpha": alpha, "ridge__positive": False, "ridge__max_iter": None}
    answer = lab.tracking.log_training(train, test, model, params, experiment=experiment)
    learned = lab.make("mlops_probes.tracking:learned", model)
    alpha_after = lab.make("mlops_probes.tracking:alpha_of", model)
    return Training(lab, experiment, train, test, alpha, answer, learned, alpha_after, environment)


def run_of(trainings: Trainings, training: Training) -> Run:
    """The run that the learner's code says it has logged."""
    number = expect.text(training.answer, "the answer of `log_training`", help="`run.info.run_id` is the id of a run.")
    run = trainings.found.run(number)
    if run is None:
        known = ", ".join(one.id for one in trainings.found.runs[:3])
        fail(
            expected="`log_training` returns the id of the run that it has logged",
            found=f"`{number[:60]}`; the store has {'the runs ' + known if known else 'no run'}",
            help=NO_RUN,
        )
    return run


def judge_run(trainings: Trainings) -> None:
    """One finished run for each training, in the experiment that was named."""
    found = trainings.found
    for training in (trainings.first, trainings.second):
        run = run_of(trainings, training)
        expect.that(
            run.experiment == training.experiment,
            expected=f"the run stands in the experiment `{training.experiment}`",
            found=f"in `{run.experiment}`; the store has the experiments {', '.join(found.experiments[:6])}",
            help="One experiment for all trainings of a model, so that they can be compared: "
            "`mlflow.set_experiment(experiment)` makes it where it is missing.",
        )
        expect.that(
            run.status == "FINISHED" and run.ended,
            expected="the run has ended, and its status is FINISHED",
            found=f"the status {run.status}",
            help="`with mlflow.start_run() as run:` ends the run, whatever happens inside.",
        )
        expect.that(
            training.learned == [],
            expected="`model` itself stays untrained: the next training begins from nothing",
            found=f"it has learned {expect.shown(training.learned)}",
            help="`sklearn.base.clone(model)` makes a fresh copy.",
        )
        expect.that(
            training.alpha_after == 1.0,
            expected="`model` keeps its own settings: `ridge__alpha` is 1.0, as it was",
            found=f"{training.alpha_after}, the one of `params`",
            help="`clone(model).set_params(**params)`: first the copy, and then the settings of the copy.",
        )
    number = len(found.runs)
    expect.that(
        number == 2,
        expected="2 runs after two trainings, in all experiments",
        found=f"{number} runs",
        help="One training is one run: what belongs to it is logged inside the same `with mlflow.start_run()`.",
    )


def judge_params(trainings: Trainings) -> None:
    """Each of the settings is a parameter of the run."""
    for training in (trainings.first, trainings.second):
        found = run_of(trainings, training).params
        value = found.get("ridge__alpha")
        expect.that(
            value is not None and _is_number(value, training.alpha),
            expected=f"the run has the parameter `ridge__alpha` = {training.alpha}",
            found=f"the parameters {expect.shown(found)}",
            help="`mlflow.log_params(params)` logs each of them under its own name. Only then can runs be searched "
            "and sorted by it.",
        )
        for name, wanted in (("ridge__positive", "False"), ("ridge__max_iter", "None")):
            expect.that(
                found.get(name) == wanted,
                expected=f"the run has the parameter `{name}` = {wanted}",
                found=f"the parameters {expect.shown(found)}",
                help="A setting that is off is a setting, as 0 is, and so is None: no limit.",
            )


def _is_number(text: str, wanted: float) -> bool:
    try:
        return abs(float(text) - wanted) < 1e-9
    except ValueError:
        return False


def judge_metrics(trainings: Trainings) -> None:
    """The metrics of the run are those of `test`, by a model that was trained on `train` with the settings."""
    for training in (trainings.first, trainings.second):
        run = run_of(trainings, training)
        wanted = sales.metrics(sales.train(training.train, training.alpha), training.test)
        for name in METRICS:
            value = run.last(name)
            if value is None:
                fail(
                    expected=f"the run has the metric `{name}`",
                    found=f"the metrics {', '.join(sorted({key for key, _, _ in run.metrics})) or 'none'}",
                    help="`mlflow.log_metrics(evaluate(fitted, test))` logs all three.",
                )
            if abs(value - wanted[name]) > 1e-6 * abs(wanted[name]):
                found = expect.figure(expect.number(value, f"the metric `{name}`"))
                is_wanted = f"`{name}` on `test` is {expect.figure(wanted[name])}"
                fail(expected=is_wanted, found=found, help=_suspect(training, name, value))


def _suspect(training: Training, name: str, value: float) -> str:
    """What a wrong metric looks like."""
    both = pd.concat([training.train, training.test])
    trained, plain, all_of_it = (
        sales.train(training.train, training.alpha),
        sales.train(training.train, 1.0),
        sales.train(both, training.alpha),
    )
    mean = float(np.mean([fold[name] for fold in sales.folds(training.train, training.alpha)]))
    known = [
        (
            sales.metrics(trained, training.train)[name],
            "This is the metric on the training rows: a model that only remembers would look perfect.",
        ),
        (
            sales.metrics(plain, training.test)[name],
            "This is the model without the settings: `params` were logged, and not set. `set_params(**params)`.",
        ),
        (
            sales.metrics(all_of_it, training.test)[name],
            "This model has learned from `test` as well: nothing is left to judge it on.",
        ),
        (mean, "This is the mean of the folds. They have metrics of their own, `cv_…`; this one is on `test`."),
    ]
    why = next((text for known_value, text in known if abs(known_value - value) <= 1e-6 * abs(known_value)), None)
    return why or "Train on `train` with the settings, then `evaluate(fitted, test)`."


def judge_folds(trainings: Trainings) -> None:
    """Each fold has its metrics, with the number of the fold as step."""
    training = trainings.first
    run = run_of(trainings, training)
    wanted = sales.folds(training.train, training.alpha)
    for name in METRICS:
        values = {step: value for key, value, step in run.metrics if key == f"cv_{name}"}
        count = sum(key == f"cv_{name}" for key, _, _ in run.metrics)
        expect.that(
            sorted(values) == list(range(1, sales.FOLDS + 1)) and count == sales.FOLDS,
            expected=f"`cv_{name}` has the steps 1 to {sales.FOLDS}, one value each",
            found=f"{count} values at the steps {sorted(values)}",
            help="`mlflow.log_metrics({...}, step=fold)`: a metric with steps is a curve, and one bad fold is seen.",
        )
        for step, fold in enumerate(wanted, start=1):
            expect.close(
                values[step],
                fold[name],
                f"`cv_{name}` of fold {step}",
                help="Lab 1's `cross_validate_model(model, train)` has one row per fold. The model has the settings "
                "there, too, and only `train` is cut into folds.",
            )


def judge_tags(trainings: Trainings) -> None:
    """The tags say which data and which code it was."""
    for training in (trainings.first, trainings.second):
        found = run_of(trainings, training).tags
        for prefix, frame, name in (("data", training.train, "train"), ("test", training.test, "test")):
            _judge_some(found, sales.fingerprint(frame, prefix), f"the fingerprint of `{name}` as it was given")
        _judge_some(found, _code(training.environment), "which code it was: `code_version()`")
        _judge_some(found, _place(training.lab), "which process it was: `workplace()`")


def _code(environment: dict[str, str]) -> dict[str, str]:
    """The tags of `code_version()`."""
    return {f"git.{name}": environment[f"GIT_{name.upper()}"] for name in ("commit", "dirty", "diff")}


def _place(lab: LabHandle) -> dict[str, str]:
    """The tags of `workplace()`."""
    place = {"python.version": platform.python_version(), "process.id": str(lab.make("os:getpid"))}
    return {**place, "process.machine": str(lab.make(f"{lab._package}.lineage:workplace")["process.machine"])}


def _judge_some(found: dict[str, str], wanted: dict[str, str], what: str) -> None:
    for key, value in wanted.items():
        expect.that(
            found.get(key) == value,
            expected=f"the tag `{key}` of the run is {value}: {what}",
            found=f"{expect.shown(found[key])}" if key in found else f"no tag `{key}`",
            help="`lineage.py` is given: `mlflow.set_tags({**fingerprint(train), **fingerprint(test, 'test'), "
            "**code_version(), **workplace()})`. After an incident somebody asks for exactly these.",
        )


def model_files(trainings: Trainings, training: Training) -> tuple[str, dict[str, bytes]]:
    """The id and the files of the model that belongs to the run."""
    run = run_of(trainings, training)
    mine = [model for model in trainings.found.models if model.run == run.id and model.name == "model"]
    names = [model.name for model in trainings.found.models if model.run == run.id]
    expect.that(
        len(mine) == 1,
        expected="the run has one model, under the name `model`",
        found=f"{len(mine)}; the models of the run: {', '.join(names[:5]) or 'none'}",
        help="`mlflow.sklearn.log_model(fitted, name='model', …)` inside the run.",
    )
    names_there = training.lab.list_files(mine[0].folder)
    files = {}
    for name in names_there if isinstance(names_there, list) else []:
        short = str(name).rpartition("/")[2]
        if short in {"MLmodel", "requirements.txt", "input_example.json"}:
            content = training.lab.read_bytes(f"{mine[0].folder}/{short}")
            files[short] = content if isinstance(content, bytes) else b""
    return mine[0].id, files


def judge_signature(trainings: Trainings) -> None:
    """The signature names the columns that the model takes, and what it gives."""
    for training in (trainings.first, trainings.second):
        _, files = model_files(trainings, training)
        inputs, outputs = signature_in(files.get("MLmodel", b""))
        help = (
            "`signature_of(fitted, test[FEATURES])` is given. A service refuses what is not in the signature, and asks "
            "for all that is: a `price` or an `id` in it would have to be sent with each request."
        )
        expect.that(
            inputs == sales.FEATURES,
            expected=f"the signature asks for the {len(sales.FEATURES)} columns of `FEATURES`, in their order",
            found=_compared(inputs),
            help=help,
        )
        expect.that(len(outputs) == 1, expected="one output in the signature", found=f"{len(outputs)}", help=help)


def _compared(inputs: list[str]) -> str:
    more, less = (
        [name for name in inputs if name not in sales.FEATURES],
        [name for name in sales.FEATURES if name not in inputs],
    )
    parts = [f"it has also {', '.join(more)}"] * bool(more) + [f"it lacks {', '.join(less)}"] * bool(less)
    return " and ".join(parts) or "another order" if inputs else "no signature with named columns"


def signature_in(content: bytes) -> tuple[list[str], list[Any]]:
    """The names of the inputs, and the outputs, as the file `MLmodel` says them."""
    try:
        document = yaml.safe_load(content.decode()) or {}
        signature = document.get("signature") or {}
        inputs, outputs = json.loads(signature.get("inputs") or "[]"), json.loads(signature.get("outputs") or "[]")
        return [str(one.get("name")) for one in inputs], list(outputs)
    except (ValueError, AttributeError, TypeError, RecursionError, yaml.YAMLError):
        return [], []


def judge_example(trainings: Trainings) -> None:
    """An example of a few rows lies with the model."""
    _, files = model_files(trainings, trainings.first)
    try:
        example = json.loads(files.get("input_example.json", b"{}"))
        if isinstance(example, list):  # rows by name, as a service is asked
            example = {"columns": list(example[0]), "data": [[row[name] for name in example[0]] for row in example]}
        elif not {"columns", "data"} <= set(example):  # columns by name
            example = {"columns": list(example), "data": [list(row) for row in zip(*example.values(), strict=True)]}
        columns, rows = list(example.get("columns", [])), len(example.get("data", []))
    except (ValueError, AttributeError, TypeError, LookupError, RecursionError):
        columns, rows = [], 0
    known = pd.concat([trainings.first.train, trainings.first.test])[sales.FEATURES].to_numpy(float).round(6)
    there = {tuple(row) for row in known.tolist()}
    expect.that(
        columns == sales.FEATURES and 1 <= rows <= 5,
        expected="an input example of 1 to 5 rows with the columns of `FEATURES`",
        found=f"{rows} rows with {len(columns)} columns",
        help="`input_example=test[FEATURES].head(5)`: who wants to call the model sees how. All rows would be a copy "
        "of the data beside each model.",
    )
    expect.that(
        all(_rounded(row) in there for row in example["data"]),
        expected="an input example of real rows of the data",
        found=f"the row {expect.shown(example['data'][0])}",
        help="`input_example=test[FEATURES].head(5)`: values as they are, so that whoever tries the model sees a price "
        "that makes sense.",
    )


def _rounded(row: Any) -> tuple[float, ...]:
    try:
        return tuple(round(float(value), 6) for value in row)
    except (TypeError, ValueError):
        return ()


def judge_requirements(trainings: Trainings) -> None:
    """The packages stand with the model, each with its version."""
    _, files = model_files(trainings, trainings.first)
    lines = [line.strip() for line in files.get("requirements.txt", b"").decode(errors="replace").splitlines()]
    lines = [line for line in lines if line and not line.startswith("mlflow")]
    for name in PACKAGES:
        wanted = f"{name}=={installed_version(name)}"
        expect.that(
            wanted in lines,
            expected=f"the requirements of the model have `{wanted}`",
            found=f"{', '.join(lines[:8]) or 'none'}",
            help="`pip_requirements=requirements()`: without a version, the model meets whatever is newest on the day "
            "that it is served. And MLflow does not have to guess them, which takes seconds.",
        )
    loose = [line for line in lines if not re.search(r"==[^=*]+$", line)]
    expect.that(
        not loose,
        expected="each of the packages has its version, `name==1.2.3`",
        found=f"not so for {', '.join(loose[:5])}",
        help="`pip_requirements=requirements()`.",
    )


def judge_model(trainings: Trainings) -> None:
    """The model that lies in the store is the one that was judged."""
    training = trainings.second
    number, _ = model_files(trainings, training)
    rows = training.test[sales.FEATURES].head(20)
    doing = "what loads the logged model (`mlflow.pyfunc.load_model`)"
    try:
        found = training.lab.make("mlops_probes.tracking:ask_logged", f"models:/{number}", rows, doing=doing)
    except LearnerError as error:
        fail(
            expected="the logged model can be loaded and asked for a price",
            found=f"{error.type_name}: {error.message}"[:400],
            help="Log the fitted model, with the signature of what it takes.",
        )
    learned = training.lab.make("mlops_probes.tracking:columns_of", f"models:/{number}", doing=doing)
    expect.that(
        learned == sales.FEATURES,
        expected="the model was trained on the columns `FEATURES`, and on no others",
        found=_compared(learned if isinstance(learned, list) else []),
        help="`fit(train[FEATURES], train['price'])`: a model that has seen the price, or the `id`, asks for it when "
        "it serves.",
    )
    values = expect.array(found, "the prices of the logged model", length=len(rows))
    wanted = sales.train(training.train, training.alpha).predict(rows)
    expect.that(
        bool(np.allclose(values, wanted, rtol=1e-6)),
        expected="the logged model gives the prices of the one that was trained on `train` and judged on `test`",
        found=f"{values[0]:,.0f} USD for the first house, and not {wanted[0]:,.0f}",
        help="What is logged is what will be served: log the very object that the metrics belong to.",
    )


def judge_plots(trainings: Trainings) -> None:
    """Two plots lie with the run, drawn from what was predicted for `test`."""
    pictures: list[tuple[Training, str, bytes]] = []
    for training in (trainings.first, trainings.second):
        run = run_of(trainings, training)
        names = training.lab.list_files(run.artifacts)
        paths = [str(name) for name in names] if isinstance(names, list) else []
        by_depth = sorted(paths, key=lambda path: -path.count("/"))
        there = {path.rpartition("/")[2]: path for path in by_depth}  # they may lie in a folder; at the top they count
        for name in PLOTS:
            expect.that(
                name in there,
                expected=f"the run has the artifact `{name}`",
                found=", ".join(sorted(there)[:8]) or "no artifact",
                help="`mlflow.log_figure(plot.figure, 'name.png')`, with the plots of `mlops_lab.plots`.",
            )
            content = training.lab.read_bytes(f"{run.artifacts}/{there[name]}")
            is_png = isinstance(content, bytes) and content.startswith(b"\x89PNG\r\n\x1a\n")
            expect.that(is_png, expected=f"`{name}` is a PNG file", found=expect.shown(content)[:80])
            pictures.append((training, name, content))
    expect.that(
        len({content for _, _, content in pictures}) == len(pictures),
        expected="each plot shows the data of its own run",
        found="the same picture twice",
        help="Draw `predicted_against_actual(test['price'], predicted)` and `residuals_by_month(test['date'], …)`.",
    )
    for training, name, content in pictures:
        _judge_shown(trainings, training, name, content)


def _judge_shown(trainings: Trainings, training: Training, name: str, content: bytes) -> None:
    """A picture that the course's own function drew shows `test`, and what was predicted for it."""
    kind, frame = next((one for digest, one in trainings.drawn.items() if digest.encode() in content), ("", None))
    if frame is None:
        return  # drawn by hand
    help = (
        "Draw `predicted_against_actual(test['price'], predicted)` and `residuals_by_month(test['date'], "
        "test['price'], predicted)`: on rows that it has learned from, any model looks good. "
        "`predicted` has the index of `test`: rows are paired by it."
    )
    expect.that(
        name.startswith(kind), expected=f"`{name}` shows what its name says", found=f"the plot `{kind}`", help=help
    )
    test = training.test
    predicted = sales.train(training.train, training.alpha).predict(test[sales.FEATURES])
    if kind == PLOTS[0].removesuffix(".png"):
        wanted = pd.DataFrame({"actual": test["price"].to_numpy(float), "predicted": predicted})
    else:
        month = test["date"].dt.strftime("%Y-%m").to_numpy()
        residuals = pd.Series(test["price"].to_numpy(float) - predicted).groupby(month)
        wanted = pd.DataFrame({"sales": residuals.size(), "median": residuals.median()})
    columns = list(wanted.columns)
    shown = frame[columns].sort_values(columns).to_numpy(float) if set(columns) <= set(frame.columns) else np.empty(0)
    expect.that(
        shown.shape == wanted.shape
        and bool(np.allclose(shown, wanted.sort_values(columns).to_numpy(float), rtol=1e-6)),
        expected=f"`{name}` shows the {len(test)} sales of `test`, with what the model predicts for each",
        found="sales without a prediction, and predictions without a sale"
        if shown.size and np.isnan(shown).any()
        else "other sales, or other predictions"
        if len(frame) != len(training.train)
        else f"the {len(training.train)} sales of `train`",
        help=help,
    )


@dataclass
class Failure:
    """One training that raised: `error` is what the caller heard of it, `is_open` whether a run was open afterwards.

    `tags` are those that its run must have.
    """

    text: str
    type_name: str
    error: LearnerError | None
    answer: Any
    new: list[Run]
    is_open: bool
    tags: dict[str, str]


def log_broken(before_it: Training, rng: Generator, where: str) -> Failure:
    """Have the learner's code log a training whose model raises in `fit` or in `predict`.

    With `late fit` the folds go well, and it raises on all of `train`; with `late predict`, on all of `test`.
    """
    lab = before_it.lab
    train, test = sales.draw(rng, 60)
    is_late, where = where.startswith("late "), where.removeprefix("late ")
    rows = (len(train) if where == "fit" else len(test)) if is_late else 0
    text = f"no solution after {int(rng.integers(1_000, 100_000))} steps"
    broken = lab.make("mlops_probes.tracking:Broken", text, where, rows)
    before = {run.id for run in store.read(lab).runs}
    error, answer = None, None
    try:
        answer = lab.tracking.log_training(train, test, broken, {})
    except LearnerError as raised:
        error = raised
    new = [run for run in store.read(lab).runs if run.id not in before]
    is_open = bool(lab.make("mlops_probes.tracking:end_open_run"))
    tags = {
        **_place(lab),
        **sales.fingerprint(train),
        **sales.fingerprint(test, "test"),
        **_code(before_it.environment),
    }
    return Failure(text, "ValueError" if where == "fit" else "Diverged", error, answer, new, is_open, tags)


def judge_failure(failure: Failure) -> None:
    """A training that raises leaves a run that says so, and no run open."""
    said = f"{failure.error.type_name}: {failure.error.message}" if failure.error else ""
    expect.that(
        failure.text in said
        and failure.error is not None
        and failure.error.type_name.rpartition(".")[2] == failure.type_name,
        expected=f"the exception of the model goes on to the caller: {failure.type_name}: {failure.text}",
        found=said[:300] or f"no exception, and the answer {expect.shown(failure.answer)}",
        help="After the tag, a bare `raise`: who has called must know that there is no model.",
    )
    runs = [run for run in failure.new if run.experiment == "house-price"]
    expect.that(
        len(runs) == len(failure.new) == 1,
        expected="one run in the experiment `house-price`, where no `experiment` is named, also where a training fails",
        found=f"{len(failure.new)} new runs, in {', '.join(run.experiment for run in failure.new) or 'none'}",
        help="What is logged after the end of a run begins another one: set the tag inside."
        if len(failure.new) > 1
        else "A training that fails is a run as well: start the run before the work.",
    )
    [run] = runs
    expect.that(
        run.status == "FAILED" and run.ended and not failure.is_open,
        expected="the run of a training that raised has ended as FAILED",
        found=f"the status {run.status}{', and it is still open' if failure.is_open else ''}",
        help="`with mlflow.start_run():` around the work does it. `mlflow.start_run()` without `with` leaves it "
        "RUNNING for ever, and an exception that is caught inside makes it FINISHED.",
    )
    late = [name for name, value in failure.tags.items() if run.tags.get(name) != value]
    expect.that(
        not late,
        expected="the run has the tags of both tables, of the code and of `workplace()` (such as `process.id`), also "
        "where the training fails",
        found=f"missing or other: {', '.join(late)}",
        help="Set them before the work. A process that is killed while it trains says no more, and who looks "
        "next could not tell what it was about, or whether it is still at work.",
    )
    tag = run.tags.get("error", "")
    expect.that(
        failure.type_name in tag and failure.text in tag,
        expected=f"the tag `error` of the failed run holds the type and the text: `{failure.type_name}`, "
        f"`{failure.text}`",
        found=expect.shown(tag) if tag else "no tag `error`",
        help="Inside the run, around all of the work, the folds, the training and the judging: `except Exception as "
        "error: mlflow.set_tag('error', f'{type(error).__name__}: {error}')`, then `raise`.",
    )
