"""Judgements of 2.6: the same numbers without a table, and only where it is sure."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from lab2_judges import inputs
from lab2_judges.models import Models, draw_house, house_model, numbers_of, shuffled
from lab2_judges.price_suspects import CLOSE, explain, with_unseen, wrong_worths
from labkit.checking.expect import CheckFailed
from labkit.checks import LabHandle, LearnerError, RemoteObject, expect, fail

ALONE = 60
"""How many houses are priced one by one."""


def artifact(lab: LabHandle, models: Models) -> RemoteObject:
    """Load the artifact of the house prices in the learner's process."""
    for path, data in models.files.items():
        lab.write_bytes(path, data)
    found: RemoteObject = lab.make("mlops_lab.artifacts:load_artifact", "house_price")
    return found


def compiled(lab: LabHandle, rng: np.random.Generator) -> tuple[RemoteObject, Models]:
    """Return the learner's compiled form of a model that was trained a moment ago, and the model."""
    models = Models()
    draw_house(models, rng)
    return compile_model(lab, models), models


def compile_model(lab: LabHandle, models: Models) -> RemoteObject:
    """Return the learner's compiled form of a model."""
    pricer = lab.predictor.compile_model(artifact(lab, models).attr("model"))
    return expect.handle(pricer, "what `compile_model` returns", methods=("predict",))


def judge_same(lab: LabHandle, rng: np.random.Generator) -> None:
    """The compiled model says what the model says, house by house."""
    pricer, models = compiled(lab, rng)
    houses = inputs.draw_houses(rng, 650)
    # The same houses in another state: nothing may be remembered by a few fields only.
    houses += [{**house, "grade": int(rng.integers(1, 14))} for house in houses[:50]]
    compare(pricer, houses, models, "the prices")


def judge_unseen(lab: LabHandle, rng: np.random.Generator) -> None:
    """Also in a zipcode that the model has not learned."""
    models, houses = in_unseen_zipcodes(rng)
    # Not in every model does it matter what an unseen zipcode is worth: here it does.
    while not all(differs_with_unseen(models, houses, worth) for worth in wrong_worths(models)):
        models, houses = in_unseen_zipcodes(rng)
    pricer = compile_model(lab, models)
    compare(pricer, houses, models, "the prices in zipcodes that were not in the training data")


def in_unseen_zipcodes(rng: np.random.Generator) -> tuple[Models, list[dict[str, Any]]]:
    """A model, and houses in zipcodes that it has not learned."""
    models = Models()
    draw_house(models, rng)
    return models, [{**house, "zipcode": int(rng.integers(10_000, 90_000))} for house in inputs.draw_houses(rng, 40)]


def differs_with_unseen(models: Models, houses: list[dict[str, Any]], worth: float) -> bool:
    """Whether a model says something else about one of these houses when an unseen zipcode is worth this much."""
    return bool((np.abs(with_unseen(models, houses, worth) / models.prices(houses) - 1) > CLOSE).any())


def judge_edges(lab: LabHandle, rng: np.random.Generator) -> None:
    """Also for values right at the thresholds of the trees, and in any order of the fields."""
    models, houses = at_thresholds(rng)
    # Whether a threshold gets larger in single precision is a matter of chance: here, some that matter do.
    while not differs_in_single_precision(models, houses[:ALONE]):
        models, houses = at_thresholds(rng)
    pricer = compile_model(lab, models)
    mixed = [inputs.mixed(rng, house) for house in houses]
    compare(pricer, mixed, models, "the prices")
    for house in mixed[:ALONE]:
        compare(pricer, [house], models, "the price of a single house")


def at_thresholds(rng: np.random.Generator) -> tuple[Models, list[dict[str, Any]]]:
    """A model, and houses with fields right at the thresholds of its trees."""
    models = Models()
    draw_house(models, rng)
    pipeline = models.estimators["house_price"].regressor_
    numbers = numbers_of(models.estimators["house_price"])
    houses = inputs.draw_houses(rng, 150)
    thresholds: dict[str, list[float]] = {}
    for node in np.concatenate([predictor[0].nodes for predictor in pipeline[-1]._predictors]):
        if not node["is_leaf"] and node["feature_idx"] < len(numbers):
            thresholds.setdefault(numbers[int(node["feature_idx"])], []).append(float(node["num_threshold"]))
    # One field of each house at a threshold; latitude and longitude, which have the most digits, of all of them.
    for house in houses:
        for name in {str(rng.choice(sorted(thresholds))), "lat", "long"} & set(thresholds):
            house[name] = float(rng.choice(thresholds[name]))
    return models, houses


def differs_in_single_precision(models: Models, houses: list[dict[str, Any]]) -> bool:
    """Whether a model says something else about one of these houses when its numbers have fewer digits."""
    short = [{name: float(np.float32(value)) for name, value in house.items()} for house in houses]
    return bool((np.abs(models.prices(short) / models.prices(houses) - 1) > CLOSE).any())


