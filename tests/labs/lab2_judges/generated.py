"""Requests that schemathesis makes from the OpenAPI document of a service."""

from __future__ import annotations

import warnings
from typing import Any

from labkit.checks import CheckFailed, fail
from labkit.text import clean


def first_problem(url: str, document: Any, *, seed: int, examples: int) -> str:
    """Send generated requests to every operation; return the first problem in words, or nothing."""
    _only_own_references(document)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return _first_problem(url, document, seed=seed, examples=examples)
        except CheckFailed:
            raise
        except Exception as error:  # the document is the learner's: a library that reads it may stumble over anything
            fail(expected="the OpenAPI document can be read", found=f"{type(error).__name__}: {clean(str(error), 200)}")


def _first_problem(url: str, document: Any, *, seed: int, examples: int) -> str:
    import schemathesis
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
                answer = case.call()
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


def _only_own_references(value: Any, depth: int = 0) -> None:
    """Expect references inside the document only: the check follows none to a file or another host."""
    if depth > 200:
        fail(expected="the OpenAPI document can be read", found="it is nested more than 200 levels deep")
    if isinstance(value, dict):
        reference = value.get("$ref")
        if isinstance(reference, str) and not reference.startswith("#/"):
            fail(expected="the OpenAPI document refers to itself only", found=f"`$ref`: {reference[:100]}")
        for one in value.values():
            _only_own_references(one, depth + 1)
    elif isinstance(value, list):
        for one in value:
            _only_own_references(one, depth + 1)
