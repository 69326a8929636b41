"""Requests that schemathesis makes from the OpenAPI document of a service.

Runs as a driver: in a process that holds no verdict and reaches that one service. See `labkit.checking.drivers`.
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path
from typing import Any

from labkit.text import clean

TABLES = Path(sys.prefix) / "share" / "hypothesis"
"""What hypothesis computes once and keeps, made by `make`: here nothing that is written lasts."""


def first_problem(url: str, document: str, *, seed: int, examples: int) -> str:
    """Send generated requests to every operation; return the first problem in words, or nothing.

    `document` is the JSON text of what `openapi.own_document` returned.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return _first_problem(url, json.loads(document), seed=seed, examples=examples)
        except Exception as error:  # the document is the learner's: a library that reads it may stumble over anything
            return f"the document cannot be read: {type(error).__name__}: {clean(str(error), 200)}"


def _first_problem(url: str, document: Any, *, seed: int, examples: int) -> str:
    import schemathesis
    from hypothesis.configuration import set_hypothesis_home_dir

    if TABLES.is_dir():
        set_hypothesis_home_dir(TABLES)
    from hypothesis import HealthCheck, Phase, given, settings
    from hypothesis import seed as seeded
    from hypothesis.errors import Unsatisfiable
    from schemathesis import GenerationMode
    from schemathesis.checks import not_a_server_error
    from schemathesis.core.failures import Failure, FailureGroup
    from schemathesis.specs.openapi.checks import (
        content_type_conformance,
        response_schema_conformance,
        status_code_conformance,
    )

    checks = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
    schema = schemathesis.openapi.from_dict(document)
    schema.config.update(base_url=url)
    options = settings(
        max_examples=examples, deadline=None, database=None, phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    for result in schema.get_all_operations():
        operation = result.ok()

        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):

            @seeded(seed)
            @options
            @given(case=operation.as_strategy(generation_mode=mode))
            def send(case: Any) -> None:
                answer = case.call(allow_redirects=False)  # the next one may be somebody else
                # 400 is FastAPI's word for a body that it cannot even read: known to few, and no fault.
                case.validate_response(answer, checks=checks[:1] if answer.status_code == 400 else checks)

            try:
                send()
            except (Failure, FailureGroup) as error:
                return _in_words(operation, error)
            except Unsatisfiable:
                continue  # a GET without parameters cannot be asked wrongly
    return ""


def _in_words(operation: Any, error: Any) -> str:
    inner = error.exceptions[0] if hasattr(error, "exceptions") else error
    text = " ".join(f"{getattr(inner, 'title', '')}: {getattr(inner, 'message', inner)}".split())
    return f"`{operation.method.upper()} {operation.path}`: {text[:300]}"