def compare(pricer: RemoteObject, houses: list[dict[str, Any]], models: Models, what: str) -> None:
    """Expect the prices of the model."""
    wanted = models.prices(houses)
    found = expect.array(pricer.predict(houses), what, length=len(houses))
    if np.median(np.abs(found / np.log1p(wanted) - 1)) < 0.2:
        fail(
            expected=f"{what} are dollars, such as {wanted[0]:,.0f}",
            found=f"{found[0]:.4f}: their logarithms",
            help="The trees have learned `log1p` of the price. The estimator turns it back by itself; compiled trees "
            "do not: `np.expm1`.",
        )
    apart = np.abs(found / wanted - 1)
    if apart.max() > CLOSE:
        worst = int(apart.argmax())
        share = (apart > CLOSE).mean()
        fail(
            expected=f"{what} are the estimator's within {CLOSE:g} relative",
            found=f"{share:.0%} are not; the worst is {found[worst]:,.2f} instead of {wanted[worst]:,.2f}",
            help=explain(found, wanted, models, houses),
        )


def judge_order(lab: LabHandle, rng: np.random.Generator) -> None:
    """A house has the same price alone and among others."""
    pricer, _ = compiled(lab, rng)
    houses = inputs.draw_houses(rng, 12)
    # Houses that have all but one field of another one: no price may be remembered by some of them.
    first, second = houses[:2]
    houses += [{**first, name: second[name]} for name in inputs.HOUSE]
    together = expect.array(pricer.predict(houses), "the prices", length=len(houses))
    alone = [expect.array(pricer.predict([house]), "the price", length=1)[0] for house in houses]
    if not np.allclose(together, alone, rtol=CLOSE):
        fail(expected="a house has the same price alone and among others", found="other prices")
    for rows in (houses, houses[:1]):
        expect.that(
            lab.make("mlops_probes.service:keeps_rows", pricer, rows, doing="`predict(…)`"),
            expected=f"`predict` leaves {'the rows as they are' if len(rows) > 1 else 'a single row as it is'}",
            found="afterwards they are other ones",
            help="They belong to the caller, who asks with them again: make a list of values from each, and write into "
            "that.",
        )


def judge_no_frame(lab: LabHandle, rng: np.random.Generator) -> None:
    """Neither pandas nor scikit-learn's own trees are used for an answer."""
    pricer, _ = compiled(lab, rng)
    watch = lab.make("mlops_probes.service:FrameWatch")
    watch.start()
    for house in inputs.draw_houses(rng, 3):
        pricer.predict([house])
    for count in (4, 400):
        pricer.predict(inputs.draw_houses(rng, count))
    frames, asked = watch.stop()
    if frames or asked:
        used = (
            f"pandas made {frames} tables" if frames else f"trees and encoder of scikit-learn were asked {asked} times"
        )
        fail(
            expected="three prices alone, and 4 and 400 together, without a table of pandas and without scikit-learn",
            found=used,
            help="A table for one row costs a hundred times as much as the trees: hand plain numbers to treelite.",
        )
    if pricer.attr("is_compiled") is not True:
        fail(expected="`is_compiled` of a compiled model is True", found=expect.shown(pricer.attr("is_compiled")))


OTHERS = (
    "a linear model",
    "trees on prices that are no logarithms",
    "another logarithm",
    "scaled numbers",
    "one column per zipcode",
    "another kind of trees",
    "one step more",
    "another way back from the logarithm",
    'trees with a logarithm of their own (`loss="poisson"`)',
    'trees with a logarithm of their own (`loss="gamma"`)',
    "weighted columns (`transformer_weights`)",
    "columns changed by a function",
    "trees of a subclass",
    "an encoder of a subclass",
    "the zipcode before the numbers",
)


def other_model(which: str, rng: np.random.Generator) -> tuple[Any, pd.DataFrame]:
    """A fitted model that is not of lab 1's shape, and what it was trained on."""
    from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.linear_model import Ridge
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

    from mlops_probes import trees

    sales = inputs.sales().sample(300, random_state=rng)
    order = shuffled(rng, inputs.HOUSE)
    numbers = [name for name in order if name != "zipcode"]
    model = house_model(numbers, trees=4)
    pipeline = model.regressor
    if which == "a linear model":
        pipeline.steps[1] = ("trees", Ridge())
    elif which == "trees on prices that are no logarithms":
        model = pipeline
    elif which == "another logarithm":
        model = TransformedTargetRegressor(pipeline, func=np.log, inverse_func=np.exp)
    elif which == "another way back from the logarithm":
        model = TransformedTargetRegressor(pipeline, func=np.log1p, inverse_func=np.exp, check_inverse=False)
    elif "poisson" in which or "gamma" in which:
        pipeline[-1].set_params(loss="poisson" if "poisson" in which else "gamma")
    elif "weights" in which:
        pipeline[0].set_params(transformer_weights={"numbers": float(rng.uniform(0.5, 2.0)), "zipcode": 1.0})
    elif "function" in which:
        pipeline[0].transformers[0] = ("numbers", FunctionTransformer(np.cbrt), numbers)
    elif which == "trees of a subclass":
        pipeline.steps[1] = ("trees", trees.DoubledTrees(**pipeline[1].get_params()))
    elif which == "an encoder of a subclass":
        pipeline[0].transformers[1] = ("zipcode", trees.DoubledEncoder(random_state=0), ["zipcode"])
    elif "before" in which:
        pipeline[0].transformers.reverse()
    elif which == "one step more":
        pipeline.steps.insert(1, ("scale", StandardScaler()))
    elif which == "scaled numbers":
        pipeline.steps[0][1].transformers[0] = ("numbers", StandardScaler(), numbers)
    elif which == "one column per zipcode":
        encoder = OneHotEncoder(sparse_output=False, handle_unknown="ignore")
        parts = [("numbers", "passthrough", numbers), ("zipcode", encoder, ["zipcode"])]
        pipeline.steps[0] = ("columns", ColumnTransformer(parts))
    else:
        pipeline.steps = [*pipeline.steps[:1], ("trees", RandomForestRegressor(4, max_depth=3, random_state=0))]
    assert isinstance(pipeline, Pipeline)
    return model.fit(sales[order], sales["price"]), sales[order]


