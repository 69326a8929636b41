"""Lets the contract and the features of lab 5 work in the learner's process, and tells what came out as data."""

from __future__ import annotations

import importlib
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


def violations(target: str, frame: pd.DataFrame, today: str | None = None) -> list[tuple[int | None, str, str]] | None:
    """What a Pandera model has against a table; None where it accepts it, and returns it as it was.

    One entry for each case: the place of the row (None where it is about the table), the column, and what is said.
    From here on `today()` of its module is the day `today`, where one is given.
    """
    import pandas as pd
    from pandera.errors import SchemaError, SchemaErrors

    if today is not None:
        vars(importlib.import_module(target.partition(":")[0])).update(today=lambda: pd.Timestamp(today))
    try:
        returned = _named(target).validate(frame, lazy=True)
    except (SchemaError, SchemaErrors) as error:
        cases = error.failure_cases
        if isinstance(error, SchemaError) or not hasattr(cases, "iterrows"):
            return [(None, "", str(error)[:500])]
        return [
            (None if case["index"] != case["index"] or case["index"] is None else int(case["index"]),
             str(case["column"])[:100], f"{case['check']} {case['failure_case']}"[:300])
            for _, case in cases.iterrows()
        ]  # fmt: skip
    return None if returned.equals(frame) else [(None, "", "accepted, but not returned as it was")]


def split(module: str, frame: pd.DataFrame) -> tuple[Any, Any, pd.DataFrame]:
    """The two parts that `split_valid` makes of a table, and the table as it is after the call."""
    answer = _named(f"{module}:split_valid")(frame)
    return answer.good, answer.quarantined, frame


def report(
    module: str, good: pd.DataFrame, quarantined: pd.DataFrame, previous: dict[str, Any] | None = None
) -> tuple[dict[str, Any], Any, Any]:
    """What `check_batch` says: its fields, its JSON as text, and the same of what is read back from that."""
    contract = importlib.import_module(module)
    before = None if previous is None else contract.BatchReport.from_json(json.dumps(previous | {"accepted": True}))
    found = contract.check_batch(contract.Split(good, quarantined), before)
    text = found.to_json()
    return _fields(found), text, contract.BatchReport.from_json(text) == found


def _fields(report: Any) -> dict[str, Any]:
    names = ("month", "rows", "good", "quarantined", "bad_share", "newest", "reasons", "problems", "accepted")
    return {name: getattr(report, name) for name in names}


def _named(target: str) -> Any:
    module, _, name = target.partition(":")
    return getattr(importlib.import_module(module), name)
