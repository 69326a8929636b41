"""The OpenAPI document of a learner's service, cut down to what requests are generated from.

A library that reads such a document fetches what it names: an example by its `externalValue`, a schema by its `$ref`.
So what leads out of the document is refused, and what is not needed is left out before a library sees it.
"""

from __future__ import annotations

from typing import Any

from labkit.checks import expect, fail
from labkit.text import clean

TOP = ("openapi", "info", "paths")
COMPONENTS = ("schemas", "responses", "parameters", "examples", "requestBodies", "headers", "pathItems")
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
ITEM = (*METHODS, "parameters", "summary", "description", "$ref")
OPERATION = ("operationId", "parameters", "requestBody", "responses", "summary", "description", "tags", "deprecated")
RESPONSE = ("$ref", "description", "headers", "content")

REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")
BASES = ("$id", "id", "$schema")
"""Where these hold an address, a reference such as `#/a` may mean one in another document."""
DEEPEST = 200
INSIDE_HELP = "Leave the document to FastAPI: it puts schemas into `#/components/schemas` and examples into `value`."


def own_document(document: Any) -> dict[str, Any]:
    """Return what requests are generated from. A document that leads to a file or another host fails the check."""
    _refuse_what_leads_out(document)
    whole = _mapping(document, "the document")
    kept = _only(whole, TOP)
    kept["paths"] = {path: _item(item) for path, item in _mapping(whole.get("paths", {}), "`paths`").items()}
    components = _only(_mapping(whole.get("components", {}), "`components`"), COMPONENTS)
    for name, part in (("responses", _response), ("pathItems", _item)):
        if name in components:
            parts = _mapping(components[name], f"`components.{name}`")
            components[name] = {key: part(value) for key, value in parts.items()}
    return {**kept, "components": components}


def _mapping(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        fail(expected=f"{what} of the OpenAPI document is an object", found=expect.shown(value))
    return value


def _only(value: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: value[name] for name in names if name in value}


def _item(item: Any) -> dict[str, Any]:
    kept = _only(_mapping(item, "a path"), ITEM)
    return {name: _operation(part) if name in METHODS else part for name, part in kept.items()}


def _operation(operation: Any) -> dict[str, Any]:
    kept = _only(_mapping(operation, "an operation"), OPERATION)
    if "responses" in kept:
        answers = _mapping(kept["responses"], "`responses`")
        kept["responses"] = {status: _response(answer) for status, answer in answers.items()}
    return kept


def _response(response: Any) -> dict[str, Any]:
    return _only(_mapping(response, "a response"), RESPONSE)


def _refuse_what_leads_out(value: Any, depth: int = 0) -> None:
    if depth > DEEPEST:
        fail(expected="the OpenAPI document can be read", found=f"it is nested more than {DEEPEST} levels deep")
    if isinstance(value, dict):
        for name, one in value.items():
            if isinstance(one, str) and _leads_out(name, one):
                fail(
                    expected="the OpenAPI document refers to itself only: the check follows nothing to elsewhere",
                    found=f"`{name}`: {clean(one, 100)}",
                    help=INSIDE_HELP,
                )
            _refuse_what_leads_out(one, depth + 1)
    elif isinstance(value, list):
        for one in value:
            _refuse_what_leads_out(one, depth + 1)


def _leads_out(name: str, value: str) -> bool:
    if name in REFERENCES:
        return not value.startswith("#")
    return name == "externalValue" or (name in BASES and ":" in value and "/" in value)
