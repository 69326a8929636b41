"""The OpenAPI document of a learner leads the check to nobody else: what it names is neither fetched nor asked."""

from __future__ import annotations

import copy
import socket
from pathlib import Path
from typing import Any

import pytest
from lab2_judges.openapi import own_document
from tests.test_checks_of_services import LAB, ROOT, submission

from labkit.checking.expect import CheckFailed
from labkit.engine.client import Engine

SCHEMA = {"type": "object", "properties": {"id": {"type": "string"}, "links": {"type": "integer"}}}
DOCUMENT: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "t", "version": "1"},
    "servers": [{"url": "http://elsewhere.example"}],
    "security": [{"o": []}],
    "externalDocs": {"url": "http://elsewhere.example"},
    "webhooks": {"w": {}},
    "paths": {
        "/a": {
            "servers": [{"url": "http://elsewhere.example"}],
            "post": {
                "callbacks": {"c": {"http://elsewhere.example": {}}},
                "servers": [{"url": "http://elsewhere.example"}],
                "requestBody": {
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/A"}, "examples": {}}}
                },
                "responses": {
                    "200": {
                        "description": "d",
                        "links": {
                            "l": {"operationRef": "http://elsewhere.example", "server": {"url": "http://e.example"}}
                        },
                    }
                },
            },
        }
    },
    "components": {
        "schemas": {"A": SCHEMA},
        "securitySchemes": {"o": {"type": "openIdConnect", "openIdConnectUrl": "http://elsewhere.example"}},
        "links": {"l": {"operationRef": "http://elsewhere.example"}},
    },
}
AWAY = "http://127.0.0.1:9/a.json"


def with_media(**media: Any) -> dict[str, Any]:
    """The document with something at the body of its operation."""
    document = copy.deepcopy(DOCUMENT)
    document["paths"]["/a"]["post"]["requestBody"]["content"]["application/json"].update(media)
    return document


def test_what_may_ask_somebody_is_left_out_and_the_rest_stays() -> None:
    kept = own_document(DOCUMENT)
    assert "elsewhere" not in str(kept)
    assert kept["components"] == {"schemas": {"A": SCHEMA}}
    assert kept["paths"]["/a"]["post"]["requestBody"] == DOCUMENT["paths"]["/a"]["post"]["requestBody"]
    assert kept["paths"]["/a"]["post"]["responses"] == {"200": {"description": "d"}}


@pytest.mark.parametrize(
    "media",
    [
        {"examples": {"e": {"externalValue": AWAY}}},
        {"examples": {"e": {"externalValue": "file:///etc/passwd"}}},
        {"examples": {"e": {"externalValue": "/etc/passwd"}}},
        {"examples": {"e": {"$ref": AWAY}}},
        {"schema": {"$ref": AWAY}},
        {"schema": {"$ref": "other.json#/A"}},
        {"schema": {"$ref": "//elsewhere.example/a"}},
        {"schema": {"$dynamicRef": AWAY}},
        {"schema": {"$recursiveRef": AWAY}},
        {"schema": {"$id": AWAY, "$ref": "#/A"}},
        {"schema": {"id": AWAY, "$ref": "#/A"}},
        {"schema": {"$schema": AWAY}},
        {"schema": {"anyOf": [{"properties": {"a": {"items": {"$ref": AWAY}}}}]}},
    ],
    ids=str,
)
def test_what_leads_out_is_refused(media: dict[str, Any]) -> None:
    with pytest.raises(CheckFailed, match="refers to itself only"):
        own_document(with_media(**media))


@pytest.mark.parametrize(
    "document",
    [None, [], 7, {"paths": []}, {"paths": {"/a": 5}}, {"paths": {"/a": {"get": []}}}, {"components": 3}],
    ids=str,
)
def test_what_is_no_document_fails_in_words(document: Any) -> None:
    with pytest.raises(CheckFailed, match="is an object"):
        own_document(document)


# An app like the solution's, whose document tells the reader to fetch an example from somewhere else.
EXTERNAL = """

_create_app = create_app


def create_app(*args, **kwargs):
    app = _create_app(*args, **kwargs)
    make = app.openapi

    def openapi():
        document = make()
        media = document["paths"]["/v1/iris"]["post"]["requestBody"]["content"]["application/json"]
        media["examples"] = {{"e": {{"externalValue": "http://127.0.0.1:{port}/secret"}}}}
        return document

    app.openapi = openapi
    return app
"""
# One that sends whoever asks for a prediction to somewhere else.
REDIRECT = """

_create_app = create_app


def create_app(*args, **kwargs):
    from fastapi.responses import RedirectResponse

    app = _create_app(*args, **kwargs)

    @app.middleware("http")
    async def elsewhere(request, call_next):
        if request.url.path == "/openapi.json":
            return await call_next(request)
        return RedirectResponse("http://127.0.0.1:{port}/secret", 307)

    return app
"""


@pytest.mark.parametrize(
    ("code", "words"), [(EXTERNAL, "externalValue"), (REDIRECT, "307")], ids=["example", "redirect"]
)
def test_the_check_asks_nobody_else(code: str, words: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as elsewhere, Engine(ROOT) as engine:
        track = submission(tmp_path, {"app.py": code.format(port=elsewhere.getsockname()[1])})
        checks = [["test_answers_are_as_the_documentation_says"]]
        (report,) = engine.run_many(LAB, [track], exercises=["2.4"], checks=checks)
        elsewhere.settimeout(0)
        with pytest.raises(BlockingIOError):
            elsewhere.accept()
    (result,) = report.results
    assert result.outcome == "failed", result.message
    assert words in result.message and "help:" in result.message
