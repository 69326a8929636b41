"""The registry: versions of a model, a name that moves between them, and the gate in front of that name.

Others ask for `models:/house-price@champion` (`champion_uri()`), and need to know nothing else.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd

MODEL = "house-price"
CHAMPION, CHALLENGER = "champion", "challenger"

# The rules of the gate.
CONFIDENCE = 0.95  # of the interval of the difference in MAE
SMALLEST_GROUP = 30  # sales in a zipcode that count as a group
WORST_GROUP = 0.05  # how much worse a group may become
LATENCY = 0.2  # seconds for one row

LONGEST_LOCK = 600  # seconds


class PromotionConflict(RuntimeError):
    """Somebody else is moving the champion at this moment."""


@dataclass(frozen=True)
class Rule:
    """One rule of the gate. `value` is None where there was nothing to compare with."""

    name: str
    value: float | None
    limit: float
    passed: bool


@dataclass(frozen=True)
class Decision:
    """Whether a version was promoted, and what each rule said."""

    promoted: bool
    rules: tuple[Rule, ...]


def champion_uri(name: str = MODEL) -> str:
    """The address of the model that serves, whichever version it is."""
    return f"models:/{name}@{CHAMPION}"


def version_of(alias: str, name: str = MODEL) -> int | None:
    """The version that an alias points to, or None. Given."""
    import mlflow
    from mlflow.exceptions import MlflowException

    try:
        return int(mlflow.MlflowClient().get_model_version_by_alias(name, alias).version)
    except MlflowException:
        return None


def register(run_id: str, name: str = MODEL) -> int:
    """Make the model of a finished run a version of the registered model `name`; return the number of the version.

    The version gets the alias `challenger`; `champion` stays where it is. It has all tags of the run that begin with
    `data.`, `test.` or `git.`, the metrics of the run as tags `metric.rmse`, `metric.mae` and `metric.r2`, and
    `registered_by`, the `person()`. A run that is registered already gives the version that it has, and no alias is
    moved.

    Raises ValueError where the run has not finished, or has no model; nothing is registered then.
    """
    # solution 4.3
    import mlflow

    from lab4_tracking.lineage import person

    client = mlflow.MlflowClient()
    run = client.get_run(run_id)
    if run.info.status != "FINISHED":
        raise ValueError(f"run {run_id} is {run.info.status}: only a finished run can be registered")
    if not (run.outputs and run.outputs.model_outputs):
        raise ValueError(f"run {run_id} has no model: a sweep has none, a training has")
    # Once is enough: a pipeline that tries again must not make a second version of the same model.
    for known in client.search_model_versions(f"name = '{name}'"):
        if known.run_id == run_id:
            return int(known.version)
    tags = {key: value for key, value in run.data.tags.items() if key.startswith(("data.", "test.", "git."))}
    tags |= {f"metric.{key}": str(run.data.metrics[key]) for key in ("rmse", "mae", "r2")}
    tags["registered_by"] = person()
    version = int(mlflow.register_model(f"runs:/{run_id}/model", name, tags=tags).version)
    client.set_registered_model_alias(name, CHALLENGER, str(version))
    return version
    # end solution


@contextlib.contextmanager
def only_one(name: str = MODEL) -> Iterator[None]:
    """Let one process at a time move the champion; raise PromotionConflict where another one is at it. Given.

    MLflow has no locks. But the name of a registered model can be taken only once, on whichever machine: who takes the
    name `house-price.lock` holds the lock. One that was left by a process that died is broken: at once where that can
    be seen from here, else after ten minutes. Who finds it broken is told to try again.
    """
    import time

    import mlflow
    from mlflow.exceptions import MlflowException

    from lab4_tracking.lineage import is_gone, workplace

    client, lock = mlflow.MlflowClient(), f"{name}.lock"
    try:
        client.create_registered_model(lock, tags=workplace())
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
        with contextlib.suppress(MlflowException):  # it may just have been released
            held = client.get_registered_model(lock)
            if is_gone(held.tags) or time.time() - held.creation_timestamp / 1_000 > LONGEST_LOCK:
                client.delete_registered_model(lock)
        raise PromotionConflict(f"the champion of `{name}` is being moved by somebody else: try again later") from None
    try:
        yield
    finally:
        client.delete_registered_model(lock)


def crown(version: int, why: str, name: str = MODEL) -> None:
    """Let `champion` point to this version, and write down who did it, when and why. Given; call it in `only_one`."""
    import mlflow

    from lab4_tracking.lineage import person

    client = mlflow.MlflowClient()
    entry = {"version": version, "at": datetime.now(UTC).isoformat(), "by": person(), "why": why}
    key = f"champion.{len(champions(name)) + 1:04d}"
    client.set_registered_model_tag(name, key, json.dumps(entry))
    client.set_registered_model_alias(name, CHAMPION, str(version))
    if version_of(CHALLENGER, name) == version:
        client.delete_registered_model_alias(name, CHALLENGER)


def champions(name: str = MODEL) -> pd.DataFrame:
    """The history of champions, the first one first: `version`, `at` (UTC), `by` and `why`. Given."""
    import mlflow

    tags = mlflow.MlflowClient().get_registered_model(name).tags
    entries = [json.loads(tags[key]) for key in sorted(tags) if key.startswith("champion.")]
    return pd.DataFrame(entries, columns=["version", "at", "by", "why"])


def promote(version: int, recent: pd.DataFrame, *, name: str = MODEL) -> Decision:
    """Make a version the champion if it passes each rule on `recent`, sales with `date` and `price`.

    - `better`: on the newest calendar month. `value` is the upper end of the 95 % interval of the mean of (absolute
      error of the version minus absolute error of the champion), in USD, from a paired bootstrap: the same houses for
      both, at least 2,000 draws, the percentile of their means. It must be below the limit 0.
    - `groups`: on all of `recent`. `value` is the largest relative change of the MAE in a zipcode that has 30 sales or
      more (0.05 is 5 % worse). At most 0.05.
    - `latency`: `value` is the median time in seconds of five predictions for one house. At most 0.2.
    - `signature`: `value` is the number of inputs that the version asks for and the champion does not, or with another
      type; a version without a signature has 1. At most 0.

    Without a champion, `better` and `groups` have the value None and are passed; the signature only has to be there.
    Where the signature does not fit, the other three have the value None and are not passed: nothing is measured.

    The decision is kept with the version, in its tag `gate`, as JSON: `promoted`, and `rules` with name, value, limit
    and passed. The version is `crown`ed with the reason `promote`. All of it happens in `only_one`.

    Raises PromotionConflict where somebody else is at it, ValueError where the version is the champion already.
    """
    # solution 4.4
    import mlflow

    with only_one(name):
        old = version_of(CHAMPION, name)
        if old == version:
            raise ValueError(f"version {version} of `{name}` is the champion already")
        challenger = mlflow.pyfunc.load_model(f"models:/{name}/{version}")
        champion = None if old is None else mlflow.pyfunc.load_model(f"models:/{name}/{old}")
        rules = _rules(challenger, champion, recent)
        decision = Decision(all(rule.passed for rule in rules), rules)
        client = mlflow.MlflowClient()
        client.set_model_version_tag(name, str(version), "gate", json.dumps(asdict(decision)))
        if decision.promoted:
            crown(version, "promote", name)
    return decision
    # end solution


# solution 4.4
def _rules(challenger: Any, champion: Any, recent: pd.DataFrame) -> tuple[Rule, ...]:
    """What each rule says. The signature comes first: a model that cannot be asked cannot be measured."""
    unknown = _unknown_inputs(challenger, champion)
    signature = Rule("signature", float(unknown), 0.0, unknown == 0)
    if not signature.passed:
        limits = {"better": 0.0, "groups": WORST_GROUP, "latency": LATENCY}
        return (*(Rule(name, None, limit, False) for name, limit in limits.items()), signature)
    latency = _latency(challenger, recent)
    if champion is None:
        better, groups = Rule("better", None, 0.0, True), Rule("groups", None, WORST_GROUP, True)
    else:
        new, old = (_errors(model, recent) for model in (challenger, champion))
        better, groups = _better(new - old, recent["date"]), _groups(new, old, recent["zipcode"])
    return better, groups, Rule("latency", latency, LATENCY, latency <= LATENCY), signature


def _unknown_inputs(challenger: Any, champion: Any) -> int:
    """How many inputs of the challenger are not those of the champion; 1 where it has no signature."""
    wanted = challenger.metadata.get_input_schema()
    if wanted is None:
        return 1
    if champion is None:
        return 0
    known = {(column.name, column.type) for column in champion.metadata.get_input_schema()}
    return sum((column.name, column.type) not in known for column in wanted)


def _errors(model: Any, sales: pd.DataFrame) -> pd.Series:
    """The absolute error for each sale, in USD."""
    inputs = model.metadata.get_input_schema().input_names()
    return (sales["price"] - np.asarray(model.predict(sales[inputs]), dtype=float)).abs()


def _better(difference: pd.Series, dates: pd.Series) -> Rule:
    """The bootstrap: draw the houses of the month again and again, and look how the mean difference moves."""
    month = dates.dt.to_period("M")
    newest = difference[month == month.max()].to_numpy()
    # One draw picks houses, and with each house both errors: paired. The same seed each time: the same decision.
    rng = np.random.default_rng(0)
    means = [newest[rng.integers(len(newest), size=len(newest))].mean() for _ in range(2_000)]
    upper = float(np.quantile(means, (1 + CONFIDENCE) / 2))
    return Rule("better", upper, 0.0, upper < 0)


def _groups(new: pd.Series, old: pd.Series, zipcodes: pd.Series) -> Rule:
    """The zipcode that would lose most."""
    errors = pd.DataFrame({"new": new, "old": old}).groupby(zipcodes).agg(["mean", "size"])
    large = errors[errors["new", "size"] >= SMALLEST_GROUP]
    if large.empty:
        return Rule("groups", None, WORST_GROUP, True)
    worst = float((large["new", "mean"] / large["old", "mean"] - 1).max())
    return Rule("groups", worst, WORST_GROUP, worst <= WORST_GROUP)


def _latency(model: Any, sales: pd.DataFrame) -> float:
    """The median time for one house; the first call warms up, and is not counted."""
    import time

    inputs = model.metadata.get_input_schema().input_names()
    seconds = []
    for place in range(6):
        house = sales[inputs].iloc[[place % len(sales)]]
        started = time.perf_counter()
        model.predict(house)
        seconds.append(time.perf_counter() - started)
    return float(np.median(seconds[1:]))


# end solution


def rollback(name: str = MODEL) -> int:
    """Put the former champion back, and return its version: the one that served before the present one was promoted.

    A second call goes one step further back, and not forward again. No version is deleted. It is `crown`ed with the
    reason `rollback`, in `only_one`.

    Raises ValueError where there is no former champion, and PromotionConflict where somebody else is at it.
    """
    # solution 4.4
    with only_one(name):
        # Read the history as a stack: a promotion puts a version on it, a rollback takes one off.
        served: list[int] = []
        for version, why in champions(name)[["version", "why"]].itertuples(index=False):
            if why == "rollback":
                served.pop()
            else:
                served.append(int(version))
        if len(served) < 2:
            raise ValueError(f"`{name}` has no former champion: nothing to go back to")
        crown(served[-2], "rollback", name)
        return served[-2]
    # end solution
