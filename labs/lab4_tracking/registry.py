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
    # TODO 4.3: From a run to a version
    raise NotImplementedError


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
    # TODO 4.4: A gate, and a way back
    raise NotImplementedError


# TODO 4.4: A gate, and a way back


def rollback(name: str = MODEL) -> int:
    """Put the former champion back, and return its version: the one that served before the present one was promoted.

    A second call goes one step further back, and not forward again. No version is deleted. It is `crown`ed with the
    reason `rollback`, in `only_one`.

    Raises ValueError where there is no former champion, and PromotionConflict where somebody else is at it.
    """
    # TODO 4.4: A gate, and a way back
    raise NotImplementedError