def other(rng: np.random.Generator, which: str) -> Models:
    """The artifact of a model that is not of lab 1's shape."""
    models = Models()
    model, frame = other_model(which, rng)
    models.add("house_price", model, frame, {})
    return models


def judge_refuses(lab: LabHandle, rng: np.random.Generator, which: str) -> None:
    """Any other model is refused (or answered rightly), never answered with other numbers."""
    models = other(rng, which)
    model = artifact(lab, models).attr("model")
    try:
        pricer = lab.predictor.compile_model(model)
    except LearnerError as error:
        if error.is_a("CannotCompile"):
            return
        error.help = (
            "For a model of another kind `compile_model` raises `CannotCompile`: look at a part before using it."
        )
        raise
    houses = inputs.draw_houses(rng, 40)
    try:
        compare(
            expect.handle(pricer, "what `compile_model` returns", methods=("predict",)),
            houses,
            models,
            "x",
        )
    except (CheckFailed, LearnerError):
        fail(
            expected=f"`compile_model` raises CannotCompile for {which}",
            found="it compiles the model, and answers with other numbers",
            help="A wrong price looks like a right one. Look at the class of each part, and at each setting that "
            "changes its answers; compile only what is known.",
        )


def judge_falls_back(lab: LabHandle, rng: np.random.Generator) -> None:
    """`make_pricer` uses the estimator for what cannot be compiled, and says so in the log."""
    models = other(rng, str(rng.choice(["a linear model", "one column per zipcode"])))
    pricer, logged = make_pricer(lab, models)
    houses = inputs.draw_houses(rng, 10)
    found = expect.array(pricer.predict(houses), "the prices of a model that cannot be compiled", length=10)
    if not np.allclose(found, models.prices(houses), rtol=CLOSE):
        fail(expected="the prices of a model that cannot be compiled are the estimator's own", found="other prices")
    if pricer.attr("is_compiled") is not False:
        fail(expected="`is_compiled` is False for the estimator itself", found=expect.shown(pricer.attr("is_compiled")))
    if not any(line.startswith(("WARNING", "ERROR", "INFO")) for line in logged):
        fail(
            expected="a line in the log says that a model is not compiled",
            found="no such line",
            help="Otherwise the service is suddenly a hundred times slower, and nobody knows why: `logger.warning(…)`.",
        )


def judge_uses_compiled(lab: LabHandle, rng: np.random.Generator) -> None:
    """`make_pricer` uses the compiled form where there is one."""
    models = Models()
    draw_house(models, rng)
    pricer, logged = make_pricer(lab, models)
    if pricer.attr("is_compiled") is not True:
        fail(
            expected="`make_pricer` returns the compiled form of a model that can be compiled",
            found="the slow estimator",
            help="`return compile_model(artifact.model)`, and the estimator only after `CannotCompile`.",
        )
    if told := [line for line in logged if line.startswith(("WARNING", "ERROR"))]:
        fail(
            expected="no warning where the model is compiled", found=f"`{told[0][:160]}`",
            help="Whoever reads it looks for a slow service. The line belongs to `CannotCompile`.",
        )  # fmt: skip
    houses = inputs.draw_houses(rng, 5)
    compare(pricer, houses, models, "the prices")


def make_pricer(lab: LabHandle, models: Models) -> tuple[RemoteObject, list[str]]:
    """Call the learner's `make_pricer`; return its answer and what was logged."""
    lab._called("predictor", "make_pricer")
    target = "lab2_service.predictor:make_pricer"
    pricer, logged = lab.make("mlops_probes.service:with_logs", target, artifact(lab, models), doing="`make_pricer(…)`")
    return expect.handle(pricer, "what `make_pricer` returns", methods=("predict",)), logged
